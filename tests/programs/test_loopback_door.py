"""The device of the bench is one that the real driver moves."""

from __future__ import annotations

from time import perf_counter

from attendance.daemon.doors.drivers import door_of
from attendance.domain.access.door_state import Contact
from attendance.programs.loopback_door import LoopbackDoor


def test_the_driver_moves_it_and_the_instant_is_noted() -> None:
    device = LoopbackDoor()
    try:
        before = perf_counter()
        door = door_of("front", "shelly", {"address": device.address})
        assert door.unlock(2.5).done
        ((at, seconds),) = device.pulses
        assert seconds == 2.5
        assert before < at < perf_counter()
        assert door.inputs().unlocked is False
        watched = door_of("front", "shelly", {"address": device.address, "contact": "open", "contact_input": 0})
        assert watched.inputs().contact is Contact.CLOSED
        device.is_open = True
        assert watched.inputs().contact is Contact.OPEN
    finally:
        device.close()
