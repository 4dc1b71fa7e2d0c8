"""A site's time zone with its history: each day is read in the zone that was in force on it.

In: the zones of a site, and the first day of each.  Out: one zone, used like any `ZoneInfo`.
Does not know: where the history is kept (store/hours/site_rules.py).
Main choice: a `tzinfo`, so that no function needs to know that a site ever moved.  The change is a transition like
that to summer time: at midnight, by the old zone's clock, the clock jumps to the new zone's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo


class SkippedTime(ValueError):
    """A time that the clock never showed on that day."""


class RepeatedTime(ValueError):
    """A time that the clock showed twice on that day, and nobody said which of the two is meant."""


class SiteZone(ZoneInfo):
    """Made by `site_zone`.  `key`: the zone in force now.

    Times that the change repeats or skips are read as `zoneinfo` reads those of summer time.
    """

    zones: tuple[ZoneInfo, ...]
    changes: tuple[datetime, ...]  # the instants from which on the next zone holds

    def __reduce__(self) -> Any:
        days = (at.astimezone(zone).date() for at, zone in zip(self.changes, self.zones, strict=False))
        return site_zone, (list(zip((date.min, *days), self.zones, strict=True)),)

    def fromutc(self, dt: datetime) -> datetime:
        """Return the local time of an instant (`dt` in UTC, with this zone)."""
        instant = dt.replace(tzinfo=UTC)
        number = sum(instant >= change for change in self.changes)
        local = instant.astimezone(self.zones[number]).replace(tzinfo=self)
        if number and local.replace(tzinfo=self.zones[number - 1], fold=0).astimezone(UTC) < self.changes[number - 1]:
            local = local.replace(fold=1)  # the clock showed this time before the move, too
        return local

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return None if dt is None else self._inner(dt).utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:
        return None if dt is None else self._inner(dt).dst()

    def tzname(self, dt: datetime | None) -> str | None:
        return None if dt is None else self._inner(dt).tzname()

    def _inner(self, dt: datetime) -> datetime:
        """Return a local time with the zone in which it is read."""
        for change, before, after in reversed(list(zip(self.changes, self.zones, self.zones[1:], strict=False))):
            old = dt.replace(tzinfo=before).astimezone(UTC) < change
            new = dt.replace(tzinfo=after).astimezone(UTC) >= change
            if (new and not old) or (dt.fold and new == old):
                return dt.replace(tzinfo=after)
        return dt.replace(tzinfo=self.zones[0])


def site_zone(history: Sequence[tuple[date, ZoneInfo]]) -> ZoneInfo:
    """Return the zone of a site with this history: the first day of each zone, the oldest first.

    The oldest zone holds for all days before the second, whatever its own day is.
    """
    if len(history) == 1:
        return history[0][1]
    # Not from the cache: two sites may have one zone now and different ones before.
    made = SiteZone.no_cache(history[-1][1].key)
    made.zones = tuple(zone for _day, zone in history)
    made.changes = tuple(
        datetime.combine(day, time(), before).astimezone(UTC) for (_first, before), (day, _zone) in pairwise(history)
    )
    return made


def instant_of(day: date, clock: time, zone: ZoneInfo, second: bool | None = None) -> datetime:
    """Return the instant (UTC) at which the wall clock showed `clock` on `day`.

    `second`: which one, where the clock showed it twice.  Raise SkippedTime and RepeatedTime instead of guessing.
    """
    early, late = (datetime.combine(day, clock.replace(tzinfo=None, fold=fold), zone) for fold in (0, 1))
    instants = early.astimezone(UTC), late.astimezone(UTC)
    if instants[0].astimezone(zone).replace(tzinfo=None) != early.replace(tzinfo=None):
        raise SkippedTime
    if instants[0] == instants[1]:
        return instants[0]
    if second is None:
        raise RepeatedTime
    return instants[second]


def repeats_a_time(day: date, zone: ZoneInfo) -> bool:
    """Return whether the clock shows some times of `day` twice."""
    begin, end = (datetime.combine(one, time(), zone).utcoffset() for one in (day, day + timedelta(days=1)))
    if begin is None or end is None or end >= begin:
        return False  # on a day on which the clock is put back it is behind in the evening
    clocks = (datetime.combine(day, time(minutes // 60, minutes % 60), zone) for minutes in range(0, 24 * 60, 15))
    return any(clock.utcoffset() != clock.replace(fold=1).utcoffset() and not _skipped(clock) for clock in clocks)


def _skipped(clock: datetime) -> bool:
    there_and_back = clock.astimezone(UTC).astimezone(clock.tzinfo)
    return there_and_back.replace(tzinfo=None) != clock.replace(tzinfo=None)
