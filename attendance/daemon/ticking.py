"""A thread beside a camera's loop that does one small step again and again.

In: a step.  Out: it is done until `stop`.
Does not know: what a step is for.
Main choice: a thread of its own for each, so that a device or server that hangs delays no picture.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from attendance.service.access.check_in import Outcome

_LONGEST_END_S = 5.0  # a step that hangs is not waited for longer


class Ticking(ABC):
    """Begins with `start` and ends with `stop`, as `Worker` calls them."""

    def __init__(self, name: str) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def tick(self) -> float:
        """Do one step; return the seconds until the next one."""

    def start(self) -> None:
        self._thread.start()

    def observe(self, outcomes: Sequence[Outcome], timings: Mapping[str, float], /) -> None:  # noqa: B027  may be left
        """Take no notice of what the camera saw."""

    def stop(self) -> None:
        """End the steps."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(_LONGEST_END_S)

    def _run(self) -> None:
        while not self._ended.wait(self.tick()):
            pass
