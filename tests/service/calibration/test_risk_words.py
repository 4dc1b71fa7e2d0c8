"""Chances in words: two digits, and nothing rounded to nothing."""

from __future__ import annotations

import re
from contextvars import copy_context

import pytest
from babel.support import NullTranslations
from hypothesis import given
from hypothesis import strategies as st

from attendance import texts
from attendance.service.calibration.risk_words import a_year, one_in, out_of


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (None, "not known"),
        (0.0, "none seen"),
        (0.0002, "1 in 5,000"),
        (1 / 4876, "1 in 4,900"),
        (0.001, "1 in 1,000"),
        (0.03, "1 in 33"),
        (0.1, "1 in 10"),
        (0.256, "1 in 3.9"),
        (0.456, "46 in 100"),
        (1.0, "100 in 100"),
        (5.0, "100 in 100"),
        (1e-15, "1 in a million million"),
    ],
)
def test_the_chance_of_a_stranger(chance: float | None, words: str) -> None:
    assert one_in(chance) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, "not known"),
        (0.0, "none seen"),
        (0.02, "2 in 100"),
        (0.0154, "1.5 in 100"),
        (0.004, "4 in 1,000"),
        (0.0002, "2 in 10,000"),
        (0.00001, "1 in 100,000"),
        (1.0, "100 in 100"),
    ],
)
def test_the_share_of_ones_own_people(share: float | None, words: str) -> None:
    assert out_of(share) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(None, "not known yet"), (0.0, "none"), (0.3, "0.3 a year"), (12.4, "12 a year"), (0.004, "1 in 250 years")],
)
def test_how_often_in_a_year(number: float | None, words: str) -> None:
    assert a_year(number) == words


@given(st.floats(1e-9, 1))
def test_words_say_the_number_to_two_digits(chance: float) -> None:
    for words in (one_in(chance), out_of(chance)):
        above, below = re.fullmatch(r"([\d.,]+) in ([\d.,]+)", words).groups()  # type: ignore[union-attr]
        said = float(above.replace(",", "")) / float(below.replace(",", ""))
        assert said == pytest.approx(chance, rel=0.051)


def test_numbers_are_written_as_the_locale_has_them() -> None:
    assert one_in(0.0002, "de_DE") == "1 in 5.000"
    assert out_of(0.0154, "de_DE") == "1,5 in 100"
    assert out_of(0.004, "de_DE") == "4 in 1.000"
    assert a_year(0.3, "de_DE") == "0,3 a year"


def test_the_words_are_translated() -> None:
    class Shouted(NullTranslations):
        def ugettext(self, message: str) -> str:
            return message.replace(" in ", " IN ").replace("seen", "SEEN")

    def words() -> tuple[str, str, str]:
        texts.use(Shouted())
        return one_in(0.0002), out_of(0.02), one_in(0.0)

    assert copy_context().run(words) == ("1 IN 5,000", "2 IN 100", "none SEEN")
