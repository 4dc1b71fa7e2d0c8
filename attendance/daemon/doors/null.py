"""A driver that unlocks nothing and says so: for attendance without a lock, and for a first try.

In: the `[door]` settings.  Out: a line in the log for each unlock.
Does not know: any hardware.
"""

from __future__ import annotations

import logging

from attendance.config import DoorSettings

log = logging.getLogger(__name__)


class NullDoor:
    """Unlocks nothing and says so: for attendance without a lock, and for trying things out."""

    def __init__(self, settings: DoorSettings) -> None:
        self.name = settings.name

    def unlock(self, seconds: float) -> None:
        log.info("door %s: would be unlocked for %g s (the null driver moves nothing)", self.name, seconds)
