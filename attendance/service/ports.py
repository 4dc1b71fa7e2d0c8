"""What the services need from hardware, time and networks, as signatures.

In: nothing.  Out: Protocols; their one exception.
Does not know: who implements them (`vision`, `daemon`, and the fakes of the tests).
Main choice: a port only for what is outside the process.  The database has none, because the real one
runs in every test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.door_state import Inputs
from attendance.domain.faces import Box, Frame, Probe


class DoorFault(Exception):
    """The door did not do as asked, for certain; its text says what is known."""


class DoorUnknown(DoorFault):
    """The door was asked, and whether it did so is not known: no answer in time, a fault half-way."""


class PulseOutcome(StrEnum):
    """How an unlock ended."""

    PULSED = "pulsed"  # the device confirmed it
    REFUSED = "refused"  # the door stayed shut, for certain
    UNKNOWN = "unknown"  # it was asked, and nobody can say whether it moved


@dataclass(frozen=True, slots=True)
class Pulse:
    """The answer to an unlock.  `detail`: why not, or what the device said; never a secret."""

    outcome: PulseOutcome
    detail: str = ""

    @property
    def done(self) -> bool:
        return self.outcome is PulseOutcome.PULSED


class Analyser(Protocol):
    """Pixels to probes."""

    @property
    def model_id(self) -> str:
        """Name the recogniser whose templates come out."""
        ...

    @property
    def timings(self) -> Mapping[str, float]:
        """Return the milliseconds of each stage of the last call."""
        ...

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        """Return the faces of the frame, largest first; empty if there is none."""
        ...


class LivenessLook(Protocol):
    """One face of a picture to a logit."""

    @property
    def model_id(self) -> str:
        """Name the network."""
        ...

    @property
    def operating_points(self) -> Mapping[str, object]:
        """Return the numbers of the operating point that came with it; empty if it has none."""
        ...

    def look(self, image: NDArray[np.uint8], box: Box) -> float:
        """Return a logit: above 0 a living face, below 0 a picture of one."""
        ...


class Camera(Protocol):
    def read(self, timeout: float) -> Frame | None:
        """Return the newest frame, waiting at most `timeout` seconds for it; None if none came."""
        ...

    def close(self) -> None: ...


class Door(Protocol):
    """A lock and what is wired beside it.  Calls end within about two seconds, whatever the device does."""

    @property
    def name(self) -> str: ...

    @property
    def pulse_in_device(self) -> bool:
        """Return whether the device itself ends a pulse, even if this computer loses power meanwhile."""
        ...

    @property
    def readable(self) -> bool:
        """Return whether `inputs` tells anything: a contact, a button, or whether the device answers at all."""
        ...

    def unlock(self, seconds: float, passage: str = "") -> Pulse:
        """Release the door for `seconds`; the driver ends it.  Asked of the device once, never again.

        `passage`: the id of the granted passage, by which its taking is told later; "" for an operator's act.
        """
        ...

    def prepare(self) -> Sequence[str]:
        """Set or check that the device is off after a power cut; return what the operator should know.

        Raises DoorFault if the device cannot be reached.
        """
        ...

    def inputs(self) -> Inputs:
        """Return what the device sees now.  Raises DoorFault if it cannot be reached or makes no sense."""
        ...

    def close(self) -> None:
        """End a pulse that this computer must end, and let go of the device."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        ...


def doubt_about(clock: Clock) -> str:
    """Return why this clock is not believed now, "" while it is; a clock that cannot doubt itself is believed."""
    return str(getattr(clock, "doubt", ""))


def mark_of(clock: Clock) -> str:
    """Return a text from which `age_since` knows an age by a monotonic clock, "" if this clock has none."""
    make = getattr(clock, "mark", None)
    return "" if make is None else str(make())


def age_since(clock: Clock, mark: str, at: datetime) -> timedelta | None:
    """Return how long ago `mark` and `at` were: by the monotonic clock where it went on since, else by the wall clock.

    None if only an implausible wall clock could tell.
    """
    read = getattr(clock, "age_of", None)
    age = None if read is None or not mark else read(mark)
    if isinstance(age, timedelta):
        return age
    return None if doubt_about(clock) else clock.now() - at
