"""What is recorded when somebody passed, or was refused; when two check-ins are one.

In: a settled decision's numbers, place and time.  Out: `Passage`; whether it repeats an earlier one.
Does not know: the database, the door, the clock; the service makes the ids.
Main choice: a refusal is a passage too, without a person.  One log holds the whole story of a door,
and a refusal never names whom somebody resembled.  It names a person only if that person was identified and a rule of
the door refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from attendance.domain.reason import Reason


class Direction(StrEnum):
    """The direction that a camera or tablet records; stored by value: never rename one."""

    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"


class Method(StrEnum):
    """How the person was identified; stored by value: never rename one."""

    FACE = "face"
    PIN = "pin"
    BADGE = "badge"
    TERMINAL = "terminal"  # another maker's, taken in from its file


@dataclass(frozen=True, slots=True)
class Passage:
    """One decision at one access point: a camera or a tablet.

    `id`: UUIDv7 text · `at`: aware UTC · `person_id`: None if refused, and after the person was
    erased · scores and threshold: raw cosines · `frames`: how many looks agreed · `margin`: the lead over
    the runner-up that was asked for; None where none was asked, or not recorded then · `measured`: the value
    that made a picture too poor, in the unit of `Quality`, else None · `repeat_of`: the id of the granted
    passage that this one repeats, so that hours count both as one; None for a passage of its own ·
    `clock_doubt`: the computer's clock was implausible when it was recorded, so that `at` may be wrong ·
    `received_at`: when a tablet's event reached the site, None where it was recorded as it happened · `late`: it came
    too late, or out of order, to count without approval · `counter`, `sequence`: the tablet's own count of its events ·
    `door_id`: the door that was asked for, None at a tablet without one · `rule`: the question that refused or the
    right that let pass, None before there were rules · `policy_version`: of the rules · `marks`: words of `Mark`,
    joined by + · `phase`: "taken" or "not_taken" once a contact showed it · `for_hours`: it counts as working time;
    False for a face whose person agrees to access only.
    A PIN or badge has no scores, no frames and no model.
    Raises ValueError when granted without a match, when a refusal names a person although no rule refused, or repeats
    a passage, and for a time that is not UTC.
    """

    id: str
    at: datetime
    camera: str
    person_id: int | None
    granted: bool
    reason: Reason
    score: float | None
    runner_up: float | None
    threshold: float | None
    model_id: str
    gallery_version: int
    frames: int
    direction: Direction
    method: Method = Method.FACE
    margin: float | None = None
    measured: float | None = None
    repeat_of: str | None = None
    clock_doubt: bool = False
    received_at: datetime | None = None
    late: bool = False
    counter: str | None = None
    sequence: int | None = None
    door_id: int | None = None
    rule: str | None = None
    policy_version: int | None = None
    marks: str = ""
    phase: str | None = None
    for_hours: bool = True

    def __post_init__(self) -> None:
        if self.granted is not (self.reason is Reason.MATCHED):
            raise ValueError(f"a passage is granted exactly when matched, not {self.granted} for {self.reason}")
        if not self.granted and self.person_id is not None and not self.reason.by_rule:
            raise ValueError("a refusal names nobody, unless a rule refused")
        if not self.granted and self.repeat_of is not None:
            raise ValueError("a refusal repeats nothing")
        if self.late and (self.received_at is None or self.repeat_of is not None):
            raise ValueError("what came late has a time of arrival, and repeats nothing")
        if self.at.utcoffset() != timedelta(0):
            raise ValueError("a passage's time is aware UTC")


CAME_LATE = timedelta(minutes=1)  # a tablet whose line is up needs seconds
# A tablet gives up an answer after 8 seconds, and keeps the event until its line is up again.
AT_ONCE = timedelta(seconds=10)
# A door moves so soon after the site heard of the request, or not at all: whoever asked has left.
YOUNG = timedelta(seconds=3)


def waited(passage: Passage) -> bool:
    """Return whether a tablet kept the event, so that whoever proved something is no longer before it."""
    return passage.received_at is not None and abs(passage.received_at - passage.at) > AT_ONCE


def came_late(passage: Passage) -> bool:
    """Return whether the event waited in its tablet, so that its time is the tablet's word."""
    return passage.received_at is not None and passage.received_at - passage.at > CAME_LATE


def is_repeat(passage: Passage, earlier: Passage, cooldown: timedelta) -> bool:
    """Return whether both count as one check-in: same person and direction, less than `cooldown` apart.

    The distance counts and not the order: if a clock is set back by an hour, nobody who comes in the next
    hour is a repeat.  An unknown direction fits any, at either of the two; coming and going are two check-ins,
    because somebody may say "in" at a tablet and leave a moment later.  What counts as working time repeats nothing
    that does not.
    """
    if passage.for_hours and not earlier.for_hours:
        return False
    same_person = passage.person_id is not None and passage.person_id == earlier.person_id
    near = repeats(passage.direction, earlier.direction, passage.at - earlier.at, cooldown)
    return same_person and near


def repeats(direction: Direction, earlier: Direction, apart: timedelta, cooldown: timedelta) -> bool:
    """Return whether two check-ins of one person that are `apart` in time count as one.

    An unknown direction fits any, whichever of the two has it; coming and going are two check-ins.
    """
    same_way = direction is earlier or Direction.UNKNOWN in (direction, earlier)
    return same_way and abs(apart) < cooldown
