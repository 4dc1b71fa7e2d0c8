"""How many days of leave somebody has: a year's entitlement, what has accrued, what was carried over, what is left.

In: rules by year, personal entitlements, times of employment, days used.  Out: `Balance`.
Does not know: who asked, which kinds of leave count, the database.
Main choice: a balance is computed from the first year on, as of any day, and never stored, so that a leave that is
withdrawn or a holiday that is added later is right by itself.  Trade-off: each year before is walked through.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from attendance.domain.people.employment import Employment

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class LeaveRules:
    """What holds from a year on.

    `days`: of a whole year, in steps of a half.  `monthly`: a twelfth is earned at the end of each month, else all
    of it on 1 January.  `carry_most`: so many days go on into the next year at most; None: all.  `carry_until`: month
    and day of the next year after which carried days lapse; None: never.
    """

    days: float = 0.0
    monthly: bool = False
    carry_most: float | None = None
    carry_until: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Personal:
    """What differs for one person.  `days`: from this year on.  `brought`: carried into this year, by hand."""

    days: float | None = None
    brought: float | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """Days of leave as of a day.

    `entitled`: for the whole year.  `accrued`: of it, so far.  `carried`: from the year before.  `lapsed`: of the
    carried ones, by then.  `taken`: until this day, with it.  `planned`: later in this year.  `lapsing`: of the
    carried ones, what will lapse after this day.
    """

    as_of: date
    entitled: float
    accrued: float
    carried: float
    lapsed: float
    taken: float
    planned: float
    lapsing: float

    @property
    def left(self) -> float:
        """Return what could be taken on this day, if nothing more was planned."""
        return self.carried + self.accrued - self.lapsed - self.taken

    @property
    def at_year_end(self) -> float:
        """Return what is left of the whole year once everything planned is taken."""
        return self.carried + self.entitled - self.lapsed - self.lapsing - self.taken - self.planned


def balance_of(
    as_of: date, rules: Mapping[int, LeaveRules], personal: Mapping[int, Personal], employed: Sequence[Employment],
    used: Mapping[date, float],
) -> Balance | None:  # fmt: skip
    """Return the balance as of a day; None if no rules hold in that year.  `used`: the share of each day of leave."""
    years = [year for year in (*rules, *personal) if year <= as_of.year]
    if newest(rules, as_of.year) is None or not years:
        return None
    carried, found = 0.0, None
    for year in range(min(years), as_of.year + 1):
        rule = newest(rules, year) or LeaveRules()
        own = newest({key: one.days for key, one in personal.items() if one.days is not None}, year)
        if (exact := personal.get(year)) is not None and exact.brought is not None:
            carried = exact.brought
        day = as_of if year == as_of.year else date(year, 12, 31)
        found = _of_year(year, day, rule, rule.days if own is None else own, carried, employed, used)
        most = (newest(rules, year + 1) or rule).carry_most
        carried = found.at_year_end if most is None else min(most, found.at_year_end)
    return found


def _of_year(
    year: int, day: date, rule: LeaveRules, days: float, carried: float, employed: Sequence[Employment],
    used: Mapping[date, float],
) -> Balance:  # fmt: skip
    months = [month for month in range(1, 13) if _whole_month(year, month, employed)]
    done = [month for month in months if _end_of(year, month) <= day]
    entitled = _half_up(days * len(months) / 12)
    accrued = _half_up(days * len(done) / 12) if rule.monthly else entitled
    taken = sum(share for when, share in used.items() if when.year == year and when <= day)
    planned = sum(share for when, share in used.items() if when.year == year and when > day)
    lapses = 0.0
    until = _day(year, rule.carry_until) if rule.carry_until is not None else None
    if until is not None:
        # Carried days are taken first.
        before = sum(share for when, share in used.items() if when.year == year and when <= until)
        lapses = max(0.0, carried - before)
    over = until is not None and day > until
    return Balance(day, entitled, accrued, carried, lapses if over else 0.0, taken, planned, 0.0 if over else lapses)


def newest(values: Mapping[int, Value], year: int) -> Value | None:
    """Return the value of the newest year that is not after `year`."""
    known = [key for key in values if key <= year]
    return values[max(known)] if known else None


def _whole_month(year: int, month: int, employed: Sequence[Employment]) -> bool:
    first, last = date(year, month, 1), _end_of(year, month)
    return any(one.covers(first) and one.covers(last) for one in employed)


def _end_of(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _day(year: int, month_and_day: tuple[int, int]) -> date:
    month, day = month_and_day
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _half_up(days: float) -> float:
    """Return the days in halves, in favour of the person."""
    return math.ceil(days * 2 - 1e-9) / 2
