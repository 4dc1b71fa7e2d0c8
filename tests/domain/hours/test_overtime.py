"""Overtime and rest: nothing is lost between tiers, and rests are real time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.hours import overtime
from attendance.domain.hours.overtime import Portion
from attendance.domain.hours.shift import Tier

TIERS = st.lists(st.builds(Tier, st.integers(0, 1440), st.floats(1, 3)), max_size=4)
MONDAY = datetime(2024, 5, 6, tzinfo=UTC)


@given(st.integers(0, 86400), TIERS)
def test_portions_add_up_to_what_was_worked(seconds: int, tiers: list[Tier]) -> None:
    assert sum(one.seconds for one in overtime.split(seconds, tiers)) == seconds


def test_a_week_counts_beyond_what_its_days_paid_already() -> None:
    monday = date(2024, 5, 6)
    plain = {monday + timedelta(days=number): 9 * 3600 for number in range(5)}

    parts = overtime.split_week(plain, dict.fromkeys(plain, (Tier(2400, 1.5),)))

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


MON, TUE, WED, THU, FRI, SAT = (date(2024, 5, 6) + timedelta(days=number) for number in range(6))
FORTY, THIRTY_FIVE = (Tier(2400, 1.25),), (Tier(2100, 1.5),)


def test_where_the_shift_changes_in_the_week_each_day_has_its_own_tiers() -> None:
    """Ten hours a day: 30 by Wednesday under 40, then 40 and 50 under 35: five hours and ten hours."""
    plain = dict.fromkeys((MON, TUE, WED, THU, FRI), 10 * 3600)
    tiers = {MON: FORTY, TUE: FORTY, WED: FORTY, THU: THIRTY_FIVE, FRI: THIRTY_FIVE}

    parts = overtime.split_week(plain, tiers)

    assert parts[WED] == (Portion(1.0, 10 * 3600),)
    assert parts[THU] == (Portion(1.0, 5 * 3600), Portion(1.5, 5 * 3600))
    assert parts[FRI] == (Portion(1.5, 10 * 3600),)


def test_the_other_way_round_what_was_paid_stays_paid() -> None:
    """Three days of 13 hours under 35, two days of 10 under 40: four hours, then nine of ten, then ten."""
    plain = dict.fromkeys((MON, TUE, WED), 13 * 3600) | dict.fromkeys((THU, FRI), 10 * 3600)
    tiers = {MON: THIRTY_FIVE, TUE: THIRTY_FIVE, WED: THIRTY_FIVE, THU: FORTY, FRI: FORTY}

    parts = overtime.split_week(plain, tiers)

    assert parts[WED] == (Portion(1.0, 9 * 3600), Portion(1.5, 4 * 3600))
    assert parts[THU] == (Portion(1.0, 1 * 3600), Portion(1.25, 9 * 3600))
    assert parts[FRI] == (Portion(1.25, 10 * 3600),)


def test_a_day_without_tiers_of_its_own_takes_those_before_it_else_the_next() -> None:
    own = {MON: (), TUE: FORTY, WED: (), THU: THIRTY_FIVE, FRI: (), SAT: ()}

    assert overtime.tiers_of_week(own) == {
        MON: FORTY, TUE: FORTY, WED: FORTY, THU: THIRTY_FIVE, FRI: THIRTY_FIVE, SAT: THIRTY_FIVE,
    }  # fmt: skip
    assert set(overtime.tiers_of_week({MON: (), TUE: ()}).values()) == {()}


DAY_TIERS = TIERS.map(lambda tiers: tuple(sorted(tiers, key=lambda tier: tier.after)))


@given(st.lists(st.tuples(st.integers(0, 86400), DAY_TIERS), min_size=1, max_size=7))
def test_a_week_loses_no_second_however_its_tiers_change(days: list[tuple[int, tuple[Tier, ...]]]) -> None:
    plain = {MON + timedelta(days=number): seconds for number, (seconds, _tiers) in enumerate(days)}
    tiers = {MON + timedelta(days=number): tiers for number, (_seconds, tiers) in enumerate(days)}

    parts = overtime.split_week(plain, tiers)

    assert {day: sum(one.seconds for one in parts[day]) for day in plain} == plain
    assert all(one.seconds > 0 for part in parts.values() for one in part)
