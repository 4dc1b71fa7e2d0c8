"""Turns at the networks, for several cameras of one program: whoever has waited longest is next.

In: an analyser that all cameras share, how many may use it at once.  Out: the analyser of one camera.
Does not know: networks, pictures, doors.
Main choice: first come, first served.  Each camera waits with one picture at most, so that a camera at which people
stand all day cannot starve another: after each look it is last in the row.  Trade-off: with many cameras all wait
alike, and each then looks at fewer pictures, the newest ones.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

from attendance.domain.faces import Frame, Probe
from attendance.service.ports import Analyser


class Turns:
    """`places`: how many may have their turn at once, at least 1."""

    def __init__(self, places: int) -> None:
        if places < 1:
            raise ValueError("at least one place")
        self._free = places
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, have it during the block, and give it on, however the block ends."""
        called = threading.Event()
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                called.set()
            else:
                self._waiting.append(called)
        called.wait()
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().set()  # the place goes on at once: nobody can come in between
                else:
                    self._free += 1


class InTurn:
    """The shared analyser, as one camera sees it."""

    def __init__(self, inner: Analyser, turns: Turns) -> None:
        self._inner, self._turns = inner, turns
        self._timings: Mapping[str, float] = {}

    @property
    def model_id(self) -> str:
        return self._inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        """Those of this camera's newest picture, and the milliseconds that it waited for its `turn`."""
        return self._timings

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        begun = perf_counter()
        with self._turns.turn():
            waited = (perf_counter() - begun) * 1000
            probes = self._inner.analyse(frame, max_faces)
            self._timings = {"turn": waited, **self._inner.timings}
        return probes
