"""A day of one person: what passages were taken for, and the figures that follow from them.

In: nothing.  Out: the types that timesheet and workday fill, with the words for them.
Does not know: how any of it is found.
Main choice: durations are whole seconds of real time; minutes are made where somebody reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from attendance.domain.hours.shift import Plan
from attendance.domain.passage import Direction

CLOCK_SLACK = timedelta(minutes=2)


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

    @property
    def words(self) -> str:
        return _STATUS[self][0]

    @property
    def letter(self) -> str:
        """For the monthly register."""
        return _STATUS[self][1]


_STATUS = {
    Status.UPCOMING: ("to come", ""),
    Status.EXPECTED: ("expected", ""),
    Status.PRESENT: ("here now", "•"),
    Status.WORKED: ("worked", "P"),
    Status.HALF_DAY: ("half a day", "½"),
    Status.ABSENT: ("absent", "A"),
    Status.LEAVE: ("on leave", "L"),
    Status.HOLIDAY: ("holiday", "H"),
    Status.OFF: ("day off", "·"),
    Status.UNPLANNED: ("no roster", "–"),
}


class Flag(StrEnum):
    """What somebody should look at."""

    LATE = "late"
    EARLY = "early"
    MISSING_OUT = "missing_out"
    MISSING_IN = "missing_in"
    REPEAT = "repeat"
    WRONG_CLOCK = "wrong_clock"
    FUTURE = "future"
    ON_DAY_OFF = "on_day_off"
    IN_DOUBT = "in_doubt"
    CORRECTED = "corrected"

    @property
    def words(self) -> str:
        return _FLAGS[self]


_FLAGS = {
    Flag.LATE: "late",
    Flag.EARLY: "left early",
    Flag.MISSING_OUT: "no check-out",
    Flag.MISSING_IN: "no check-in",
    Flag.REPEAT: "double check-in ignored",
    Flag.WRONG_CLOCK: "the clock was wrong",
    Flag.FUTURE: "a time in the future: check the camera's clock",
    Flag.ON_DAY_OFF: "worked on a day off",
    Flag.IN_DOUBT: "direction inferred",
    Flag.CORRECTED: "corrected",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that hold for every shift.

    `debounce`: within so much, the same direction again is the same passage.  `longest`: nobody is
    there for longer; a later passage is a new arrival.  `clock_slack`: how far an event's own clock
    may be from when it was recorded, and into the future.
    """

    debounce: timedelta = timedelta(seconds=60)
    longest: timedelta = timedelta(hours=16)
    clock_slack: timedelta = CLOCK_SLACK


@dataclass(frozen=True, slots=True)
class Punch:
    """One granted passage, or one that a correction added.

    `at`: aware UTC.  `recorded_at`: when it was written, by another clock if there is one.
    `corrected`: it comes from an approved correction.
    """

    id: str
    at: datetime
    direction: Direction = Direction.UNKNOWN
    source: str = ""
    recorded_at: datetime | None = None
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Inference:
    """What a passage was taken for, and why.  `in_doubt`: the person had better be asked."""

    sense: Sense
    reason: str
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """A punch and what became of it; `inference` None: it was not counted, and `note` says why."""

    punch: Punch
    inference: Inference | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Spell:
    """A person was there from `start` to `end` (aware UTC).

    `end` None: still there.  `by_rule`: nobody saw the end; a rule set it, and `reason` says which.
    """

    start: datetime
    end: datetime | None
    by_rule: bool = False
    reason: str = ""

    def seconds(self, now: datetime) -> int:
        return max(0, int(((self.end or now) - self.start).total_seconds()))


@dataclass(frozen=True, slots=True)
class Day:
    """One work day of one person, durations in seconds of real time.

    `presence` = the spells · `worked` = `presence` + `adjusted` + `paid_break` − `auto_break` ·
    `portions` add up to `worked`.  `adjusted`: what rounding and early arrivals add (+) or take (−).
    `expected`: what the plan asks for.  `balance` is for finished days.
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
    portions: tuple[tuple[float, int], ...] = ()

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
        return bool(self.spells) and self.spells[-1].end is None

    @property
    def overtime(self) -> int:
        return sum(seconds for rate, seconds in self.portions if rate > 1)

    @property
    def balance(self) -> int:
        return self.worked - self.expected

    @property
    def reasons(self) -> tuple[str, ...]:
        """What was inferred or closed by a rule, in words."""
        # What was not counted at all is said by its flag.
        notes = [one.note for one in self.used if one.inference is not None and one.note]
        notes += [one.inference.reason for one in self.used if one.inference and one.inference.in_doubt]
        return tuple(dict.fromkeys(notes + [one.reason for one in self.spells if one.by_rule]))
