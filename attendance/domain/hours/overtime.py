"""Overtime in tiers, over a day and over a week, and the rest between working days.

In: seconds worked, tiers, presences.  Out: seconds at each rate; rests that were too short.
Does not know: shifts' names, the database, money.
Main choice: a second is paid at one rate only.  A week's overtime counts what the days have not paid
as overtime already, on the day that crosses the tier.  Trade-off: a day's overtime needs its whole week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from attendance.domain.hours.shift import Tier

DAILY_REST = timedelta(hours=11)
WEEKLY_REST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Portion:
    """So many seconds at `rate` times the wage."""

    rate: float
    seconds: int


def split(seconds: int, tiers: Sequence[Tier]) -> tuple[Portion, ...]:
    """Cut `seconds` at the tiers' beginnings, the plain wage first; the portions add up to `seconds`."""
    edges = [(0, 1.0), *((tier.after * 60, tier.rate) for tier in sorted(tiers, key=lambda tier: tier.after))]
    portions = []
    for number, (start, rate) in enumerate(edges):
        end = edges[number + 1][0] if number + 1 < len(edges) else max(seconds, start)
        if (part := min(seconds, end) - start) > 0:
            portions.append(Portion(rate, part))
    return tuple(portions)


def portions(seconds: int, tiers: Sequence[Tier]) -> tuple[tuple[float, int], ...]:
    """Return `split` as pairs (rate, seconds), for tiers in order."""
    found: list[tuple[float, int]] = []
    begun, rate = 0, 1.0
    for tier in tiers:
        end = tier.after * 60
        if seconds <= end:
            break
        if end > begun:
            found.append((rate, end - begun))
        begun, rate = end, tier.rate
    if seconds > begun:
        found.append((rate, seconds - begun))
    return tuple(found)


def overtime(portions: Sequence[Portion]) -> int:
    """Return the seconds above the plain wage."""
    return sum(portion.seconds for portion in portions if portion.rate > 1)


def split_week(plain: Mapping[date, int], tiers: Mapping[date, Sequence[Tier]]) -> dict[date, tuple[Portion, ...]]:
    """Cut a whole week's plain seconds (what the days did not pay as overtime) at each day's weekly tiers.

    A second above a tier belongs to the day on which it was worked: days add up, however a span is cut.  Where the
    tiers change in the week, the time before counts towards the later ones; what it was paid does not change.
    """
    by_day: dict[date, tuple[Portion, ...]] = {}
    before = 0
    for day in sorted(plain):
        after = before + plain[day]
        earlier, upto = _by_rate(before, tiers[day]), _by_rate(after, tiers[day])
        parts = (Portion(rate, seconds - earlier.get(rate, 0)) for rate, seconds in upto.items())
        by_day[day] = tuple(part for part in parts if part.seconds)
        before = after
    return by_day


def tiers_of_week(own: Mapping[date, Sequence[Tier]]) -> dict[date, Sequence[Tier]]:
    """Return the weekly tiers of each day of a week: its own shift's, else the last ones before, else the next ones.

    `own`: what each day's shift says; empty on a day off and for a shift without weekly tiers.  All are empty if
    no day has tiers.
    """
    last: Sequence[Tier] = next((own[day] for day in sorted(own) if own[day]), ())
    found: dict[date, Sequence[Tier]] = {}
    for day in sorted(own):
        last = own[day] or last
        found[day] = last
    return found


def _by_rate(seconds: int, tiers: Sequence[Tier]) -> dict[float, int]:
    found: dict[float, int] = {}
    for portion in split(seconds, tiers):
        found[portion.rate] = found.get(portion.rate, 0) + portion.seconds
    return found


def week_of(day: date) -> date:
    """Return the Monday of the week."""
    return day - timedelta(days=day.weekday())


Presence = tuple[datetime, datetime]


def short_daily_rests(days: Sequence[tuple[date, Presence]], least: timedelta = DAILY_REST) -> dict[date, timedelta]:
    """Return the days that began less than `least` after the day before ended, with the rest there was."""
    short: dict[date, timedelta] = {}
    for (_, before), (day, after) in pairwise(days):
        rest = after[0] - before[1]
        if rest < least:
            short[day] = rest
    return short


def longest_rest(presences: Sequence[Presence], first: datetime, last: datetime) -> timedelta:
    """Return the longest stretch without presence between two instants, in real time."""
    longest, free_from = timedelta(0), first
    for start, end in sorted(presences):
        if start >= last:
            break
        longest = max(longest, start - free_from)
        free_from = max(free_from, end)
    return max(longest, last - free_from)


def weekly_rest_missing(presences: Sequence[Presence], monday: datetime, next_monday: datetime) -> bool:
    """Return whether the week lacks an unbroken rest of 24 hours."""
    return longest_rest(presences, monday, next_monday) < WEEKLY_REST
