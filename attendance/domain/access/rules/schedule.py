"""Weekly schedules with special days, in the site's local time.

In: windows of local minutes for each weekday and for special days; an instant and a zone.  Out: whether the schedule
holds then, since when, and when it opens next.
Does not know: what it is used for (rights, factors, unlocking); the clock.
Main choice: a schedule is about the local wall clock.  An hour that the change of the clock skips never comes, and an
hour that comes twice counts twice.  A window's end is exclusive, and a span over midnight is two windows, so that a
special day overrides exactly its own date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MINUTES = 24 * 60
_DAYS = 7
_LOOK_AHEAD = 15  # days: two weeks, so that one closed week is looked past


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A part of a local day, in minutes since midnight: 0 <= start < end <= 1440, the end exclusive.

    Raises ValueError for anything else.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= MINUTES:
            raise ValueError(f"a window runs from minute {self.start} to {self.end}: use 0 <= start < end <= {MINUTES}")

    def holds(self, minute: int) -> bool:
        return self.start <= minute < self.end


WHOLE_DAY = Window(0, MINUTES)
Day = tuple[Window, ...]
Week = tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows of each weekday, Monday first; `special_days` override the weekday, () is closed all day.

    Raises ValueError for a week that does not have seven days.
    """

    id: int
    name: str
    week: Week
    special_days: Mapping[date, Day] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.week) != _DAYS:
            raise ValueError(f"a week has {len(self.week)} days: give seven, Monday first")

    @property
    def always(self) -> bool:
        """Whether it holds at every instant, so that it needs no clock."""
        return all(merged(day) == (WHOLE_DAY,) for day in (*self.week, *self.special_days.values()))

    def day(self, on: date) -> Day:
        """Return the windows of this local date."""
        return self.special_days.get(on, self.week[on.weekday()])

    def holds(self, at: datetime, zone: tzinfo) -> bool:
        """Return whether the instant is inside a window of its local day.  `at`: aware."""
        local = at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        return any(window.holds(minute) for window in self.day(local.date()))

    def since(self, at: datetime, zone: tzinfo) -> datetime | None:
        """Return when the span of time that holds now began; None if it does not hold, or began weeks ago."""
        begun = self._since_by_wall(at.astimezone(zone))
        if begun is None:
            return None
        offset = at.astimezone(zone).utcoffset()
        began = (begun - (offset or timedelta(0))).replace(tzinfo=UTC)
        just_before = began - timedelta(minutes=1)
        if just_before.astimezone(zone).utcoffset() == offset:
            return began
        # The clock was changed in between: what held since then may or may not have held before.
        changed = _changed(just_before, at.astimezone(UTC), zone)
        before = changed - timedelta(minutes=1)
        return self.since(before, zone) if self.holds(before, zone) else changed

    def _since_by_wall(self, local: datetime) -> datetime | None:
        """Return the local time at which the span began, without a zone, as if no clock had been changed."""
        on, minute = local.date(), local.hour * 60 + local.minute
        for _ in range(_LOOK_AHEAD):
            window = next((each for each in merged(self.day(on)) if each.start <= minute <= each.end), None)
            if window is None or (minute == window.end and minute < MINUTES):
                # Yesterday ended before midnight: today's window began at midnight.
                return None if on == local.date() else datetime.combine(on + timedelta(days=1), time(0))
            if window.start > 0:
                return datetime.combine(on, time(0)) + timedelta(minutes=window.start)
            on, minute = on - timedelta(days=1), MINUTES
        return None

    def next_opening(self, at: datetime, zone: tzinfo) -> datetime | None:
        """Return the first instant after `at` at which a window begins; None if there is none for two weeks."""
        today = at.astimezone(zone).date()
        starts = (
            _instant(today + timedelta(days=days), window.start, zone, fold)
            for days in range(_LOOK_AHEAD)
            for fold in (0, 1)
            for window in self.day(today + timedelta(days=days))
        )
        return min((start for start in starts if start > at and self.holds(start, zone)), default=None)


def merged(day: Iterable[Window]) -> Day:
    """Return the same minutes as sorted windows that neither overlap nor touch."""
    result: list[Window] = []
    for window in sorted(day):
        if result and window.start <= result[-1].end:
            result[-1] = Window(result[-1].start, max(result[-1].end, window.end))
        else:
            result.append(window)
    return tuple(result)


def weekly(weekdays: Iterable[int], start: int, end: int) -> Week:
    """Return a week with one span on each of these weekdays (0 is Monday), in minutes of the local day.

    An end at or before the start is on the next day: 22:00 to 06:00 gives two windows.
    Raises ValueError for a weekday that is not 0 to 6, and for minutes outside the day.
    """
    days: list[list[Window]] = [[] for _ in range(_DAYS)]
    for weekday in weekdays:
        if not 0 <= weekday < _DAYS:
            raise ValueError(f"weekday {weekday}: use 0 for Monday to 6 for Sunday")
        if start < end:
            days[weekday].append(Window(start, end))
            continue
        days[weekday].append(Window(start, MINUTES))
        if end > 0:
            days[(weekday + 1) % _DAYS].append(Window(0, end))
    return tuple(merged(day) for day in days)


def always(id: int, name: str) -> Schedule:  # noqa: A002
    """Return a schedule that holds at every instant."""
    return Schedule(id, name, ((WHOLE_DAY,),) * _DAYS)


def _changed(first: datetime, last: datetime, zone: tzinfo) -> datetime:
    """Return the minute from which on the zone has the offset that it has at `last`; at `first` it had another one."""
    offset = last.astimezone(zone).utcoffset()
    low, high = first.replace(second=0, microsecond=0), last
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        middle = middle.replace(second=0, microsecond=0)
        if middle <= low:
            middle = low + timedelta(minutes=1)
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high


def _instant(on: date, minute: int, zone: tzinfo, fold: int = 0) -> datetime:
    """Return the instant of a local minute; inside a skipped hour, that many minutes later.

    `fold`: 1 for the second of a minute that comes twice.
    """
    midnight = datetime.combine(on, time(0), zone)
    return (midnight + timedelta(minutes=minute)).replace(fold=fold).astimezone(UTC)
