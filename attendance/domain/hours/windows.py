"""The time around each shift in which passages belong to it, and so the work day of an instant.

In: plans by day, the zone.  Out: `Window`s in order; the window and the work day of an instant.
Does not know: punches, who came.
Main choice: windows never overlap, so that an instant belongs to one work day, whoever asks for which days.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance.domain.hours.shift import Plan, Shift, real_time

# A shift ends at most 48 hours after its day began and its window at most 12 hours later, so that a window
# depends on the plans of this many days around it.
REACH = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Window:
    """A shift of a day in real time, and the time around it in which passages belong to it."""

    day: date
    shift: Shift
    opens: datetime
    start: datetime
    end: datetime
    closes: datetime


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
        # A shift inside of a longer one has no time of its own.
        found.append(Window(day, shift, opens, start, end, max(opens, closes)))
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
