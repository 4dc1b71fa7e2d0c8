"""A day of one person: what passages were taken for, and the figures that follow from them.

In: nothing.  Out: the types that timesheet and workday fill; what an unfinished day is; which days want a look.
Does not know: how any of it is found, and the words for it (service/hours/day_words.py).
Main choice: durations are in seconds of real time.  A day's figures are whole minutes of them, cut once (workday),
so that every sum is the sum of what is printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar, dataclass_transform

from attendance.domain.hours.shift import Plan
from attendance.domain.passage import Direction

CLOCK_SLACK = timedelta(minutes=2)

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Return the class as a dataclass for values of which a report makes 100,000.

    mypy refuses every assignment to a field, as in a frozen dataclass; at run time nothing checks it, because writing
    a frozen field takes ten times as long.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Sense(StrEnum):
    IN = "in"
    OUT = "out"


class Status(StrEnum):
    """What a day came to.  Stored by value in roll-ups."""

    UPCOMING = "upcoming"
    EXPECTED = "expected"
    PRESENT = "present"
    WORKED = "worked"
    HALF_DAY = "half_day"
    ABSENT = "absent"
    LEAVE = "leave"
    HOLIDAY = "holiday"
    OFF = "off"
    UNPLANNED = "unplanned"
    INCOMPLETE = "incomplete"


_AHEAD = frozenset({Status.UPCOMING, Status.EXPECTED})


class Flag(StrEnum):
    """What is special about a day.  Stored by value in roll-ups; reports list flags in this order."""

    LATE = "late"
    EARLY = "early"
    MISSED = "missed"
    MISSING_OUT = "missing_out"
    MISSING_IN = "missing_in"
    UNSETTLED = "unsettled"
    DOUBLE_PUNCH = "double_punch"
    REPEAT = "repeat"
    WRONG_CLOCK = "wrong_clock"
    CAME_LATE = "came_late"
    FUTURE = "future"
    ON_DAY_OFF = "on_day_off"
    IN_DOUBT = "in_doubt"
    CORRECTED = "corrected"

    @property
    def wants_look(self) -> bool:
        """Whether the figures of a day with this flag may be wrong, so that a person must look at it."""
        return self in _LOOK


_LOOK = frozenset(
    {
        Flag.MISSED,
        Flag.MISSING_OUT,
        Flag.MISSING_IN,
        Flag.UNSETTLED,
        Flag.DOUBLE_PUNCH,
        Flag.WRONG_CLOCK,
        Flag.FUTURE,
    }
)


class Cause(StrEnum):
    """Why a passage was taken for a way in or out."""

    DOOR_IN = "door_in"
    DOOR_OUT = "door_out"
    IN_TOO_LONG = "in_too_long"
    NEW_SHIFT = "new_shift"
    WAS_IN = "was_in"
    SHIFT_ENDS = "shift_ends"
    WAS_OUT = "was_out"
    FIRST = "first"
    LAST = "last"
    NOT_COUNTED = "not_counted"


class Note(StrEnum):
    """Why a passage was not counted, or counts for nothing."""

    FUTURE = "future"
    REPEAT = "repeat"
    STILL_IN = "still_in"
    NO_CHECK_IN = "no_check_in"
    BETWEEN = "between"


class Rule(StrEnum):
    """Which rule ended a spell whose check-out never came."""

    SHIFT_END = "shift_end"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that hold for every shift.

    `debounce`: within this time, the same direction again is the same passage; 0: never.  `stutter`: from here
    on, a repetition without a direction is flagged, since the person may have turned round.  `longest`: nobody is
    there for so long; a later passage is a new arrival.  `doubtful`: longer than this, with neither roster nor
    direction, in and out may be the wrong way round.  `clock_slack`: how far an event's own clock
    may differ from when it was recorded, and how far it may run ahead.
    """

    debounce: timedelta = timedelta(seconds=120)
    stutter: timedelta = timedelta(seconds=60)
    longest: timedelta = timedelta(hours=16)
    # Eleven hours of rest are left of a day.
    doubtful: timedelta = timedelta(hours=13)
    clock_slack: timedelta = CLOCK_SLACK


