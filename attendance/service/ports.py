"""What the services need from hardware, time and networks, as signatures.

In: nothing.  Out: Protocols; their one exception.
Does not know: who implements them (`vision`, `daemon`, and the fakes of the tests).
Main choice: a port only for what is outside the process.  The database has none, because the real one
runs in every test.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from attendance.domain.faces import Frame, Probe


class DoorFault(Exception):
    """The door did not unlock as asked; its text says what is known."""


class DoorUnknown(DoorFault):
    """The door was asked, and whether it unlocked is not known: no answer in time, a fault half-way."""


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


class Camera(Protocol):
    def read(self, timeout: float) -> Frame | None:
        """Return the newest frame, waiting at most `timeout` seconds for it; None if none came."""
        ...

    def close(self) -> None: ...


class Door(Protocol):
    @property
    def name(self) -> str: ...

    def unlock(self, seconds: float) -> None:
        """Release the door for `seconds`; the driver itself must end it.

        Raises DoorFault if it stayed shut for certain, and DoorUnknown if the driver cannot tell.
        """
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the present instant, aware UTC."""
        ...
