"""Chances in words: two digits, and nothing rounded to nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.web.calibration.risk_words import RISKS, a_year, nearest_step, one_in, out_of


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


def test_the_sliders_positions_find_themselves_again() -> None:
    assert [nearest_step(risk) for risk in RISKS] == list(range(len(RISKS)))
    assert nearest_step(1) == 0
    assert nearest_step(800) == RISKS.index(1000)
