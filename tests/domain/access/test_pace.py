"""How fast pictures come, and what that stretches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.pace import FRESH_S, MOST, OLDEST_S, REMEMBERED, USUAL, Ages, Pace
from tests.factories import NOON


def pace_of(*gaps_s: float) -> Pace:
    pace, at = Pace(), NOON
    pace.add(at)
    for gap in gaps_s:
        at += timedelta(seconds=gap)
        pace.add(at)
    return pace


@pytest.mark.parametrize(
    ("gap", "stretch", "slow", "too_slow"),
    [
        (0.04, 1, False, False),
        (0.5, 1, False, False),
        (1.0, 2, True, False),
        (2.0, 4, True, False),
        (3.0, 4, True, True),
        (60, 4, True, True),
    ],
)
def test_below_two_pictures_a_second_durations_grow_up_to_a_bound(
    gap: float, stretch: float, slow: bool, too_slow: bool
) -> None:
    pace = pace_of(*[gap] * 9)

    assert (pace.stretch, pace.slow, pace.too_slow) == (stretch, slow, too_slow)


def test_nothing_is_stretched_before_the_pace_is_known() -> None:
    assert pace_of(3, 3).stretch == 1


def test_a_lost_connection_is_not_a_pace() -> None:
    assert pace_of(0.1, 0.1, 0.1, 600, 0.1, 0.1, 0.1).stretch == 1


def test_time_that_runs_backwards_begins_anew() -> None:
    assert pace_of(2, 2, 2, 2, -30).interval is None


def test_nothing_flickers_around_two_pictures_a_second() -> None:
    pace, at, said = Pace(), NOON, []
    for number in range(60):
        pace.add(at := at + timedelta(seconds=0.55 if number < 10 or number % 2 else 0.45))
        said.append(pace.slow)

    assert said[3:] == [True] * 57


@given(
    st.lists(st.floats(min_value=0.01, max_value=100), min_size=1, max_size=40), st.floats(min_value=0.5, max_value=60)
)
def test_a_stretched_window_never_holds_more_pictures_than_at_two_a_second(gaps: list[float], window_s: float) -> None:
    pace, window = pace_of(*gaps), timedelta(seconds=window_s)

    assert 1 <= pace.stretch <= MOST
    if pace.interval is not None and pace.stretch > 1:
        assert window * pace.stretch / pace.interval <= window / USUAL + 1e-6


def test_a_picture_that_opens_a_door_is_of_just_now_or_as_new_as_a_look_takes() -> None:
    ages = Ages()
    assert ages.limit_s == FRESH_S
    for seconds, limit in ((0.08, FRESH_S), (0.08, FRESH_S), (0.08, FRESH_S), (5.0, FRESH_S)):
        ages.add(seconds)
        assert ages.limit_s == limit  # one hiccup changes nothing
    for _ in range(REMEMBERED):
        ages.add(0.9)
    assert ages.limit_s == pytest.approx(1.35)
    for _ in range(REMEMBERED):
        ages.add(9.0)
    assert ages.limit_s == OLDEST_S
