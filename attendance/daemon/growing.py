"""The thread that keeps confirmed looks of one camera as templates.

In: a `Growing`.  Out: one tick every few seconds, until it is stopped.
Does not know: looks, templates.
Main choice: a thread (`Ticking`), so that no door and no picture waits for it.
"""

from __future__ import annotations

from attendance.daemon.ticking import Ticking
from attendance.service.enrolment.growing import Growing

EVERY_S = 3.0


class GrowthKeeper(Ticking):
    def __init__(self, growing: Growing) -> None:
        super().__init__("templates that grow")
        self._growing = growing

    def tick(self) -> float:
        self._growing.tick()
        return EVERY_S
