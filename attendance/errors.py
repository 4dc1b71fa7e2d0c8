"""The error that users can mend, and how an error becomes a sentence, a headline or one line.

In: the text of an error, «what is wrong: what to do», which begins small and has no full stop; what it is about.
Out: an exception; its text as pages, forms, scripts and the command line show it.
Does not know: who shows it, languages (`texts.translated` looks the text up).
Main choice: one form in the code and four forms to show.  Trade-off: a text whose first part holds a colon
is cut there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attendance.paths import as_typed


class Phrase(str):
    """A text in English that remembers what it was made of, so that a page can show it in another language.

    `text`: what a catalogue of translations knows, a literal with `%(name)s` placeholders; `values`: what fills them.
    It is a `str` like any other for logs, files and the command line; what is cut off it or joined to it is
    English only.
    """

    text: str
    values: dict[str, Any]

    def __new__(cls, text: str = "", /, **values: Any) -> Phrase:
        """Return the English text, filled; without values, a `%` stays a `%`."""
        phrase = super().__new__(cls, text % values if values else text)
        phrase.text, phrase.values = text, {name: _words_of(value) for name, value in values.items()}
        return phrase


def _words_of(value: Any) -> Any:
    """Return what an exception says, without what it holds; another value as it is."""
    if isinstance(value, UserError):
        return value.words
    return str(value) if isinstance(value, BaseException) else value


class UserError(Exception):
    """Wrong input by the user; its text says what to do.

    The arguments are those of a `Phrase`: `UserError("there is no shift %(shift)s", shift=number)`.
    """

    def __init__(self, text: str = "", /, **values: Any) -> None:
        """Keep the text and what fills it apart; a `Phrase` that was made elsewhere is taken as it is."""
        self.words = text if isinstance(text, Phrase) and not values else Phrase(text, **values)
        super().__init__(self.words)


class WrongFields(UserError):
    """Wrong input in one or more fields of a form; as a text it names all of them, for the command line.

    `fields`: by the field's name what is wrong with it, and what to do.
    """

    def __init__(self, *, fields: Mapping[str, Phrase]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in fields.items()))
        self.fields = dict(fields)


def one_line(error: object) -> str:
    """Return the text without line breaks and runs of spaces, with this program's commands as they are typed here."""
    return as_typed(" ".join(str(error).split()))


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


def without_secrets(address: str) -> str:
    """Return an address as it may be shown: without user, password and query (cameras use `?user=…&pwd=…`)."""
    address, _, query = address.partition("?")
    address = re.sub(r"//[^/\s]*@", "//…@", address)
    try:
        urlsplit(address).port  # noqa: B018 - raises when the "port" is the start of a password with a slash in it
    except ValueError:
        address = re.sub(r"//.*@", "//…@", address)
    return address + ("?…" if query else "")


def shown_secret(value: object) -> str:
    """Return what may be shown of a secret setting: an address without secrets, else whether it is set."""
    text = str(value)
    if "://" in text or text.isdigit() or text.startswith("/"):  # a database, a stream, a webcam, a file
        return f'"{without_secrets(text)}"'
    return "(set)" if text else "(not set)"
