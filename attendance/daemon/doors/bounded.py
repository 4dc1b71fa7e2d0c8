"""Any door driver, with the promises that all of them keep.

In: a driver.  Out: a `service.ports.Door` that unlocks for a bounded time, one call after the other, and never raises
from `unlock`.
Does not know: who passes, or why; how the driver moves the door.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

from attendance.daemon.doors.driver import Lock
from attendance.daemon.doors.kept import Kept
from attendance.domain.access.door_state import Inputs
from attendance.service.ports import DoorFault, DoorUnknown, Pulse, PulseOutcome

LONGEST_S = 60.0


class BoundedDoor:
    """A device as the services see it.  For several threads: an unlock does not wait for a look at the inputs.

    `device`: a `Lock`, or a `Kept` switch.
    """

    def __init__(self, name: str, device: Lock | Kept) -> None:
        self._name, self._device = name, device
        self._unlocking = threading.Lock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def pulse_in_device(self) -> bool:
        return not isinstance(self._device, Kept)

    @property
    def readable(self) -> bool:
        return self._device.readable

    def unlock(self, seconds: float, passage: str = "") -> Pulse:  # noqa: ARG002  devices know no passages
        """Unlock for 0 < seconds <= LONGEST_S, cut to that.

        A fault that the driver does not name itself may have come after the door moved: that is unknown.
        """
        if not (math.isfinite(seconds) and seconds > 0):
            return Pulse(PulseOutcome.REFUSED, f"a door cannot be unlocked for {seconds} s")
        try:
            with self._unlocking:
                return Pulse(PulseOutcome.PULSED, self._device.pulse(min(seconds, LONGEST_S)))
        except DoorUnknown as error:
            return Pulse(PulseOutcome.UNKNOWN, str(error))
        except DoorFault as error:
            return Pulse(PulseOutcome.REFUSED, str(error))
        except Exception as error:  # whatever a driver's library raises
            return Pulse(PulseOutcome.UNKNOWN, f"{type(error).__name__}: {error}")

    def prepare(self) -> Sequence[str]:
        try:
            return self._device.prepare()
        except DoorFault:
            raise
        except Exception as error:
            raise DoorFault(f"{type(error).__name__}: {error}") from error

    def inputs(self) -> Inputs:
        try:
            return self._device.inputs()
        except DoorFault:
            raise
        except Exception as error:
            raise DoorFault(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        self._device.close()
