"""The thread that looks at a door a few times a second.

In: a `LiveDoor`.  Out: looks at it, until it is stopped.
Does not know: what is seen.
Main choice: one thread a door, so that a device that hangs delays neither the camera nor another door.
"""

from __future__ import annotations

import logging

from attendance.daemon.ticking import Ticking
from attendance.service.access.doors.live import BEAT_S, LiveDoor
from attendance.service.ports import DoorFault

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
SILENT_EVERY_S = 2.0  # while the device does not answer


class DoorWatcher(Ticking):
    def __init__(self, door: LiveDoor) -> None:
        super().__init__(f"door {door.name}")
        self._door, self._prepared = door, False

    def stop(self) -> None:
        """End the watch, then let go of the device."""
        super().stop()
        self._door.close()

    def tick(self) -> float:
        if not self._prepared:
            self._prepared = self._prepare()
        answered = self._door.look()
        self._prepared = self._prepared and answered  # a device that was away may have lost power, and its settings
        usual_s = LOOK_EVERY_S if self._door.readable else BEAT_S
        return usual_s if answered else SILENT_EVERY_S

    def _prepare(self) -> bool:
        try:
            notes = self._door.prepare()
        except DoorFault as error:
            log.warning("door %s cannot be prepared: %s", self._door.name, error)
            return False
        for note in notes:
            log.info("door %s: %s", self._door.name, note)
        if not self._door.pulse_in_device:
            log.warning(
                "door %s: the device does not end its pulses; this computer does, except after a loss of power",
                self._door.name,
            )
        return True
