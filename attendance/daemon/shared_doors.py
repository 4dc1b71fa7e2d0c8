"""Doors of one program, each with one connection, however many of its cameras stand at it.

In: what makes a door and what serves it.  Out: the same door for each camera of it, until the last one ends.
Does not know: drivers, brokers, cameras.
Main choice: two watchers of one door would each take the other's grants for a forced door, and many devices allow few
connections.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence

from attendance.daemon.worker import Beside
from attendance.service.access.check_in import Outcome
from attendance.service.ports import Door


class SharedDoors:
    def __init__(self) -> None:
        self._there: dict[Hashable, _Kept] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], tuple[Door, Sequence[Beside]]]) -> tuple[Door, Sequence[Beside]]:
        """Return the door with this key, made if nobody has it yet, and what one camera starts and ends to serve it.

        Raises what `make` raises.
        """
        with self._lock:
            kept = self._there.get(key)
            if kept is None:
                kept = self._there[key] = _Kept(*make())
            kept.users += 1
            return kept.door, (_Share(self, key, kept),)

    def leave(self, key: Hashable, kept: _Kept) -> None:
        with self._lock:
            kept.users -= 1
            if kept.users:
                return
            if self._there.get(key) is kept:
                del self._there[key]
        for one in kept.beside:
            one.stop()


class _Kept:
    def __init__(self, door: Door, beside: Sequence[Beside]) -> None:
        self.door, self.beside = door, beside
        self.users, self.started = 0, False
        self.lock = threading.Lock()


class _Share:
    """One camera's part in what serves the door: begun by the first camera, ended by the last."""

    def __init__(self, doors: SharedDoors, key: Hashable, kept: _Kept) -> None:
        self._doors, self._key, self._kept, self._left = doors, key, kept, False

    def start(self) -> None:
        with self._kept.lock:
            if not self._kept.started:
                self._kept.started = True
                for one in self._kept.beside:
                    one.start()

    def observe(self, outcomes: Sequence[Outcome], timings: Mapping[str, float], /) -> None:
        for one in self._kept.beside:
            one.observe(outcomes, timings)

    def stop(self) -> None:
        if not self._left:
            self._left = True
            self._doors.leave(self._key, self._kept)
