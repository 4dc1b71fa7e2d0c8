"""Passages and plans → working days: who was there, from when to when, and what that counts as.

In: `Punch`es of one person in any order, `Plan`s by day, the zone, the present instant.  Out: `Day`s.
Does not know: the database, the camera, who reads it.
Main choice: nothing is stored but what happened; every figure is computed again from it, so that a
late passage, a correction or another rule gives the figures that they would have given at once.
Trade-off: computing takes about 60 µs a day.  Durations are whole seconds of real time, UTC to UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance.domain.hours import overtime
from attendance.domain.hours.day import (
    CLOCK_SLACK,
    Cause,
    Day,
    Flag,
    Inference,
    Note,
    Policy,
    Punch,
    Rule,
    Sense,
    Spell,
    Status,
    Used,
)
from attendance.domain.hours.shift import Forgotten, Plan, real_time
from attendance.domain.hours.workday import evaluate
from attendance.domain.passage import Direction, repeats

__all__ = [
    "Day",
    "Flag",
    "Inference",
    "Policy",
    "Punch",
    "Sense",
    "Spell",
    "Status",
    "Used",
    "clock_jumps",
    "days_of",
    "infer",
    "infer_next",
    "with_weekly_overtime",
]


@dataclass(slots=True)
class _Open:
    """A person who came in, on which work day, and who stays until `limit` at most."""

    at: datetime
    day: date
    limit: datetime


@dataclass(slots=True)
class _Collected:
    spells: list[Spell] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    flags: set[Flag] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Window:
    """A shift of a day in real time, and the time around it in which passages belong to it."""

    day: date
    opens: datetime
    start: datetime
    end: datetime
    closes: datetime


def windows_of(plans: Mapping[date, Plan], zone: ZoneInfo) -> list[Window]:
    """Return the shifts' windows in order; where two overlap they meet half-way between the shifts."""
    found: list[Window] = []
    for day in sorted(plans):
        plan = plans[day]
        if plan.shift is None:
            continue
        start = real_time(day, plan.shift.spans[0].start, zone)
        end = real_time(day, plan.shift.spans[-1].end, zone)
        opens = start - timedelta(minutes=plan.shift.window_before)
        closes = end + timedelta(minutes=plan.shift.window_after)
        if found and opens < found[-1].closes:
            before = found[-1]
            middle = before.end + max(timedelta(0), start - before.end) / 2
            found[-1] = Window(before.day, before.opens, before.start, before.end, min(before.closes, middle))
            opens = max(opens, middle)
        found.append(Window(day, opens, start, end, closes))
    return found


def infer(
    at: datetime, direction: Direction, window: Window | None, opened: _Open | None, seen_today: bool
) -> Inference:
    """Return whether a passage is a way in or out: by the door, else by the last state and the shift."""
    if direction is Direction.IN:
        return Inference(Sense.IN, Cause.DOOR_IN)
    if direction is Direction.OUT:
        return Inference(Sense.OUT, Cause.DOOR_OUT)
    if opened is not None:
        if at > opened.limit:
            return Inference(Sense.IN, Cause.IN_TOO_LONG, opened.at, in_doubt=True)
        if window is not None and window.day > opened.day:
            return Inference(Sense.IN, Cause.NEW_SHIFT, opened.at, in_doubt=True)
        return Inference(Sense.OUT, Cause.WAS_IN, opened.at)
    if window is not None and not seen_today and window.end - at <= (window.end - window.start) / 4:
        return Inference(Sense.OUT, Cause.SHIFT_ENDS, in_doubt=True)
    return Inference(Sense.IN, Cause.WAS_OUT)


def days_of(
    punches: Iterable[Punch], plans: Mapping[date, Plan], zone: ZoneInfo, now: datetime, policy: Policy | None = None
) -> list[Day]:
    """Return a `Day` for each plan, in order, whatever the order and repetition of `punches`.

    Give the plans from a day before the first that counts to a day after the last: a night reaches over.
    """
    policy = policy or Policy()
    collected = _collect(punches, plans, zone, now, policy)
    nothing = _Collected()
    holidays = frozenset(day for day, plan in plans.items() if plan.holiday is not None)
    result = []
    for day in sorted(plans):
        found = collected.get(day, nothing)
        spells, used, flags = tuple(found.spells), tuple(found.used), frozenset(found.flags)
        result.append(evaluate(plans[day], spells, used, flags, zone, now, holidays))
    return result


