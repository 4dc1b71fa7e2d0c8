"""What unlocks a door.

In: the `[door]` settings.  Out: a `service.ports.Door`.
Does not know: who passes, or why.
Main choice: a driver is one small class in a table by name, and every one of them is wrapped in
`BoundedDoor`, so that no driver has to remember what all must keep: a pulse of bounded length, and
DoorFault as the only exception.  The price is a layer between.

To add a door driver: write a class with `name` and `unlock(seconds)` that takes `DoorSettings`,
and add it to DRIVERS.  `unlock` starts the pulse and returns at once; the driver itself, or better
the hardware, ends it, because this program may die in between.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping

from attendance.config import DoorSettings
from attendance.errors import UserError
from attendance.service.ports import Door, DoorFault

log = logging.getLogger(__name__)

LONGEST_S = 60.0


class NullDoor:
    """Unlocks nothing and says so: for attendance without a lock, and for trying things out."""

    def __init__(self, settings: DoorSettings) -> None:
        self.name = settings.name

    def unlock(self, seconds: float) -> None:
        log.info("door %s: would be unlocked for %g s (the null driver moves nothing)", self.name, seconds)


class BoundedDoor:
    """Any driver, with what all of them promise."""

    def __init__(self, driver: Door) -> None:
        self._driver = driver

    @property
    def name(self) -> str:
        return self._driver.name

    def unlock(self, seconds: float) -> None:
        """Unlock for 0 < seconds <= LONGEST_S, cut to that; DoorFault when the driver fails in any way."""
        if not (math.isfinite(seconds) and seconds > 0):
            raise DoorFault(f"a door cannot be unlocked for {seconds} s")
        try:
            self._driver.unlock(min(seconds, LONGEST_S))
        except DoorFault:
            raise
        except Exception as error:  # whatever a driver's library raises
            raise DoorFault(f"{type(error).__name__}: {error}") from error


DRIVERS: Mapping[str, Callable[[DoorSettings], Door]] = {"null": NullDoor}


def open_door(settings: DoorSettings) -> Door:
    """The settings' door; UserError for a driver that does not exist."""
    make = DRIVERS.get(settings.driver)
    if make is None:
        raise UserError(f"[door] driver: there is no {settings.driver}; there is {', '.join(sorted(DRIVERS))}")
    return BoundedDoor(make(settings))
