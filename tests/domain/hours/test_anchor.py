"""In and out are settled from an anchor that does not move: any two spans that hold a day agree on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.hours.anchor import LEAD, TAIL, settled
from attendance.domain.hours.day import Day, Policy, Punch
from attendance.domain.hours.shift import Counting, Plan, Shift, Span
from attendance.domain.hours.timesheet import days_of
from attendance.domain.hours.windows import REACH
from attendance.domain.passage import Direction

BERLIN = ZoneInfo("Europe/Berlin")


POLICY = Policy()


LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)


BEGIN = date(2024, 3, 20)  # the clocks change on the 31st


DAYS = 24


SHIFTS = (
    Shift("Office", (Span(540, 1020),)),
    Shift("Night", (Span(1320, 1800),)),
    Shift("Split", (Span(480, 720), Span(960, 1200))),
    Shift("Early", (Span(0, 480),), window_before=720, window_after=720),
    Shift("Two days", (Span(480, 2880),), window_before=60, window_after=720),
    Shift("First and last", (Span(540, 1020),), counting=Counting.FIRST_LAST),
)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BERLIN).astimezone(UTC)


def read(punches: list[Punch], plans: dict[date, Plan], first: date, last: date) -> list[Day]:
    """Return the days as the service does: further back until in and out are settled."""
    lead = LEAD
    until = midnight(last + TAIL)
    while True:
        begin = midnight(first - lead)
        some = [one for one in punches if begin <= one.at < until]
        around = {day: plan for day, plan in plans.items() if first - lead - REACH <= day <= last + TAIL + REACH}
        if lead > timedelta(days=4 * DAYS) or settled(some, around, BERLIN, begin, first, POLICY):
            return days_of(some, around, BERLIN, LONG_AFTER, POLICY, first=first, last=last)
        lead *= 2


@st.composite
def months(draw: st.DrawFn) -> tuple[list[Punch], dict[date, Plan]]:
    """Some weeks of one person: any punches, or the same few times each day; any shifts, or none."""
    regular = draw(st.booleans())
    undirected = draw(st.booleans())
    directions = [Direction.UNKNOWN] if undirected else list(Direction)
    seconds: list[int] = []
    if regular:
        clock = draw(st.lists(st.integers(0, 86399), min_size=1, max_size=3))
        missed = draw(st.sets(st.integers(0, DAYS * 3), max_size=6))
        seconds = [day * 86400 + one for day in range(DAYS) for one in clock]
        seconds = [one for number, one in enumerate(seconds) if number not in missed]
    else:
        seconds = draw(st.lists(st.integers(0, DAYS * 86400), max_size=60))
    start = midnight(BEGIN)
    punches = [
        Punch(f"{number:03d}", start + timedelta(seconds=one), draw(st.sampled_from(directions)))
        for number, one in enumerate(seconds)
    ]
    shifts = draw(st.lists(st.sampled_from([None, *SHIFTS]), min_size=1, max_size=4))
    if any(one is not None and one.name == "Two days" for one in shifts):
        shifts = [SHIFTS[4], None, None]
    every = range(-120, DAYS + 12)
    plans = {
        (day := BEGIN + timedelta(days=number)): Plan(day, shifts[number % len(shifts)], rostered=any(shifts))
        for number in every
    }
    return punches, plans


@given(months(), st.data())
def test_any_two_spans_that_hold_a_day_agree_on_it(
    month: tuple[list[Punch], dict[date, Plan]], data: st.DataObject
) -> None:
    punches, plans = month
    whole = {day.day: day for day in days_of(punches, plans, BERLIN, LONG_AFTER, POLICY)}
    first = BEGIN + timedelta(days=data.draw(st.integers(0, DAYS - 1)))
    last = first + timedelta(days=data.draw(st.integers(0, 6)))

    for day in read(punches, plans, first, last):
        assert day == whole[day.day]


@pytest.mark.parametrize("first", [date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 4), date(2024, 5, 5)])
def test_a_guard_of_the_night_has_the_same_hours_wherever_the_report_begins(first: date) -> None:
    nights = [date(2024, 5, 1) + timedelta(days=number) for number in range(20)]
    punches = [
        Punch(f"{day}{hour}", datetime.combine(day + timedelta(days=after), time(hour, minute), BERLIN).astimezone(UTC))
        for day in nights
        for after, hour, minute in ((0, 21, 55), (1, 6, 5))
    ]
    plans = {
        (day := date(2024, 5, 1) + timedelta(days=number)): Plan(day, rostered=False) for number in range(-150, 40)
    }

    days = read(punches, plans, first, date(2024, 5, 10))

    assert {day.presence for day in days if day.day >= nights[0]} == {8 * 3600 + 600}
    assert not any(day.wants_look for day in days)


def test_what_cannot_be_settled_by_length_is_flagged() -> None:
    start = datetime(2024, 5, 1, 6, 5, tzinfo=BERLIN)
    punches = [Punch("1", start), Punch("2", start + timedelta(hours=15, minutes=50))]
    day = date(2024, 5, 1)

    (found,) = days_of(punches, {day: Plan(day, rostered=False)}, BERLIN, LONG_AFTER)

    assert found.wants_look
    assert replace(found, flags=frozenset()).presence == 15 * 3600 + 50 * 60