def infer_next(
    punches: Iterable[Punch],
    plans: Mapping[date, Plan],
    zone: ZoneInfo,
    at: datetime,
    direction: Direction = Direction.UNKNOWN,
    policy: Policy | None = None,
) -> Inference:
    """Return what a passage at `at` would be taken for after these; a kiosk asks the person if it is in doubt."""
    punch = Punch("\uffff", at, direction)  # sorts behind any other at the same time
    collected = _collect([*punches, punch], plans, zone, at, policy or Policy())
    for found in collected.values():
        for one in found.used:
            if one.punch is punch:
                return one.inference or Inference(Sense.IN, Cause.NOT_COUNTED, in_doubt=True)
    raise AssertionError("every punch is used once")


def clock_jumps(punches: Iterable[Punch], slack: timedelta = CLOCK_SLACK) -> list[tuple[Punch, timedelta]]:
    """Return the punches with a wrong clock, each with how far it was ahead (+) or behind (−)."""
    return [
        (one, one.at - one.recorded_at)
        for one in sorted(punches, key=_order)
        if one.recorded_at is not None and not one.corrected and abs(one.at - one.recorded_at) > slack
    ]


def _order(punch: Punch) -> tuple[datetime, str]:
    return punch.at, punch.id


def _collect(
    punches: Iterable[Punch], plans: Mapping[date, Plan], zone: ZoneInfo, now: datetime, policy: Policy
) -> dict[date, _Collected]:
    """Put every punch once on the work day that it belongs to."""
    walk = _Walk(plans, windows_of(plans, zone), zone, now, policy)
    for punch in sorted({one.id: one for one in sorted(punches, key=_order)}.values(), key=_order):
        walk.step(punch)
    walk.finish()
    return walk.days


