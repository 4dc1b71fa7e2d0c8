"""Any door driver, with the promises that all of them keep.

In: a driver.  Out: a `service.ports.Door` that unlocks for a bounded time and fails with `DoorFault` only.
Does not know: who passes, or why; how the driver moves the door.
"""

from __future__ import annotations

import math

from attendance.service.ports import Door, DoorFault, DoorUnknown

LONGEST_S = 60.0


class BoundedDoor:
    """Any driver, with the promises that all of them keep."""

    def __init__(self, driver: Door) -> None:
        self._driver = driver

    @property
    def name(self) -> str:
        return self._driver.name

    def unlock(self, seconds: float) -> None:
        """Unlock for 0 < seconds <= LONGEST_S, cut to that; DoorFault if the driver fails.

        A fault that the driver does not name itself may have come after the door moved: DoorUnknown.
        """
        if not (math.isfinite(seconds) and seconds > 0):
            raise DoorFault(f"a door cannot be unlocked for {seconds} s")
        try:
            self._driver.unlock(min(seconds, LONGEST_S))
        except DoorFault:
            raise
        except Exception as error:  # whatever a driver's library raises
            raise DoorUnknown(f"{type(error).__name__}: {error}") from error
