"""Texts in the language of the present request."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from datetime import date

import pytest
from babel.support import NullTranslations

from attendance import texts
from attendance.errors import Phrase, UserError
from attendance.texts import translated


class German(NullTranslations):
    """A catalogue of a few texts."""

    def ugettext(self, message: str) -> str:
        return {
            "line %(line)s: %(why)s": "Zeile %(line)s: %(why)s",
            "there is no shift %(name)s": "die Schicht %(name)s gibt es nicht",
            "(empty)": "(leer)",
        }.get(message, message)


@pytest.fixture
def _in_german() -> Iterator[None]:
    texts.use(German())
    yield
    texts.use(NullTranslations())


LINE = UserError(
    "line %(line)s: %(why)s", line=3, why=UserError("there is no shift %(name)s", name=Phrase("(empty)"))
)  # fmt: skip


@pytest.mark.usefixtures("_in_german")
def test_an_error_is_translated_with_its_parts() -> None:
    assert translated(LINE) == "Zeile 3: die Schicht (leer) gibt es nicht"
    assert translated(LINE.words) == translated(LINE)


@pytest.mark.usefixtures("_in_german")
def test_logs_and_the_command_line_stay_english() -> None:
    assert str(LINE) == "line 3: there is no shift (empty)"


@pytest.mark.usefixtures("_in_german")
def test_other_things_are_shown_as_text() -> None:
    assert [translated(each) for each in ("", "(empty)", UserError(), ValueError("(empty)"), 3)] == [
        "", "(empty)", "", "(empty)", "3",
    ]  # fmt: skip


def test_outside_of_a_request_an_error_is_english() -> None:
    assert translated(LINE) == str(LINE)


def test_days_in_a_text_are_written_as_the_site_writes_them_and_plainly_outside_of_a_request() -> None:
    error = UserError(
        "from %(first)s to %(last)s", first=date(2024, 6, 3), last=Phrase("the %(day)s", day=date(2024, 6, 4))
    )
    context = copy_context()
    context.run(texts.use, NullTranslations(), lambda day: f"{day:%d.%m.%Y}")

    assert context.run(texts.translated, error) == "from 03.06.2024 to the 04.06.2024"
    assert context.run(texts.ngettext, "since %(day)s", "", 1, day=date(2024, 6, 3)) == "since 03.06.2024"
    assert texts.translated(error) == str(error) == "from 2024-06-03 to the 2024-06-04"
