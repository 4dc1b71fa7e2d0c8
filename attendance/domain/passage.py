"""What is written down when somebody passed, or did not.

In: a settled decision's numbers, where and when.  Out: `Passage`; whether it repeats an earlier one.
Does not know: the database, the door, the clock; ids are made by the service.
Main choice: a refusal is a passage too, without a person: one log tells the whole story of a door,
and a refusal never names whom somebody resembled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from attendance.domain.reason import Reason


class Direction(StrEnum):
    """Which way the camera looks.  Stored by value: never rename one."""

    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"


class Method(StrEnum):
    """How the person was identified.  Stored by value: never rename one."""

    FACE = "face"
    PIN = "pin"
    BADGE = "badge"


@dataclass(frozen=True, slots=True)
class Passage:
    """One event at one camera.

    `id`: UUIDv7 text · `at`: aware UTC · `person_id`: None when refused, and after the person was
    erased · scores and threshold: raw cosines · `frames`: how many looks agreed · `margin`: how far
    ahead of the runner-up the best had to be, None where that was not asked, or not written down then ·
    `measured`: what was wrong with a poor picture, in the unit of `Quality`, None for others.
    Made by a PIN or badge it has no scores, no frames and no model.
    Raises ValueError when granted without a match, when a refusal names a person, and for a time
    that is not UTC.
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

    def __post_init__(self) -> None:
        if self.granted is not (self.reason is Reason.MATCHED):
            raise ValueError(f"a passage is granted exactly when matched, not {self.granted} for {self.reason}")
        if not self.granted and self.person_id is not None:
            raise ValueError("a refusal names nobody")
        if self.at.utcoffset() != timedelta(0):
            raise ValueError("a passage's time is aware UTC")


def is_repeat(previous_at: datetime | None, at: datetime, cooldown: timedelta) -> bool:
    """Whether `at` is the same passage as one at `previous_at`: less than `cooldown` away.

    By distance and not by order: a clock that was set back by an hour must not turn everybody
    who comes in the next hour into a repeat.
    """
    return previous_at is not None and abs(at - previous_at) < cooldown