class _Walk:
    """The state machine over one person's punches in order."""

    def __init__(
        self, plans: Mapping[date, Plan], windows: Sequence[Window], zone: ZoneInfo, now: datetime, policy: Policy
    ) -> None:
        self.plans, self.windows, self.zone, self.now, self.policy = plans, windows, zone, now, policy
        self.by_day = {one.day: one for one in windows}
        self.days: dict[date, _Collected] = {}
        self.open: _Open | None = None
        self.last: tuple[Punch, Sense] | None = None
        self.next_window = 0

    def step(self, punch: Punch) -> None:
        window = self._window(punch.at)
        day = window.day if window else punch.at.astimezone(self.zone).date()
        if punch.at > self.now + self.policy.clock_slack:
            self._drop(day, punch, Flag.FUTURE, Note.FUTURE)
            return
        if self._is_repeat(punch):
            self._drop(day, punch, Flag.REPEAT, Note.REPEAT)
            return
        seen = day in self.days and bool(self.days[day].used)
        inference = infer(punch.at, punch.direction, window, self.open, seen)
        self.last = (punch, inference.sense)
        if inference.sense is Sense.IN:
            self._enter(punch, inference, day, window)
        else:
            self._leave(punch, inference, day)

    def finish(self) -> None:
        """Decide about a person who is still in: here now, or a forgotten check-out."""
        if self.open is None:
            return
        window = self.by_day.get(self.open.day)
        inside = window is not None and window.opens <= self.open.at < window.closes
        limit = window.closes if window is not None and inside else self.open.at + self.policy.longest
        if self.now > limit:
            self._close_by_rule()
        else:
            self._day(self.open.day).spells.append(Spell(self.open.at, None))
            self.open = None

    def _window(self, at: datetime) -> Window | None:
        while self.next_window < len(self.windows) and self.windows[self.next_window].closes <= at:
            self.next_window += 1
        if self.next_window < len(self.windows) and self.windows[self.next_window].opens <= at:
            return self.windows[self.next_window]
        return None

    def _is_repeat(self, punch: Punch) -> bool:
        if self.last is None or punch.corrected:
            return False
        before, sense = self.last
        # What the walk took the earlier one for is known by now, also where its access point did not know.
        return repeats(punch.direction, Direction(sense.value), punch.at - before.at, self.policy.debounce)

    def _enter(self, punch: Punch, inference: Inference, day: date, window: Window | None) -> None:
        if self.open is not None:
            if self.open.day == day and punch.at <= self.open.limit:
                self._drop(day, punch, Flag.IN_DOUBT, Note.STILL_IN)
                return
            self._close_by_rule(before=punch.at)
        self._use(day, punch, inference)
        limit = punch.at + self.policy.longest
        # A shift may be longer than anybody stays without one.
        self.open = _Open(punch.at, day, max(limit, window.closes) if window else limit)

    def _leave(self, punch: Punch, inference: Inference, day: date) -> None:
        if self.open is not None and punch.at > self.open.limit:
            self._close_by_rule(before=punch.at)
        if self.open is None:
            self._use(day, punch, inference, Note.NO_CHECK_IN)
            self._day(day).flags.add(Flag.MISSING_IN)
            return
        self._use(self.open.day, punch, inference)
        self._day(self.open.day).spells.append(Spell(self.open.at, punch.at))
        self.open = None

    def _close_by_rule(self, before: datetime | None = None) -> None:
        """End a spell whose check-out never came, as the shift's rule says, and flag it."""
        assert self.open is not None
        opened, self.open = self.open, None
        plan, window = self.plans.get(opened.day), self.by_day.get(opened.day)
        day = self._day(opened.day)
        day.flags.add(Flag.MISSING_OUT)
        shift = plan.shift if plan else None
        # An arrival outside of the shift's window was not for the shift.
        outside = window is None or not window.opens <= opened.at < window.end
        if shift is None or window is None or outside or shift.forgotten is Forgotten.NOTHING:
            day.spells.append(Spell(opened.at, opened.at, Rule.NOTHING))
            return
        end = window.end if before is None else min(window.end, before)
        day.spells.append(Spell(opened.at, end, Rule.SHIFT_END))

    def _use(self, day: date, punch: Punch, inference: Inference, note: Note | None = None) -> None:
        found = self._day(day)
        found.used.append(Used(punch, inference, note))
        if inference.in_doubt:
            found.flags.add(Flag.IN_DOUBT)
        self._judge_clock(found, punch)

    def _drop(self, day: date, punch: Punch, flag: Flag, note: Note) -> None:
        found = self._day(day)
        found.used.append(Used(punch, None, note))
        found.flags.add(flag)
        self._judge_clock(found, punch)

    def _judge_clock(self, found: _Collected, punch: Punch) -> None:
        if punch.corrected:
            found.flags.add(Flag.CORRECTED)
        elif punch.recorded_at is not None and abs(punch.at - punch.recorded_at) > self.policy.clock_slack:
            found.flags.add(Flag.WRONG_CLOCK)

    def _day(self, day: date) -> _Collected:
        return self.days.setdefault(day, _Collected())


def with_weekly_overtime(days: Sequence[Day]) -> tuple[Day, ...]:
    """Return whole weeks of one person, in order, each day with the overtime that it adds to its week.

    Where the shift changes in the week, each day is cut by the tiers in force on it (`overtime.tiers_of_week`).
    """
    weeks: dict[date, list[Day]] = {}
    for one in days:
        weeks.setdefault(overtime.week_of(one.day), []).append(one)
    found: list[Day] = []
    for week in weeks.values():
        tiers = overtime.tiers_of_week({one.day: one.plan.shift.weekly if one.plan.shift else () for one in week})
        plain = {one.day: sum(seconds for rate, seconds in one.portions if rate <= 1) for one in week}
        cut = overtime.split_week(plain, tiers) if any(tiers.values()) else {}
        for one in week:
            paid = {rate: seconds for rate, seconds in one.portions if rate > 1}
            for part in cut.get(one.day, ()):
                paid[part.rate] = paid.get(part.rate, 0) + part.seconds
            found.append(replace(one, portions=tuple(sorted(paid.items()))) if cut else one)
    return tuple(found)
