"""Night, Sunday and holiday hours: how much of a day's paid time falls into the windows of the rules.

In: paid times of one work day, its plan, public holidays around it, the zone.  Out: seconds of each kind.
Does not know: how times were rounded (workday), what a payroll pays for them.
Main choice: windows belong to the calendar day and not to the work day, so that the hours after midnight of a
night before a holiday count as holiday hours.  A figure says how much of the worked time it is, and is not added to
it: an hour may be overtime, at night and on a Sunday.  An automatic break lies where it became due.  Trade-off: a
person may in truth have paused at another time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from attendance.domain.hours.shift import PREMIUMS, Plan, PremiumRules, Span, real_time

Times = tuple[datetime, datetime]
# (after so many seconds of counted time, so many seconds are taken off)
Cut = tuple[int, int]

SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Extra:
    """Seconds of paid time in each kind of window, in whole minutes."""

    night: int = 0
    sunday: int = 0
    holiday: int = 0


NOTHING = Extra()


def to_json(rules: PremiumRules) -> dict[str, Any]:
    windows = {"night": rules.night, "sunday": rules.sunday, "holiday": rules.holiday}
    spans = {name: None if one is None else [one.start, one.end] for name, one in windows.items()}
    return {**spans, "both": rules.both}


def from_json(value: Mapping[str, Any]) -> PremiumRules:
    night, sunday, holiday = (Span(*value[name]) if value[name] else None for name in ("night", "sunday", "holiday"))
    return PremiumRules(night, sunday, holiday, both=value["both"])


def in_force(versions: Sequence[tuple[date, PremiumRules]], day: date) -> PremiumRules:
    """Return the rules of a day: of the newest version that began by then; before the first one, the default.

    `versions`: (first day, rules), in order of the days.
    """
    return next((rules for first, rules in reversed(versions) if first <= day), PREMIUMS)


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of each kind that a work day may touch.

    `free`: the time around noon of the day in which there are none; None if noon itself lies in one.
    """

    night: tuple[Times, ...]
    sunday: tuple[Times, ...]
    holiday: tuple[Times, ...]
    free: Times | None


def of_day(counted: Sequence[Times], paid_break: int, cuts: Iterable[Cut], windows: Windows) -> Extra:
    """Return `seconds_of` the `paid_times`; at once where the whole day lies outside of every window."""
    if not counted:
        return NOTHING
    first, last, free = counted[0][0], counted[-1][1], windows.free
    if free is not None and free[0] <= first and last <= free[1]:
        return NOTHING
    return seconds_of(paid_times(counted, paid_break, cuts), windows)


def seconds_of(paid: Sequence[Times], windows: Windows) -> Extra:
    """Return how much of `paid` (disjoint, in order, aware) is at night, on Sundays and on holidays."""
    if not paid:
        return NOTHING
    return Extra(_shared(paid, windows.night), _shared(paid, windows.sunday), _shared(paid, windows.holiday))


def paid_times(counted: Sequence[Times], paid_break: int, cuts: Iterable[Cut]) -> list[Times]:
    """Return when the paid time was: counted times and paid breaks, without the automatic breaks.

    A paid break lies in the times out, the first one first.  A cut lies where it became due: after so much counted
    time; one that is due at once lies in the middle of the day.  The lengths add up to what is worked.
    """
    whole = sum(_seconds(one) for one in counted)
    taken = [(after or max(0, whole - off) // 2, off) for after, off in cuts if off]
    times = list(counted)
    for after, off in sorted(taken, reverse=True):  # the last one first: the others keep their places
        times = _cut(times, after, off)
    for before, following in pairwise(counted):
        length = min(paid_break, _seconds((before[1], following[0])))
        if length > 0:
            times.append((before[1], before[1] + timedelta(seconds=length)))
            paid_break -= length
    return sorted(times)


def _cut(times: Sequence[Times], after: int, off: int) -> list[Times]:
    """Take `off` seconds out of `times`, beginning `after` seconds of them; what is missing at the end, before it."""
    whole = sum(_seconds(one) for one in times)
    after = max(0, min(after, whole - off))
    left, passed = [], 0
    for start, end in times:
        length = _seconds((start, end))
        first = start + timedelta(seconds=min(length, max(0, after - passed)))
        last = start + timedelta(seconds=min(length, max(0, after + off - passed)))
        left += [one for one in ((start, first), (last, end)) if one[0] < one[1]]
        passed += length
    return left


def holidays_near(day: date, holidays: frozenset[date]) -> frozenset[date]:
    """Return the holidays whose windows a work day may touch."""
    return frozenset(one for one in _days_around(day) if one in holidays) if holidays else holidays


def windows_on(plan: Plan, holidays: frozenset[date], zone: ZoneInfo) -> Windows:
    """Return the windows that the work day of a plan may touch."""
    return _windows(plan.day, plan.premiums, holidays_near(plan.day, holidays), zone)


@lru_cache(maxsize=1 << 12)  # the same few of each day, for everybody
def _windows(day: date, rules: PremiumRules, holidays: frozenset[date], zone: ZoneInfo) -> Windows:
    days = _days_around(day)
    at_night = _real(days, rules.night, zone)
    on_holidays = _real([one for one in days if one in holidays], rules.holiday, zone)
    on_sundays = _real([one for one in days if one.weekday() == SUNDAY], rules.sunday, zone)
    if not rules.both:
        for window in on_holidays:
            on_sundays = [part for one in on_sundays for part in _without(one, window)]
    free = _free_at(real_time(day, 12 * 60, zone), [*at_night, *on_sundays, *on_holidays])
    return Windows(tuple(at_night), tuple(on_sundays), tuple(on_holidays), free)


def _free_at(at: datetime, windows: Iterable[Times]) -> Times | None:
    """Return the time around an instant that lies in no window; it ends three days away at the latest."""
    first, last = at - timedelta(days=3), at + timedelta(days=3)
    for opens, closes in windows:
        if opens < at < closes:
            return None
        if closes <= at:
            first = max(first, closes)
        else:
            last = min(last, opens)
    return first, last


def _days_around(day: date) -> list[date]:
    """Return the calendar days whose windows a work day may touch.

    People come on the evening before, into which a window of two days before may reach; a shift may last 48 hours.
    """
    return [day + timedelta(days=number) for number in range(-2, 3)]


def _real(days: Iterable[date], window: Span | None, zone: ZoneInfo) -> list[Times]:
    """Return a window's times on these days; where one reaches into the next, the two are joined."""
    if window is None:
        return []
    found: list[Times] = []
    for day in days:
        start, end = real_time(day, window.start, zone), real_time(day, window.end, zone)
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _without(one: Times, other: Times) -> list[Times]:
    parts = (one[0], min(one[1], other[0])), (max(one[0], other[1]), one[1])
    return [part for part in parts if part[0] < part[1]]


def _shared(paid: Sequence[Times], windows: Sequence[Times]) -> int:
    """Return the seconds that both have in common, cut to whole minutes."""
    seconds = 0
    for start, end in paid:
        for opens, closes in windows:
            first, last = max(start, opens), min(end, closes)
            if first < last:
                seconds += int((last - first).total_seconds())
    return seconds - seconds % 60


def _seconds(times: Times) -> int:
    return int((times[1] - times[0]).total_seconds())
