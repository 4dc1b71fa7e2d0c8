"""What follows from plans alone: the time around each shift in which passages belong to it, what a day asks for.

In: plans by day, the zone.  Out: `Window`s in order; the window and the work day of an instant; `Timetable`, `Frame`.
Does not know: punches, who came.
Main choice: windows never overlap, so that an instant belongs to one work day, whoever asks for which days.
What follows from plans alone is computed once for everybody who has the same ones (`Timetables`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attendance.domain.hours import premiums
from attendance.domain.hours.day import Day, value
from attendance.domain.hours.shift import Counting, Kind, Mode, Plan, Shift, real_time, spans_of

# A shift ends at most 48 hours after its day began and its window at most 12 hours later, so that a window
# depends on the plans of this many days around it.
REACH = timedelta(days=3)


@value
class Window:
    """A shift of a day in real time, and the time around it in which passages belong to it.

    `nearly`: from here on the last quarter of the shift runs, or it is over.
    """

    day: date
    shift: Shift
    opens: datetime
    start: datetime
    end: datetime
    closes: datetime
    nearly: datetime
    first_last: bool


def windows_of(plans: Mapping[date, Plan], zone: ZoneInfo) -> list[Window]:
    """Return the shifts' windows in order; where two overlap they meet half-way between the shifts."""
    found: list[Window] = []
    for day in sorted(plans):
        shift = plans[day].shift
        if shift is None:
            continue
        start = real_time(day, shift.spans[0].start, zone)
        end = real_time(day, shift.spans[-1].end, zone)
        opens = start - timedelta(minutes=shift.window_before)
        closes = end + timedelta(minutes=shift.window_after)
        if found and opens < found[-1].closes:
            before = found[-1]
            middle = before.end + max(timedelta(0), start - before.end) / 2
            meet = max(before.opens, min(before.closes, middle))
            found[-1] = replace(before, closes=meet)
            opens = max(opens, meet)
        nearly = end - (end - start) / 4
        # A shift inside of a longer one has no time of its own.
        first_last = shift.counting is Counting.FIRST_LAST
        found.append(Window(day, shift, opens, start, end, max(opens, closes), nearly, first_last))
    return found


class WorkDays:
    """The work day of each instant under one person's plans."""

    def __init__(self, windows: Sequence[Window], zone: ZoneInfo) -> None:
        self._windows, self._zone = windows, zone
        self._opens = [window.opens for window in windows]

    def window_at(self, at: datetime) -> Window | None:
        """Return the window that holds `at` (aware), if any."""
        number = bisect_right(self._opens, at) - 1
        if number >= 0 and at < self._windows[number].closes:
            return self._windows[number]
        return None

    def day_of(self, at: datetime, window: Window | None) -> date:
        """Return the window's day; without one, the local date."""
        return window.day if window is not None else at.astimezone(self._zone).date()


class Frame:
    """What one day asks for in real time, whoever comes.

    `spans`: of the shift, less what half a day of leave excuses.  `expected`: seconds, in whole minutes.
    `unrounded`: the shift counts times as they were.  `idle`: the day of somebody who did not come, and when that was
    found out; everybody of this plan has the same.
    """

    __slots__ = ("expected", "idle", "plan", "premiums", "spans", "unrounded", "whole_day_off", "zone")

    def __init__(self, plan: Plan, zone: ZoneInfo, holidays: frozenset[date] = frozenset()) -> None:
        self.plan, self.zone = plan, zone
        self.spans = spans_of(plan, zone)
        expected = _expected(plan, self.spans)
        self.expected = expected - expected % 60
        self.whole_day_off = plan.whole_day_off
        self.premiums = premiums.windows_on(plan, holidays, zone)
        shift = plan.shift
        rounded = shift is not None and shift.rounding.mode is not Mode.NONE and shift.rounding.step != 0
        self.unrounded = shift is None or not (rounded or shift.clip_early)
        self.idle: tuple[datetime, Day] | None = None


def _expected(plan: Plan, spans: Sequence[premiums.Times]) -> int:
    if plan.shift is None or plan.whole_day_off:
        return 0
    if plan.leave is not None:  # half a day of it
        return plan.shift.expected * 30
    if plan.shift.kind is Kind.FLEXIBLE:
        return plan.shift.required * 60
    # Real time: a night shift is an hour longer or shorter when the clock changes.
    wall = sum(one.minutes for one in plan.shift.spans)
    real = sum(int((end - start).total_seconds()) for start, end in spans)
    return real - (wall - plan.shift.expected) * 60


class Timetable:
    """One person's plans in a zone, with what follows from them alone."""

    def __init__(
        self,
        plans: Mapping[date, Plan],
        zone: ZoneInfo,
        windows: Sequence[Window] | None = None,
        frames: dict[tuple[int, frozenset[date]], Frame] | None = None,
    ) -> None:
        self.plans, self.zone = plans, zone
        self.windows = windows_of(plans, zone) if windows is None else windows
        self.work_days = WorkDays(self.windows, zone)
        self.by_day = {one.day: one for one in self.windows}
        self.days = sorted(plans)
        self._holidays = frozenset(day for day, plan in plans.items() if plan.holiday is not None)
        self._frames: dict[date, Frame] = {}
        self._shared = {} if frames is None else frames

    def frame(self, day: date) -> Frame:
        """Return what the day asks for."""
        found = self._frames.get(day)
        if found is None:
            plan = self.plans[day]
            key = id(plan), premiums.holidays_near(day, self._holidays)
            found = self._shared.get(key)
            if found is None:
                found = self._shared[key] = Frame(plan, self.zone, self._holidays)
            self._frames[day] = found
        return found


class Timetables:
    """Timetables in one zone: one for all people who have the same plans, known by identity.

    People who have the same shifts share windows, and days with the same plan are worked out once.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._made: dict[int, Timetable] = {}  # these keep the plans, so that no other object takes their identity
        self._windows: dict[tuple[Any, ...], Sequence[Window]] = {}
        self._frames: dict[tuple[int, frozenset[date]], Frame] = {}

    def of(self, plans: Mapping[date, Plan]) -> Timetable:
        """Return the timetable of these plans."""
        found = self._made.get(id(plans))
        if found is None:
            key = (tuple(plans), tuple([id(plan.shift) for plan in plans.values()]))
            windows = self._windows.get(key)
            if windows is None:
                windows = self._windows[key] = windows_of(plans, self._zone)
            found = self._made[id(plans)] = Timetable(plans, self._zone, windows, self._frames)
        return found


def timetable_of(plans: Mapping[date, Plan] | Timetable, zone: ZoneInfo) -> Timetable:
    """Return plans as they are, or with what follows from them."""
    return plans if isinstance(plans, Timetable) else Timetable(plans, zone)
