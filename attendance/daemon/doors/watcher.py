"""The thread that looks at a door a few times a second.

In: a `LiveDoor`.  Out: looks at it, until it is stopped.
Does not know: what is seen.
Main choice: one thread a door, so that a device that hangs delays neither the camera nor another door.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence

from attendance.service.access.check_in import Outcome
from attendance.service.access.doors.live import BEAT_S, LiveDoor
from attendance.service.ports import DoorFault

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
SILENT_EVERY_S = 2.0  # while the device does not answer


class DoorWatcher:
    """Start with `start`, end with `stop`."""

    def __init__(self, door: LiveDoor) -> None:
        self._door = door
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"door {door.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def observe(self, outcomes: Sequence[Outcome], timings: Mapping[str, float], /) -> None:
        """Take no notice: the door itself hears of each unlock."""

    def stop(self) -> None:
        """End the watch, then let go of the device; a look that hangs is not waited for too long."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self._door.close()

    def _run(self) -> None:
        prepared = False
        while True:
            if not prepared:
                prepared = self._prepare()
            answered = self._door.look()
            prepared = prepared and answered  # a device that was away may have lost power, and its settings
            usual_s = LOOK_EVERY_S if self._door.readable else BEAT_S
            if self._ended.wait(usual_s if answered else SILENT_EVERY_S):
                return

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
