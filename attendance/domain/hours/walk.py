"""The walk over one person's punches in order: what each was taken for, and the spells that follow.

In: `Punch`es in any order, plans by day, the zone, the present instant, the state at the edge of retention.
Out: spells, used punches and flags by work day; the state in which the walk ended.
Does not know: breaks, rounding, late and early (workday), which days somebody asked for (anchor).
Main choice: a spell that has lasted too long is closed *before* the next punch is looked at, so that after a long
gap nothing that happened before it can change what a punch is taken for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from operator import attrgetter, lt
from zoneinfo import ZoneInfo

from attendance.domain.hours.day import (
    Cause,
    Flag,
    Inference,
    Note,
    Policy,
    Punch,
    Rule,
    Sense,
    Spell,
    Used,
    value,
)
from attendance.domain.hours.shift import Forgotten, Plan
from attendance.domain.hours.windows import Timetable, Window, timetable_of
from attendance.domain.passage import Direction

# For so long a forgotten check-out is named beside the next arrival.  Longer than any spell may last.
REMEMBERED = timedelta(days=3)

# Looking a member up in its class takes ten times as long.
_IN, _OUT, _UNKNOWN = Direction.IN, Direction.OUT, Direction.UNKNOWN
_SENSE_IN = Sense.IN
# What most punches are taken for.
_DOOR_IN, _DOOR_OUT = Inference(Sense.IN, Cause.DOOR_IN), Inference(Sense.OUT, Cause.DOOR_OUT)
_WAS_OUT = Inference(Sense.IN, Cause.WAS_OUT)
_NO_FLAGS: frozenset[Flag] = frozenset()


@value
class Open:
    """A person who came in at `at` (aware UTC), on which work day, and who stays until `limit` at most."""

    at: datetime
    day: date
    limit: datetime
    undirected: bool = False


@value
class Edge:
    """The state of one person at `at` (aware UTC), from where on passages are still stored.  `open` None: out."""

    at: datetime
    open: Open | None


class Collected:
    """What the walk found for one work day."""

    __slots__ = ("flags", "spells", "used")

    def __init__(self) -> None:
        self.spells: list[Spell] = []
        self.used: list[Used] = []
        self.flags = _NO_FLAGS


_order = attrgetter("at", "id")
_at = attrgetter("at")
_id = attrgetter("id")


def in_order(punches: Iterable[Punch]) -> Sequence[Punch]:
    """Return each punch once, by time and id."""
    given = punches if isinstance(punches, list) else list(punches)
    times = list(map(_at, given))
    if all(map(lt, times, islice(times, 1, None))) and len(set(map(_id, given))) == len(given):
        return given  # as the database returns them
    return sorted({one.id: one for one in sorted(given, key=_order)}.values(), key=_order)


def near_end(at: datetime, window: Window) -> bool:
    """Return whether an instant lies in the last quarter of a shift or after it."""
    return at >= window.nearly


class Walk:
    """The state machine.  `days`: what was found, once `finish` was called."""

    def __init__(self, plans: Mapping[date, Plan] | Timetable, zone: ZoneInfo, now: datetime, policy: Policy) -> None:
        timetable = timetable_of(plans, zone)
        self.now, self.policy = now, policy
        self.work_days, self.by_day = timetable.work_days, timetable.by_day
        self.days: dict[date, Collected] = {}
        self.open: Open | None = None
        # The last punch that counted, what it was taken for, and until when the same again is a repetition.
        self._last: tuple[Punch, Sense, datetime] | None = None
        self._window: Window | None = None
        self._seen: set[date] = set()
        self._brackets: dict[date, list[Punch]] = {}
        self._latest = now + policy.clock_slack

    def over(self, punches: Iterable[Punch], edge: Edge | None = None) -> Walk:
        """Take all punches in order; from the edge of retention on, with the state that was stored there."""
        for punch in in_order(punches):
            if edge is not None and punch.at >= edge.at:
                self._resume(edge)
                edge = None
            self._step(punch)
        if edge is not None and self.now >= edge.at:
            self._resume(edge)
        return self

    def _resume(self, edge: Edge) -> None:
        self.open, self._last = edge.open, None

    def finish(self) -> dict[date, Collected]:
        """Decide about a person who is still in (here now, or a forgotten check-out); return what was found."""
        if self.open is not None:
            window = self.by_day.get(self.open.day)
            inside = window is not None and window.opens <= self.open.at < window.closes
            limit = window.closes if window is not None and inside else self.open.at + self.policy.longest
            if self.now > limit:
                self._close_by_rule()
            else:
                self._day(self.open.day).spells.append(Spell(self.open.at, None))
                self.open = None
        for day, punches in self._brackets.items():
            self._bracket(self.by_day[day], punches)
            self._day(day).used.sort(key=lambda used: _order(used.punch))
            self._day(day).spells.sort(key=lambda spell: spell.start)
        return self.days

    def _step(self, punch: Punch) -> None:
        at = punch.at
        window = self._window  # most often the one of the punch before
        if window is None or not window.opens <= at < window.closes:
            window = self._window = self.work_days.window_at(at)
        day = self.work_days.day_of(at, None) if window is None else window.day
        if at > self._latest:
            self._drop(day, punch, Note.FUTURE, Flag.FUTURE)
            return
        first_last = window is not None and window.first_last
        last = self._last
        if last is not None and at < last[2] and not first_last and self._is_repeat(punch, last):
            self._drop(day, punch, Note.REPEAT, Flag.REPEAT)
            self._doubt_repeat(day, punch, last)
            return
        opened = self.open
        expired = self._expire(at) if opened is not None and at >= opened.limit else None
        if first_last and not self._ends_another_day(punch, day):
            if self.open is not None:
                self._close_by_rule(before=at)
            self._remember(punch, Sense.IN if day not in self._brackets else Sense.OUT)
            self._brackets.setdefault(day, []).append(punch)
            return
        inference = self._infer(punch, window, expired, day in self._seen)
        self._seen.add(day)
        self._last = punch, inference.sense, at + self.policy.debounce
        if inference.sense is _SENSE_IN:
            self._enter(punch, inference, day, window)
        else:
            self._leave(punch, inference, day, window)

    def _remember(self, punch: Punch, sense: Sense) -> None:
        self._last = punch, sense, punch.at + self.policy.debounce

    def _infer(self, punch: Punch, window: Window | None, expired: Open | None, seen: bool) -> Inference:
        """Return whether a passage is a way in or out: by the door, else by the last state and the shift."""
        if punch.direction is _IN:
            return _DOOR_IN
        if punch.direction is _OUT:
            return _DOOR_OUT
        if self.open is not None:
            if window is not None and window.day > self.open.day:
                return Inference(Sense.IN, Cause.NEW_SHIFT, self.open.at, in_doubt=True)
            return Inference(Sense.OUT, Cause.WAS_IN, self.open.at, in_doubt=self._unsettled(punch, window))
        if window is not None and not seen and near_end(punch.at, window):
            return Inference(Sense.OUT, Cause.SHIFT_ENDS, in_doubt=True)
        if expired is not None and punch.at - expired.at < REMEMBERED:
            return Inference(Sense.IN, Cause.IN_TOO_LONG, expired.at, in_doubt=True)
        return _WAS_OUT

    def _unsettled(self, punch: Punch, window: Window | None) -> bool:
        """Whether nothing but the order of the passages says that this long time was spent inside and not outside."""
        if self.open is None or not self.open.undirected or punch.direction is not _UNKNOWN:
            return False
        return window is None and self.open.day not in self.by_day and punch.at - self.open.at > self.policy.doubtful

    def _expire(self, at: datetime) -> Open | None:
        """Close a spell in which nobody is any more at `at`; return it."""
        opened = self.open
        self._close_by_rule(before=at)
        return opened

    def _is_repeat(self, punch: Punch, last: tuple[Punch, Sense, datetime]) -> bool:
        """Whether a punch so soon after the last one is the same once more."""
        if punch.corrected:
            return False
        return punch.direction is _UNKNOWN or punch.direction.value == last[1].value

    def _doubt_repeat(self, day: date, punch: Punch, last: tuple[Punch, Sense, datetime]) -> None:
        """Flag a repetition so late that the person may really have turned round."""
        if punch.direction is _UNKNOWN and punch.at - last[0].at >= self.policy.stutter:
            self._flag(day, Flag.DOUBLE_PUNCH)

    def _enter(self, punch: Punch, inference: Inference, day: date, window: Window | None) -> None:
        if self.open is not None:
            if self.open.day == day:
                self._drop(day, punch, Note.STILL_IN, Flag.IN_DOUBT)
                return
            self._close_by_rule(before=punch.at)
        self._use(day, punch, inference)
        limit = punch.at + self.policy.longest
        if window is not None and window.closes > limit:
            limit = window.closes  # a shift may be longer than anybody stays without one
        self.open = Open(punch.at, day, limit, punch.direction is _UNKNOWN)

    def _leave(self, punch: Punch, inference: Inference, day: date, window: Window | None) -> None:
        if self.open is None:
            self._use(day, punch, inference, Note.NO_CHECK_IN)
            self._flag(day, Flag.MISSING_IN)
            return
        opened = self.open
        found = self._use(opened.day, punch, inference)
        if opened.undirected and self._unsettled(punch, window):
            self._flag(opened.day, Flag.UNSETTLED)
        found.spells.append(Spell(opened.at, punch.at))
        self.open = None

    def _close_by_rule(self, before: datetime | None = None) -> None:
        """End a spell whose check-out never came, as the shift's rule says, and flag it."""
        assert self.open is not None
        opened, self.open = self.open, None
        window = self.by_day.get(opened.day)
        day = self._day(opened.day)
        self._flag(opened.day, Flag.MISSING_OUT)
        # An arrival outside of the shift's window was not for the shift.
        outside = window is None or not window.opens <= opened.at < window.end
        if window is None or outside or window.shift.forgotten is Forgotten.NOTHING:
            day.spells.append(Spell(opened.at, opened.at, Rule.NOTHING))
            return
        end = window.end if before is None else min(window.end, before)
        day.spells.append(Spell(opened.at, end, Rule.SHIFT_END))

    def _ends_another_day(self, punch: Punch, day: date) -> bool:
        """Whether the door says that somebody leaves who came in on another work day."""
        return punch.direction is _OUT and self.open is not None and self.open.day != day

    def _bracket(self, window: Window, punches: list[Punch]) -> None:
        """Count a day from its first punch to its last; those between are kept and count for nothing."""
        first, last = punches[0], punches[-1]
        for punch in punches[1:-1]:
            self._drop(window.day, punch, Note.BETWEEN)
        running = self.now <= window.closes and _is_in(punches)
        if len(punches) == 1 and (first.direction is _OUT or _came_to_leave(first, window)):
            doubt = first.direction is _UNKNOWN
            cause = Cause.SHIFT_ENDS if doubt else Cause.DOOR_OUT
            self._use(window.day, first, Inference(Sense.OUT, cause, in_doubt=doubt), Note.NO_CHECK_IN)
            self._flag(window.day, Flag.MISSING_IN)
            return
        self._use(window.day, first, Inference(Sense.IN, Cause.FIRST))
        if len(punches) > 1 and running:
            self._drop(window.day, last, Note.BETWEEN)
        elif len(punches) > 1:
            self._use(window.day, last, Inference(Sense.OUT, Cause.LAST, first.at))
            self._day(window.day).spells.append(Spell(first.at, last.at))
            return
        if running:
            self._day(window.day).spells.append(Spell(first.at, None))
            return
        self.open = Open(first.at, window.day, window.closes)
        self._close_by_rule()

    def _use(self, day: date, punch: Punch, inference: Inference, note: Note | None = None) -> Collected:
        found = self._day(day)
        found.used.append(Used(punch, inference, note))
        if inference.in_doubt:
            self._flag(day, Flag.IN_DOUBT)
        if punch.corrected or punch.came_late or punch.recorded_at is not None:
            self._judge_clock(day, punch)
        return found

    def _drop(self, day: date, punch: Punch, note: Note, flag: Flag | None = None) -> None:
        self._day(day).used.append(Used(punch, None, note))
        if flag is not None:
            self._flag(day, flag)
        self._judge_clock(day, punch)

    def _judge_clock(self, day: date, punch: Punch) -> None:
        if punch.came_late:
            self._flag(day, Flag.CAME_LATE)
        if punch.corrected:
            self._flag(day, Flag.CORRECTED)
        elif punch.recorded_at is not None and abs(punch.at - punch.recorded_at) > self.policy.clock_slack:
            self._flag(day, Flag.WRONG_CLOCK)

    def _flag(self, day: date, flag: Flag) -> None:
        self._day(day).flags |= {flag}

    def _day(self, day: date) -> Collected:
        found = self.days.get(day)
        if found is None:
            found = self.days[day] = Collected()
        return found


def _came_to_leave(punch: Punch, window: Window) -> bool:
    return punch.direction is _UNKNOWN and near_end(punch.at, window)


def _is_in(punches: list[Punch]) -> bool:
    """Return whether somebody is in after these punches: by the last door that knew, and the turns since then."""
    inside = False
    for punch in punches:
        inside = not inside if punch.direction is _UNKNOWN else punch.direction is _IN
    return inside