@value
class Punch:
    """One granted passage, or one that a correction added.

    `at`: aware UTC.  `recorded_at`: when it was written, by another clock if there is one.
    `corrected`: it comes from an approved correction.  `came_late`: it waited in its tablet, whose word its time is.
    """

    id: str
    at: datetime
    direction: Direction = Direction.UNKNOWN
    source: str = ""
    recorded_at: datetime | None = None
    corrected: bool = False
    came_late: bool = False


@value
class Inference:
    """What a passage was taken for, and why.

    `since`: when the person came in, where the cause refers to it (aware UTC).  `in_doubt`: better ask the person.
    """

    sense: Sense
    cause: Cause
    since: datetime | None = None
    in_doubt: bool = False


@value
class Used:
    """A punch and what became of it.  `inference` None: it was not counted, and `note` says why."""

    punch: Punch
    inference: Inference | None
    note: Note | None = None


@value
class Spell:
    """A person was there from `start` to `end` (aware UTC).

    `end` None: still there.  `rule`: the check-out is missing, and this rule set the end.
    """

    start: datetime
    end: datetime | None
    rule: Rule | None = None

    @property
    def running(self) -> bool:
        return self.end is None

    def seconds(self, now: datetime) -> int:
        return max(0, int(((self.end or now) - self.start).total_seconds()))


@value
class Part:
    """One part of a shift in real time (aware UTC), and what was missing from it, in seconds.

    `missed`: the whole part, because nobody was there; then it is neither late nor early.
    """

    start: datetime
    end: datetime
    late: int = 0
    early: int = 0
    missed: int = 0


@value
class Day:
    """One work day of one person, durations in seconds of real time, each a multiple of 60.

    `presence` = the spells · `worked` = `presence` + `adjusted` + `paid_break` − `auto_break` ·
    `portions` add up to `worked`.  `adjusted`: what rounding and early arrivals add (+) or take (−).
    `night`, `sunday`, `holiday`: how much of `worked` fell into the windows of `plan.premiums`, in whole minutes.
    `expected`: what the plan asks for.  `late`, `early`, `missed`: the sums of the `parts`.
    `balance` is meant for finished days.  `over`: the shift had ended when
    the day was computed; without a shift, the calendar day had.
    """

    plan: Plan
    status: Status
    spells: tuple[Spell, ...] = ()
    used: tuple[Used, ...] = ()
    flags: frozenset[Flag] = frozenset()
    presence: int = 0
    adjusted: int = 0
    paid_break: int = 0
    auto_break: int = 0
    worked: int = 0
    expected: int = 0
    late: int = 0
    early: int = 0
    missed: int = 0
    parts: tuple[Part, ...] = ()
    portions: tuple[tuple[float, int], ...] = ()
    night: int = 0
    sunday: int = 0
    holiday: int = 0
    over: bool = True

    @property
    def day(self) -> date:
        return self.plan.day

    @property
    def first_in(self) -> datetime | None:
        return self.spells[0].start if self.spells else None

    @property
    def last_out(self) -> datetime | None:
        return self.spells[-1].end if self.spells else None

    @property
    def here_now(self) -> bool:
        """Whether the last spell is still running."""
        return bool(self.spells) and self.spells[-1].running

    @property
    def ahead(self) -> bool:
        """Whether nobody has come yet and the shift can still be worked: nothing is owed so far."""
        return self.status in _AHEAD

    @property
    def finished(self) -> bool:
        """Whether the day's figures will stay: its shift has ended, and the person is not here any more.

        Totals cover finished days, in every column.
        """
        return self.over and not self.ahead and self.status is not Status.PRESENT

    @property
    def wants_look(self) -> bool:
        """Whether a person must look at this day.  Pages, reports and mails all ask here."""
        return any(flag.wants_look for flag in self.flags)

    @property
    def overtime(self) -> int:
        return sum(seconds for rate, seconds in self.portions if rate > 1)

    @property
    def balance(self) -> int:
        return self.worked - self.expected
