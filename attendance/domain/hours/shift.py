"""What a person is expected to work: shifts, rosters that rotate, and the plan of one day.

In: plain values, as an editor or a JSON column holds them.  Out: `Shift`, `Plan`; spans in real time.
Does not know: who came (timesheet), the database, today, words for people (service/hours/day_words.py).
Main choice: a shift is written in wall-clock minutes of its *work day* and may run past 24:00, so that
a night belongs to the day on which it began; the zone is applied at the last moment, and a night in
which the clock changes is as long as it really was.  Trade-off: one shift is at most 48 hours long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from attendance.errors import Phrase, UserError

DAY = 24 * 60
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class BadShift(UserError, ValueError):
    """A shift, roster or time that is not valid; its text says what to do."""


class Kind(StrEnum):
    """Stored by value.  FLEXIBLE: so many minutes at any time between the start and the end."""

    FIXED = "fixed"
    FLEXIBLE = "flexible"


class Forgotten(StrEnum):
    """What a check-out that never came counts as; either way the day is flagged.  Stored by value."""

    SHIFT_END = "shift_end"
    NOTHING = "nothing"


class Counting(StrEnum):
    """Stored by value.  PAIRS: from each check-in to its check-out.  FIRST_LAST: from the day's first to its last."""

    PAIRS = "pairs"
    FIRST_LAST = "first_last"


class Mode(StrEnum):
    """How times are rounded for pay.  IN_FAVOUR: arrivals down and departures up; AGAINST: the reverse."""

    NONE = "none"
    NEAREST = "nearest"
    IN_FAVOUR = "in_favour"
    AGAINST = "against"


