"""Schedules by the local wall clock: midnight, special days and the change of the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.rules.schedule import WHOLE_DAY, Schedule, Window, always, merged, weekly

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, ZoneInfo("UTC"), ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")]
# Around both changes of the clock in Berlin.
FIRST, LAST = datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC)
# Drawn from one number each: hypothesis spends far longer on drawing a week window by window than the test takes.
SEEDS = st.integers(0, 2**32)


def some_instant(random: Random) -> datetime:
    return FIRST + timedelta(minutes=random.randrange(int((LAST - FIRST).total_seconds()) // 60))


def some_day(random: Random) -> tuple[Window, ...]:
    edges = [0, 1, 60, 480, 719, 720, 1080, 1439, 1440]
    spans = (sorted(random.sample(edges, 2)) for _ in range(random.randrange(4)))
    return tuple(Window(start, end) for start, end in spans)


def some_schedule(random: Random) -> Schedule:
    special = {some_instant(random).date(): some_day(random) for _ in range(3)}
    return Schedule(1, "x", tuple(some_day(random) for _ in range(7)), special)


def test_a_windows_end_is_exclusive() -> None:
    hours = Schedule(1, "office", weekly(range(5), 8 * 60, 18 * 60))
    monday = datetime(2026, 6, 1, tzinfo=BERLIN)

    assert not hours.holds(monday.replace(hour=7, minute=59, second=59), BERLIN)
    assert hours.holds(monday.replace(hour=8), BERLIN)
    assert hours.holds(monday.replace(hour=17, minute=59, second=59), BERLIN)
    assert not hours.holds(monday.replace(hour=18), BERLIN)


@given(SEEDS)
def test_a_span_over_midnight_holds_in_the_evening_and_the_next_morning(seed: int) -> None:
    random = Random(seed)
    days, at = set(random.sample(range(7), random.randrange(8))), some_instant(random)
    start, end = random.randrange(1440), random.randrange(1440)
    local = at.astimezone(BERLIN)
    minute, today, yesterday = (
        local.hour * 60 + local.minute,
        local.weekday() in days,
        (local.weekday() - 1) % 7 in days,
    )
    if start < end:
        expected = today and start <= minute < end
    else:
        expected = (today and minute >= start) or (yesterday and minute < end)

    assert Schedule(1, "x", weekly(days, start, end)).holds(at, BERLIN) is expected


@given(SEEDS)
def test_always_holds_at_every_instant(seed: int) -> None:
    assert always(1, "always").always
    assert all(always(1, "always").holds(some_instant(Random(seed)), zone) for zone in ZONES)


def test_a_special_day_makes_always_end() -> None:
    assert not Schedule(1, "x", ((WHOLE_DAY,),) * 7, {date(2026, 12, 25): ()}).always


@given(SEEDS)
def test_a_special_day_overrides_its_own_date_only(seed: int) -> None:
    random = Random(seed)
    schedule, at, zone = some_schedule(random), some_instant(random), random.choice(ZONES)
    local = at.astimezone(zone)
    closed = Schedule(2, "x", schedule.week, {**schedule.special_days, local.date(): ()})

    assert not closed.holds(at, zone)
    for other in (at - timedelta(days=2), at + timedelta(days=2)):
        assert closed.holds(other, zone) is schedule.holds(other, zone)


@pytest.mark.parametrize(("day", "minutes"), [(date(2026, 3, 29), 23 * 60), (date(2026, 10, 25), 25 * 60)])
def test_the_day_of_the_changed_clock_is_counted_as_it_is(day: date, minutes: int) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    schedule = always(1, "always")

    held = [schedule.holds(start + timedelta(minutes=m), BERLIN) for m in range(-1, minutes + 1)]
    locals_ = [(start + timedelta(minutes=m)).astimezone(BERLIN).date() for m in range(-1, minutes + 1)]

    assert all(held)
    assert locals_.count(day) == minutes


def test_the_hour_that_comes_twice_counts_twice_and_the_skipped_one_never() -> None:
    at_night = Schedule(1, "x", weekly(range(7), 2 * 60, 3 * 60))
    autumn = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    spring = [datetime(2026, 3, 29, 0, 0, tzinfo=UTC) + timedelta(minutes=m) for m in range(180)]

    assert [at_night.holds(at, BERLIN) for at in autumn] == [True, True]
    assert not any(at_night.holds(at, BERLIN) for at in spring)


@given(SEEDS)
def test_since_is_the_edge_of_the_span_that_holds(seed: int) -> None:
    random = Random(seed)
    schedule, at = some_schedule(random), some_instant(random)
    zone = random.choice(ZONES)
    if random.random() < 0.5:  # in a night in which the clock is changed
        zone, night = BERLIN, random.choice([datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)])
        at = night + timedelta(minutes=random.randrange(300))
        hours = tuple(sorted(random.sample(range(0, 300, 15), 2)))
        schedule = replace(schedule, special_days={night.date(): (Window(*hours),)})
    since = schedule.since(at, zone)
    if not schedule.holds(at, zone):
        assert since is None
        return
    if since is None:  # holds without a gap for two weeks
        assert all(schedule.holds(at - timedelta(days=n), zone) for n in range(14))
        return
    assert since <= at
    assert all(
        schedule.holds(at - timedelta(minutes=n), zone) for n in range(0, int((at - since).total_seconds()) // 60, 7)
    )
    assert schedule.holds(since, zone)
    assert not schedule.holds(since - timedelta(minutes=1), zone)


@given(SEEDS)
def test_the_next_opening_is_after_now_and_holds(seed: int) -> None:
    random = Random(seed)
    schedule, at, zone = some_schedule(random), some_instant(random), random.choice(ZONES)
    opening = schedule.next_opening(at, zone)

    assert opening is None or (opening > at and schedule.holds(opening, zone))


@given(SEEDS)
def test_merged_windows_hold_the_same_minutes(seed: int) -> None:
    day = some_day(Random(seed))

    def minutes(windows: tuple[Window, ...]) -> set[int]:
        return {minute for window in windows for minute in range(window.start, window.end)}

    joined = merged(day)

    assert minutes(joined) == minutes(day)
    assert all(first.end < second.start for first, second in pairwise(joined))


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, 1441)])
def test_a_window_that_is_not_one_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="0 <= start < end <= 1440"):
        Window(start, end)


def test_a_week_has_seven_days() -> None:
    with pytest.raises(ValueError, match="seven, Monday first"):
        Schedule(1, "x", ((),) * 6)
    with pytest.raises(ValueError, match="0 for Monday"):
        weekly([7], 0, 60)
