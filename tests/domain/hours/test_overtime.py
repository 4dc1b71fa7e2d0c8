"""Overtime and rest: nothing is lost between tiers, and rests are real time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.domain.hours import overtime
from attendance.domain.hours.overtime import Portion
from attendance.domain.hours.shift import Tier

TIERS = st.lists(st.builds(Tier, st.integers(0, 1440), st.floats(1, 3)), max_size=4)
MONDAY = datetime(2024, 5, 6, tzinfo=UTC)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 86400), TIERS)
def test_portions_add_up_to_what_was_worked(seconds: int, tiers: list[Tier]) -> None:
    assert sum(one.seconds for one in overtime.split(seconds, tiers)) == seconds


def test_a_week_counts_beyond_what_its_days_paid_already() -> None:
    monday = date(2024, 5, 6)
    plain = {monday + timedelta(days=number): 9 * 3600 for number in range(5)}

    parts = overtime.split_week(plain, (Tier(2400, 1.5),))

    assert parts[monday] == (Portion(1.0, 9 * 3600),)
    assert parts[monday + timedelta(days=4)] == (Portion(1.0, 4 * 3600), Portion(1.5, 5 * 3600))


def test_a_short_night_between_two_days_is_found() -> None:
    late = (MONDAY + timedelta(hours=14), MONDAY + timedelta(hours=23))
    early = (MONDAY + timedelta(hours=30), MONDAY + timedelta(hours=38))

    found = overtime.short_daily_rests([(date(2024, 5, 6), late), (date(2024, 5, 7), early)])

    assert found == {date(2024, 5, 7): timedelta(hours=7)}


def test_a_week_without_a_free_day_is_found() -> None:
    week = [
        (MONDAY + timedelta(days=number, hours=8), MONDAY + timedelta(days=number, hours=17)) for number in range(7)
    ]

    assert overtime.weekly_rest_missing(week, MONDAY, MONDAY + timedelta(days=7))
    assert not overtime.weekly_rest_missing(week[:6], MONDAY, MONDAY + timedelta(days=7))