class Half(StrEnum):
    WHOLE = "whole"
    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Span:
    """Working time in minutes from the work day's midnight; `end` beyond 1440 is the next day."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= 2 * DAY:
            raise BadShift("a shift ends after it starts, at most 48 hours after its day began")

    @property
    def minutes(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Break:
    """`minutes` off once a person has worked `after` minutes.

    An unpaid break is taken off automatically, less the time that the person went out.
    A paid break gives back the time that the person went out, up to its length.
    """

    minutes: int
    after: int = 0
    paid: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= 240 or not 0 <= self.after <= DAY:
            raise BadShift("a break lasts 1 to 240 minutes and begins to count after 0 to 1440 minutes of work")


@dataclass(frozen=True, slots=True)
class Rounding:
    step: int = 0
    mode: Mode = Mode.NONE

    def __post_init__(self) -> None:
        if self.mode is not Mode.NONE and self.step not in (5, 6, 10, 12, 15, 20, 30):
            raise BadShift("times are rounded to 5, 6, 10, 12, 15, 20 or 30 minutes")


@dataclass(frozen=True, slots=True)
class Tier:
    """Work beyond `after` minutes is worth `rate` times the wage."""

    after: int
    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.after <= 7 * DAY or not 1 <= self.rate <= 10:
            raise BadShift("an overtime tier begins within a week and pays 1 to 10 times the wage")


@dataclass(frozen=True, slots=True)
class Shift:
    """One kind of working day.  All times in minutes.

    `spans`: one, or several for a split shift.  `required`: what a flexible day asks for (a fixed one
    asks for its spans less the unpaid breaks).  `grace_in`, `grace_out`: up to this much is neither late nor early.
    `window_before`, `window_after`: how far from the shift a passage still belongs to it.
    `half_below`, `absent_below`: worked less than this is half a day, or none.  `clip_early`: time
    before the start is not paid.  `counting`: which check-ins count.
    `tiers`: overtime of one day; `weekly`: of one week.
    """

    name: str
    spans: tuple[Span, ...]
    kind: Kind = Kind.FIXED
    required: int = 0
    grace_in: int = 5
    grace_out: int = 5
    breaks: tuple[Break, ...] = ()
    rounding: Rounding = field(default_factory=Rounding)
    window_before: int = 180
    window_after: int = 300
    half_below: int = 0
    absent_below: int = 0
    clip_early: bool = False
    forgotten: Forgotten = Forgotten.SHIFT_END
    tiers: tuple[Tier, ...] = ()
    weekly: tuple[Tier, ...] = ()
    counting: Counting = Counting.PAIRS

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > 100:
            raise BadShift("a shift needs a name of at most 100 characters")
        if not self.spans:
            raise BadShift("the shift %(name)s needs at least one time from … to …", name=self.name)
        if any(one.end > other.start for one, other in zip(self.spans, self.spans[1:], strict=False)):
            raise BadShift("the times of the shift %(name)s overlap: list them in order", name=self.name)
        for value, label, most in (
            (self.grace_in, Phrase("grace"), 240),
            (self.grace_out, Phrase("grace"), 240),
            (self.window_before, Phrase("window"), 720),
            (self.window_after, Phrase("window"), 720),
            (self.required, Phrase("required time"), DAY),
            (self.half_below, Phrase("half-day limit"), DAY),
            (self.absent_below, Phrase("absence limit"), DAY),
        ):
            if not 0 <= value <= most:
                raise BadShift(
                    "the %(label)s of the shift %(name)s must be from 0 to %(most)s minutes",
                    label=label,
                    name=self.name,
                    most=most,
                )
        if self.kind is Kind.FLEXIBLE and not self.required:
            raise BadShift("the flexible shift %(name)s needs the minutes that a day asks for", name=self.name)
        if list(self.tiers) != sorted(self.tiers, key=lambda tier: tier.after):
            raise BadShift("the overtime tiers of the shift %(name)s must begin later and later", name=self.name)

    @property
    def overnight(self) -> bool:
        return self.spans[-1].end > DAY

    @property
    def expected(self) -> int:
        """Return the minutes of work that a whole day asks for."""
        if self.kind is Kind.FLEXIBLE:
            return self.required
        length = sum(span.minutes for span in self.spans)
        return length - sum(one.minutes for one in self.breaks if not one.paid and length > one.after)


@dataclass(frozen=True, slots=True)
class Leave:
    kind: str
    paid: bool = True
    half: Half = Half.WHOLE


@dataclass(frozen=True, slots=True)
class PremiumRules:
    """Which hours are figures of their own: at night, on Sundays, on public holidays.

    Each window is wall-clock time of a calendar day and may end on the next, at most at 24:00; None: not counted.
    `both`: a Sunday that is a holiday counts as both; otherwise as a holiday only.
    """

    night: Span | None = Span(23 * 60, 30 * 60)
    sunday: Span | None = Span(0, DAY)
    holiday: Span | None = Span(0, DAY)
    both: bool = False

    def __post_init__(self) -> None:
        if any(one is not None and one.start >= DAY for one in (self.night, self.sunday, self.holiday)):
            raise BadShift("a window of night, Sunday or holiday hours begins before 24:00 of its day")
        if self.night is not None and self.night.minutes > DAY:
            raise BadShift("a night lasts at most 24 hours")


PREMIUMS = PremiumRules()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one day expects of one person.  No shift: a day off.  `rostered` False: nothing is planned.

    `leave` and `other_half`: two kinds of leave on one day are a half each; else there is `leave` only.
    """

    day: date
    shift: Shift | None = None
    holiday: str | None = None
    leave: Leave | None = None
    rostered: bool = True
    premiums: PremiumRules = PREMIUMS
    other_half: Leave | None = None

    @property
    def leaves(self) -> tuple[Leave, ...]:
        """Return every leave of the day, the first half before the second."""
        found = [one for one in (self.leave, self.other_half) if one is not None]
        return tuple(sorted(found, key=lambda one: one.half is Half.SECOND))

    @property
    def whole_leave(self) -> bool:
        return self.other_half is not None or (self.leave is not None and self.leave.half is Half.WHOLE)

    @property
    def whole_day_off(self) -> bool:
        return self.shift is None or self.holiday is not None or self.whole_leave

    @property
    def leave_share(self) -> float:
        """Return how much of a working day the leave takes: 0, 0.5 or 1.

        A holiday and a day off take none of it.  For people without a roster, Monday to Friday are working days.
        """
        works = self.shift is not None or (not self.rostered and self.day.weekday() < 5)
        if self.leave is None or self.holiday is not None or not works:
            return 0.0
        return 1.0 if self.whole_leave else 0.5


@dataclass(frozen=True, slots=True)
class Rotation:
    """A pattern of shifts that repeats from `start` to `last`; None is a day off.  A week is a pattern of seven."""

    start: date
    pattern: tuple[Shift | None, ...]
    last: date | None = None

    def shift_on(self, day: date) -> Shift | None:
        return self.pattern[(day - self.start).days % len(self.pattern)]

    def covers(self, day: date) -> bool:
        return self.start <= day and (self.last is None or day <= self.last)


