"""How an error becomes a sentence, a headline or one line."""

from __future__ import annotations

import copy
import pickle
from datetime import date

import pytest

from attendance.errors import Phrase, UserError, first_line, headline, one_line, problem_and_advice, sentence


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


def test_an_error_keeps_its_text_and_what_fills_it_apart() -> None:
    error = UserError("%(day)s is closed; %(advice)s", day=date(2024, 5, 6), advice=Phrase("reopen it"))

    assert str(error) == error.words == "2024-05-06 is closed; reopen it"
    assert (error.words.text, error.words.values["day"]) == ("%(day)s is closed; %(advice)s", date(2024, 5, 6))


def test_a_percent_sign_stays_one_without_values() -> None:
    assert str(UserError("at most 100 %: %(name)s is too many")) == "at most 100 %: %(name)s is too many"


def test_an_error_inside_another_is_kept_as_its_words() -> None:
    inner = UserError("there is no shift %(name)s", name="Late")
    outer = UserError("line %(line)s: %(why)s (%(fault)s)", line=3, why=inner, fault=OSError("disk"))

    assert str(outer) == "line 3: there is no shift Late (disk)"
    assert outer.words.values["why"].text == "there is no shift %(name)s"
    assert outer.words.values["fault"] == "disk"  # a fault would hold all that was on its way


@pytest.mark.parametrize("again", [copy.deepcopy, lambda words: pickle.loads(pickle.dumps(words))])
def test_words_survive_copies_and_other_processes(again: object) -> None:
    assert callable(again)
    words = again(Phrase("of %(name)s: 5%%", name="Ana"))

    assert (words, words.text, words.values) == ("of Ana: 5%", "of %(name)s: 5%%", {"name": "Ana"})
