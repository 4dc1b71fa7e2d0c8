from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from attendance.domain.passage import Direction, is_repeat
from attendance.domain.reason import Reason
from tests.factories import NOON, make_passage

HALF_A_MINUTE = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("seconds", "repeat"), [(0, True), (29.9, True), (30, False), (3600, False), (-1, True), (-3600, False)]
)
def test_a_repeat_is_less_than_the_cooldown_away_whichever_way_the_clock_went(seconds: float, repeat: bool) -> None:
    assert is_repeat(NOON, NOON + timedelta(seconds=seconds), HALF_A_MINUTE) is repeat


def test_a_first_passage_is_no_repeat() -> None:
    assert not is_repeat(None, NOON, HALF_A_MINUTE)


def test_without_a_cooldown_nothing_is_a_repeat() -> None:
    assert not is_repeat(NOON, NOON, timedelta(0))


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
