"""The thread that moves a door for what was granted at a tablet beside it, or by a schedule or operator.

In: a `Relay` and a `Standing`.  Out: their steps, until it is stopped.
Does not know: what is granted.
Main choice: one thread a door, so that a device that hangs does not delay the camera.  Trade-off: a few small queries
four times a second.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence

from attendance.service.access.check_in import Outcome
from attendance.service.access.doors.relay import Relay
from attendance.service.access.doors.standing import Standing

log = logging.getLogger(__name__)

EVERY_S = 0.25
AFTER_FAULT_S = 2.0


class Relaying:
    """Start with `start`, end with `stop`."""

    def __init__(self, relay: Relay, standing: Standing, name: str) -> None:
        self._relay, self._standing = relay, standing
        self._ended = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name=f"relay {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def observe(self, outcomes: Sequence[Outcome], timings: Mapping[str, float], /) -> None:
        """Take no notice: what the camera saw moves the door by itself."""

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def step(self) -> bool:
        """Look once; return whether the database answered.  Logs a lasting fault once."""
        try:
            self._relay.step()
            self._standing.step()
        except Exception as error:  # the database is away: nothing was granted there either
            text = f"{type(error).__name__}: {error}"
            if text != self._trouble:
                log.warning("what tablets granted and how the door is held cannot be read: %s", text)
            self._trouble = text
            return False
        self._trouble = ""
        return True

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S if self.step() else AFTER_FAULT_S):
            pass
