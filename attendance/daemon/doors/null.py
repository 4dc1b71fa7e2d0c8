"""A driver that unlocks nothing and says so: for attendance without a lock, and for a first try.

In: the door's name.  Out: a line in the log for each unlock.
Does not know: any hardware.
"""

from __future__ import annotations

import logging

from attendance.daemon.doors.driver import Lock

log = logging.getLogger(__name__)


class NullDoor(Lock):
    """Unlocks nothing and says so: for attendance without a lock, and for trying things out."""

    def __init__(self, name: str) -> None:
        self._name = name

    def pulse(self, seconds: float) -> str:
        log.info("door %s: would be unlocked for %g s (the null driver moves nothing)", self._name, seconds)
        return ""
