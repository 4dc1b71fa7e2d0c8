"""Stand-ins at the ports: a clock, a door and an analyser that do what a test tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.door_state import Inputs
from attendance.domain.faces import Box, Frame, Probe
from attendance.domain.reason import Reason
from attendance.service.ports import DoorFault, Pulse, PulseOutcome
from tests import factories


class FakeClock:
    """Stands still until told to move; `doubt`: why it is not believed."""

    def __init__(self, start: datetime = factories.NOON) -> None:
        self.time = start
        self.doubt = ""

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class FakeDoor:
    """Remembers each unlocking; `broken` makes it fail like a relay that does not answer."""

    def __init__(self, name: str = "front door") -> None:
        self.name = name
        self.pulse_in_device = self.readable = True
        self.seen = Inputs()
        self.unlocked: list[float] = []
        self.broken: Exception | None = None

    def unlock(self, seconds: float, passage: str = "") -> Pulse:
        if self.broken is not None:
            raise self.broken
        self.unlocked.append(seconds)
        return Pulse(PulseOutcome.PULSED)

    def prepare(self) -> Sequence[str]:
        return ()

    def inputs(self) -> Inputs:
        if self.broken is not None:
            raise self.broken
        return self.seen

    def close(self) -> None:
        pass

    def break_down(self, text: str = "no answer from the relay") -> None:
        self.broken = DoorFault(text)


class FakeAnalyser:
    """Takes the colour of a picture for a face: one colour is one person, black is nobody.

    Two halves of two colours are two faces.  `flaws` are given to every face; `error` is raised.
    """

    def __init__(self, model_id: str = factories.MODEL) -> None:
        self.model_id = model_id
        self.flaws: tuple[Reason, ...] = ()
        self.error: Exception | None = None
        self.timings: Mapping[str, float] = {"detect": 1.0, "embed": 2.0}

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        if self.error is not None:
            raise self.error
        height, width = frame.image.shape[:2]
        left, right = frame.image[:, : width // 2], frame.image[:, width // 2 :]
        if np.abs(_colour(left) - _colour(right)).max() < 8:
            halves = [(frame.image, Box(0.2 * width, 0.1 * height, 0.8 * width, 0.9 * height))]
        else:
            halves = [
                (left, Box(0.05 * width, 0.1 * height, 0.45 * width, 0.9 * height)),
                (right, Box(0.55 * width, 0.1 * height, 0.95 * width, 0.9 * height)),
            ]
        probes = []
        for half, box in halves:
            if _colour(half).max() > 16:
                vector = factories.vector_of(tuple(round(value / 8) for value in _colour(half)))
                probes.append(factories.make_probe(vector, box=box, flaws=self.flaws, model_id=self.model_id))
        return probes[:max_faces]


def _colour(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    colour: NDArray[np.float64] = image.reshape(-1, 3).mean(axis=0)
    return colour


class FakeSession:
    """A network that gives the same outputs for every image; remembers what it was shown."""

    def __init__(self, outputs: Mapping[str, NDArray[np.float32]]) -> None:
        self.outputs = dict(outputs)
        self.seen: list[NDArray[np.float32]] = []

    def run(self, image: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        self.seen.append(image)
        return self.outputs
