"""The error that users can mend, and how an error becomes a sentence, a headline or one line.

In: the text of an error, «what is wrong: what to do», which begins small and has no full stop.
Out: an exception; its text as pages, forms, scripts and the command line show it.
Does not know: who shows it.
Main choice: one form in the code and four forms to show.  Trade-off: a text whose first part holds a colon
is cut there.
"""

from __future__ import annotations


class UserError(Exception):
    """Wrong input by the user; its text says what to do."""


def one_line(error: object) -> str:
    """Return the text without line breaks and without runs of spaces, as the command line prints it."""
    return " ".join(str(error).split())


def first_line(error: object) -> str:
    """Return the first line of what another library says at length, or the kind of error if it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def headline(text: object) -> str:
    """Return the text with a capital first letter; a name of a file at the beginning stays as it is."""
    line = one_line(text)
    return line if "." in line.partition(" ")[0] else line[:1].upper() + line[1:]


def sentence(text: object) -> str:
    """Return the text as a sentence: one line, a capital first letter, a full stop."""
    line = headline(text)
    return line if not line or line.endswith((".", "?", "!", "…")) else f"{line}."


def problem_and_advice(error: object) -> tuple[str, str]:
    """Return what is wrong, and what to do as a sentence; "" if the error gives no advice."""
    problem, _, advice = one_line(error).partition(": ")
    return problem, sentence(advice)
