"""Passages and plans → working days: who was there, from when to when, and what that counts as.

In: `Punch`es of one person in any order, `Plan`s by day, the zone, the present instant.  Out: `Day`s.
Does not know: the database, the camera, who reads it.
Main choice: nothing is stored but what happened; every figure is computed again from it, so that a
late passage, a correction or another rule gives the figures that they would have given at once.
Trade-off: computing takes about 20 µs a day.  Durations are whole seconds of real time, UTC to UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance.domain.hours import overtime
from attendance.domain.hours.day import (
    CLOCK_SLACK,
    Cause,
    Day,
    Flag,
    Inference,
    Policy,
    Punch,
    Sense,
    Spell,
    Status,
    Used,
)
from attendance.domain.hours.shift import Plan
from attendance.domain.hours.walk import Collected, Edge, Walk, in_order
from attendance.domain.hours.windows import Timetable, timetable_of
from attendance.domain.hours.workday import evaluate
from attendance.domain.passage import Direction

__all__ = [
    "Day",
    "Flag",
    "Inference",
    "Policy",
    "Punch",
    "Sense",
    "Spell",
    "Status",
    "Used",
    "clock_jumps",
    "days_of",
    "infer_next",
    "with_weekly_overtime",
]


def days_of(
    punches: Iterable[Punch],
    plans: Mapping[date, Plan] | Timetable,
    zone: ZoneInfo,
    now: datetime,
    policy: Policy | None = None,
    *,
    first: date | None = None,
    last: date | None = None,
    edge: Edge | None = None,
) -> list[Day]:
    """Return a `Day` for each plan from `first` to `last`, in order, whatever the order and repetition of `punches`.

    The punches must reach back until in and out are settled (anchor.py), and forward for four days; the plans, three
    days further.  `edge`: the state where stored passages begin, if the punches reach back so far.
    """
    timetable = timetable_of(plans, zone)
    collected = Walk(timetable, zone, now, policy or Policy()).over(punches, edge).finish()
    today = now.astimezone(zone).date()
    nothing = Collected()
    result = []
    for day in timetable.days:
        if (first is not None and day < first) or (last is not None and day > last):
            continue
        found = collected.get(day, nothing)
        result.append(evaluate(timetable.frame(day), tuple(found.spells), tuple(found.used), found.flags, now, today))
    return result


def infer_next(
    punches: Iterable[Punch],
    plans: Mapping[date, Plan] | Timetable,
    zone: ZoneInfo,
    at: datetime,
    direction: Direction = Direction.UNKNOWN,
    policy: Policy | None = None,
    edge: Edge | None = None,
) -> Inference:
    """Return what a passage at `at` would be taken for after these; a kiosk asks the person if it is in doubt."""
    punch = Punch("\uffff", at, direction)  # sorts behind any other at the same time
    collected = Walk(plans, zone, at, policy or Policy()).over([*punches, punch], edge).finish()
    for found in collected.values():
        for one in found.used:
            if one.punch is punch:
                return one.inference or Inference(Sense.IN, Cause.NOT_COUNTED, in_doubt=True)
    raise AssertionError("every punch is used once")


def clock_jumps(punches: Iterable[Punch], slack: timedelta = CLOCK_SLACK) -> list[tuple[Punch, timedelta]]:
    """Return the punches with a wrong clock, each with how far it was ahead (+) or behind (−)."""
    return [
        (one, one.at - one.recorded_at)
        for one in in_order(punches)
        if one.recorded_at is not None and not one.corrected and abs(one.at - one.recorded_at) > slack
    ]


def with_weekly_overtime(days: Sequence[Day]) -> tuple[Day, ...]:
    """Return whole weeks of one person, in order, each day with the overtime that it adds to its week.

    Where the shift changes in the week, each day is cut by the tiers in force on it (`overtime.tiers_of_week`).
    """
    weeks: dict[date, list[Day]] = {}
    for one in days:
        weeks.setdefault(overtime.week_of(one.day), []).append(one)
    found: list[Day] = []
    for week in weeks.values():
        tiers = overtime.tiers_of_week({one.day: one.plan.shift.weekly if one.plan.shift else () for one in week})
        plain = {one.day: sum(seconds for rate, seconds in one.portions if rate <= 1) for one in week}
        cut = overtime.split_week(plain, tiers) if any(tiers.values()) else {}
        for one in week:
            paid = {rate: seconds for rate, seconds in one.portions if rate > 1}
            for part in cut.get(one.day, ()):
                paid[part.rate] = paid.get(part.rate, 0) + part.seconds
            found.append(replace(one, portions=tuple(sorted(paid.items()))) if cut else one)
    return tuple(found)
