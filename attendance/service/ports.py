"""What the services need from hardware, time and networks, as signatures.

In: nothing.  Out: Protocols; their one exception.
Does not know: who implements them (`vision`, `daemon`, and the fakes of the tests).
Main choice: a port only where something outside the process sits; the database is none, because
the real one runs in every test.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from attendance.domain.faces import Frame, Probe


class DoorFault(Exception):
    """The door did not do what it was told; its text says what is known."""


class Analyser(Protocol):
    """Pixels to probes."""

    @property
    def model_id(self) -> str:
        """The recogniser whose templates come out."""
        ...

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds of each stage of the last call."""
        ...

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        """The faces of the frame, largest first; empty when there is none."""
        ...


class Camera(Protocol):
    def read(self, timeout: float) -> Frame | None:
        """The newest frame, waiting for it at most `timeout` seconds; None when none came."""
        ...

    def close(self) -> None: ...


class Door(Protocol):
    @property
    def name(self) -> str: ...

    def unlock(self, seconds: float) -> None:
        """Release the door for `seconds`; the driver itself must end it.  Raises DoorFault."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...
