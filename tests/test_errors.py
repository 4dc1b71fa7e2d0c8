"""How an error becomes a sentence, a headline or one line."""

from __future__ import annotations

import pytest

from attendance.errors import UserError, first_line, headline, one_line, problem_and_advice, sentence


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a person needs a name", "A person needs a name."),
        ("a person needs a name.", "A person needs a name."),
        ("is it the right person?", "Is it the right person?"),
        ("list.csv: has no name", "list.csv: has no name."),
        ("the list\n  has no name", "The list has no name."),
        ("", ""),
    ],
)
def test_a_sentence_begins_large_and_ends_with_a_stop(text: str, shown: str) -> None:
    assert sentence(UserError(text)) == shown
    assert sentence(text) == shown


def test_a_headline_has_no_stop() -> None:
    assert headline("too dark") == "Too dark"
    assert headline("ana.jpg is too dark") == "ana.jpg is too dark"


def test_an_error_tells_the_problem_and_the_advice_apart() -> None:
    assert problem_and_advice(UserError("the file is empty: choose another photo")) == (
        "the file is empty",
        "Choose another photo.",
    )
    assert problem_and_advice(UserError("the file is empty")) == ("the file is empty", "")


def test_the_command_line_gets_one_line() -> None:
    assert one_line(UserError("no\n   such\tfile")) == "no such file"


def test_a_long_error_of_a_library_is_cut_after_its_first_line() -> None:
    assert first_line(ValueError("\nbad model\nat node 3")) == "bad model"
    assert first_line(ValueError("")) == "ValueError"