@lru_cache(maxsize=1 << 16)  # the same few times of each day, for everybody
def real_time(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which the wall clock shows `minute` of the work day.

    In the hour that the clock repeats, the first of the two; in the hour that it skips, as much later
    as it skips, as `zoneinfo` reads such a time.
    """
    days, rest = divmod(minute, DAY)
    local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), zone)
    return local.astimezone(UTC)


def spans_of(plan: Plan, zone: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    """Return the shift's spans in real time, less what a half day of leave excuses."""
    if plan.shift is None:
        return ()
    spans = plan.shift.spans
    if plan.leave is not None and plan.leave.half is not Half.WHOLE:
        spans = _half(spans, plan.leave.half)
    return tuple((real_time(plan.day, one.start, zone), real_time(plan.day, one.end, zone)) for one in spans)


def _half(spans: Sequence[Span], excused: Half) -> tuple[Span, ...]:
    left = sum(one.minutes for one in spans) // 2
    first: list[Span] = []
    second: list[Span] = []
    for one in spans:
        cut = min(one.end, one.start + left)
        left -= cut - one.start
        if cut > one.start:
            first.append(Span(one.start, cut))
        if cut < one.end:
            second.append(Span(cut, one.end))
    return tuple(second if excused is Half.FIRST else first)


def hhmm(minute: int) -> str:
    """Return a wall-clock time: 09:00, or 06:00 (+1) for the day after."""
    days, rest = divmod(minute, DAY)
    return f"{rest // 60:02d}:{rest % 60:02d}" + (f" (+{days})" if days else "")


def parse_hhmm(text: str) -> int:
    """Return minutes from midnight of 8:30, 08.30 or 0830; BadShift if the text is not a valid time of day."""
    # Without a colon, too: the keypad of a phone has none.
    found = re.fullmatch(r"([0-9]{1,2})[:.]?([0-9]{2})", text.strip(), re.ASCII)
    minutes = int(found[1]) * 60 + int(found[2]) if found else -1
    if found is None or int(found[2]) > 59 or minutes > DAY:
        raise BadShift("%(text)s is not a valid time of day: write it as 08:30", text=text or Phrase("an empty field"))
    return minutes


def span_from(start: str, end: str) -> Span:
    """Return the span between two wall-clock times; an end at or before the start is on the next day."""
    first, last = parse_hhmm(start), parse_hhmm(end)
    return Span(first, last if last > first else last + DAY)


def to_json(shift: Shift) -> dict[str, Any]:
    return {
        "name": shift.name,
        "kind": shift.kind.value,
        "spans": [[one.start, one.end] for one in shift.spans],
        "required": shift.required,
        "grace": [shift.grace_in, shift.grace_out],
        "breaks": [{"minutes": one.minutes, "after": one.after, "paid": one.paid} for one in shift.breaks],
        "rounding": {"step": shift.rounding.step, "mode": shift.rounding.mode.value},
        "window": [shift.window_before, shift.window_after],
        "half_below": shift.half_below,
        "absent_below": shift.absent_below,
        "clip_early": shift.clip_early,
        "forgotten": shift.forgotten.value,
        "tiers": [[one.after, one.rate] for one in shift.tiers],
        "weekly": [[one.after, one.rate] for one in shift.weekly],
        "counting": shift.counting.value,
    }


def from_json(value: Mapping[str, Any]) -> Shift:
    return Shift(
        name=value["name"],
        kind=Kind(value["kind"]),
        spans=tuple(Span(start, end) for start, end in value["spans"]),
        required=value["required"],
        grace_in=value["grace"][0],
        grace_out=value["grace"][1],
        breaks=tuple(Break(**one) for one in value["breaks"]),
        rounding=Rounding(value["rounding"]["step"], Mode(value["rounding"]["mode"])),
        window_before=value["window"][0],
        window_after=value["window"][1],
        half_below=value["half_below"],
        absent_below=value["absent_below"],
        clip_early=value["clip_early"],
        forgotten=Forgotten(value["forgotten"]),
        tiers=tuple(Tier(after, rate) for after, rate in value["tiers"]),
        weekly=tuple(Tier(after, rate) for after, rate in value["weekly"]),
        counting=Counting(value.get("counting", Counting.PAIRS.value)),  # shifts of older releases lack it
    )
