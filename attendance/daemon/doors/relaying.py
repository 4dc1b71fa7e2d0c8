"""The thread that moves a door for what was granted at a tablet beside it, or by a schedule or operator.

In: a `Relay` and a `Standing`.  Out: their steps, until it is stopped.
Does not know: what is granted.
Main choice: one thread a door, so that a device that hangs does not delay the camera.  Trade-off: a few small queries
four times a second.
"""

from __future__ import annotations

import logging

from attendance.daemon.ticking import Ticking
from attendance.service.access.doors.relay import Relay
from attendance.service.access.doors.standing import Standing

log = logging.getLogger(__name__)

EVERY_S = 0.25
AFTER_FAULT_S = 2.0


class Relaying(Ticking):
    def __init__(self, relay: Relay, standing: Standing, name: str) -> None:
        super().__init__(f"relay {name}")
        self._relay, self._standing = relay, standing
        self._trouble = ""

    def tick(self) -> float:
        return EVERY_S if self.step() else AFTER_FAULT_S

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
