"""How far back punches must be read until in and out are settled, wherever a report begins.

In: one person's punches and plans, from where on they were read.  Out: whether a day's figures can still change if
older punches are read, too.
Does not know: the database (service/hours/settled.py reads further back while this says no).
Main choice: an anchor is a punch after which the walk is in the same state whatever happened before it: the first
after a gap in which every spell has ended, a door that knows the direction, the first of a new shift.  It does not
move with the dates that somebody asks for, so that any two spans agree on the days in both.  Trade-off: somebody who
is never away for sixteen hours, without roster and direction, is read back to the first passage that is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance.domain.hours.day import Policy, Punch
from attendance.domain.hours.shift import Plan
from attendance.domain.hours.walk import REMEMBERED, in_order, near_end
from attendance.domain.hours.windows import Timetable, Window, timetable_of
from attendance.domain.passage import Direction

# A window opens at most twelve hours before its day.
EARLIEST = timedelta(hours=12)
# Before a day: its window, and the time for which a forgotten check-out is remembered.  After it: the longest shift
# with its window, and somebody who came in at the end of it.
LEAD = timedelta(days=4)
TAIL = timedelta(days=4)
assert LEAD >= EARLIEST + REMEMBERED


def settled(
    punches: Sequence[Punch],
    plans: Mapping[date, Plan] | Timetable,
    zone: ZoneInfo,
    begin: datetime,
    first: date,
    policy: Policy,
) -> bool:
    """Return whether no punch before `begin` (aware) can change the day `first` or any later one.

    `punches`: all from `begin` on, of which those from `first` on are not looked at.  `plans`: from three days before
    `begin`.
    """
    work_days = timetable_of(plans, zone).work_days
    window = work_days.window_at(begin)
    # Unknown punches lie before `begin`, the last of them perhaps right there.
    before = _Before(begin, max(work_days.day_of(begin, window), (begin + EARLIEST).astimezone(zone).date()), window)
    for punch in in_order(punches):
        window = work_days.window_at(punch.at)
        day = work_days.day_of(punch.at, window)
        if day >= first:
            return punch.at - before.at >= REMEMBERED and before.day < day
        if _is_anchor(punch, day, window, before, policy):
            return True
        before = _Before(punch.at, max(day, before.day), window)
    return True  # no punch belongs to the first day or a later one


class _Before:
    """The latest instant at which a punch before this one can have been, the latest work day, its window."""

    __slots__ = ("at", "day", "window")

    def __init__(self, at: datetime, day: date, window: Window | None) -> None:
        self.at, self.day, self.window = at, day, window


def _is_anchor(punch: Punch, day: date, window: Window | None, before: _Before, policy: Policy) -> bool:
    """Return whether the walk is in one and the same state after this punch, whatever came before it."""
    since = punch.at - before.at
    if since < policy.debounce or day <= before.day:
        return False
    over = before.at + policy.longest
    if before.window is not None:
        over = max(over, before.window.closes)
    if punch.at >= over:
        return True
    if window is not None and window.first_last:
        return punch.direction is not Direction.OUT
    if punch.direction is Direction.UNKNOWN:
        return window is not None and not near_end(punch.at, window)
    return True
