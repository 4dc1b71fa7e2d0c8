"""How much of a day was worked, on leave and absent; which half of which day a leave takes.

In: days, the dates and halves of a leave.  Out: shares of a day.
Does not know: who asked, who decided, entitlements (entitlement.py), the database.
Main choice: every report asks here, so that the shares of a day are never more than one day together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from attendance.domain.hours.day import Day, Status
from attendance.domain.hours.shift import Half, Leave


@dataclass(frozen=True, slots=True)
class Shares:
    """What a day counts as, in days: each from 0 to 1, together at most 1."""

    worked: float = 0.0
    leave: float = 0.0
    absent: float = 0.0


def shares_of(day: Day) -> Shares:
    """Return what the day counts as.  Leave stays leave if somebody worked: their hours count, the day does not."""
    leave = day.plan.leave_share
    rest = 1.0 - leave
    if day.status is Status.ABSENT:
        return Shares(0.0, leave, rest)
    if day.status is Status.HALF_DAY:
        return Shares(_half_day(day, leave), leave, 0.0)
    if day.spells or day.status is Status.INCOMPLETE:
        return Shares(rest, leave, 0.0)
    return Shares(0.0, leave, 0.0)


def _half_day(day: Day, leave: float) -> float:
    if not leave:
        return 0.5
    shift = day.plan.shift
    # Less than half of what the other half asks for: a quarter of a day.
    short = shift is not None and day.worked < shift.half_below * 30
    return 0.25 if short else 0.5


def half_on(day: date, first: date, last: date, half: Half, last_half: Half) -> Half | None:
    """Return what a leave takes of this day; None outside of it.

    `half`: of the first day.  `last_half`: of the last day, if that is another one.  The days between are whole.
    """
    if not first <= day <= last:
        return None
    if day == first:
        return half
    return last_half if day == last else Half.WHOLE


def joined(leaves: Iterable[Leave]) -> tuple[Leave | None, Leave | None]:
    """Return the leaves of one day as a plan holds them; two halves of one kind are a whole day."""
    first: Leave | None = None
    other: Leave | None = None
    for one in leaves:
        if first is None or one.half is Half.WHOLE:
            first, other = one, None
        elif first.half is not Half.WHOLE and first.half is not one.half:
            same = (first.kind, first.paid) == (one.kind, one.paid)
            first, other = (Leave(first.kind, first.paid), None) if same else (first, one)
    return first, other
