from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from attendance.domain.passage import Direction, Passage, is_repeat
from attendance.domain.reason import Reason
from tests.factories import NOON, make_passage

HALF_A_MINUTE = timedelta(seconds=30)


def passage(seconds: float = 0, **changes: Any) -> Passage:
    return make_passage(NOON + timedelta(seconds=seconds), **{"person_id": 1} | changes)


@pytest.mark.parametrize(
    ("seconds", "repeat"), [(0, True), (29.9, True), (30, False), (3600, False), (-1, True), (-3600, False)]
)
def test_a_repeat_is_less_than_the_cooldown_away_whichever_way_the_clock_went(seconds: float, repeat: bool) -> None:
    assert is_repeat(passage(seconds), passage(), HALF_A_MINUTE) is repeat


def test_only_the_same_person_repeats_a_passage() -> None:
    assert not is_repeat(passage(1, person_id=2), passage(), HALF_A_MINUTE)
    assert not is_repeat(passage(1, person_id=None), passage(person_id=None), HALF_A_MINUTE)  # both were erased


def test_coming_and_going_are_two_passages_and_an_unknown_direction_repeats_any() -> None:
    arrived = passage(direction=Direction.IN)
    assert not is_repeat(passage(1, direction=Direction.OUT), arrived, HALF_A_MINUTE)
    assert is_repeat(passage(1, direction=Direction.IN), arrived, HALF_A_MINUTE)
    assert is_repeat(passage(1), arrived, HALF_A_MINUTE)


@pytest.mark.parametrize("direction", [Direction.IN, Direction.OUT])
def test_an_unknown_direction_joins_whether_it_is_first_or_second(direction: Direction) -> None:
    assert is_repeat(passage(1, direction=direction), passage(), HALF_A_MINUTE)
    assert is_repeat(passage(1), passage(direction=direction), HALF_A_MINUTE)


def test_without_a_cooldown_nothing_is_a_repeat() -> None:
    assert not is_repeat(passage(), passage(), timedelta(0))


def test_a_refusal_repeats_nothing() -> None:
    with pytest.raises(ValueError, match="repeats nothing"):
        make_passage(granted=False, reason=Reason.UNKNOWN, repeat_of="an id")


def test_a_refusal_names_nobody() -> None:
    with pytest.raises(ValueError, match="names nobody"):
        make_passage(granted=False, reason=Reason.UNKNOWN, person_id=1)


@pytest.mark.parametrize(("granted", "reason"), [(True, Reason.UNKNOWN), (False, Reason.MATCHED)])
def test_granted_means_matched(granted: bool, reason: Reason) -> None:
    with pytest.raises(ValueError, match="exactly when matched"):
        make_passage(granted=granted, reason=reason)


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=2))])
def test_a_passage_has_an_aware_utc_time(zone: timezone | None) -> None:
    with pytest.raises(ValueError, match="UTC"):
        replace(make_passage(), at=NOON.replace(tzinfo=zone))


def test_directions_are_stored_by_their_lower_case_names() -> None:
    assert [one.value for one in Direction] == ["in", "out", "unknown"]
