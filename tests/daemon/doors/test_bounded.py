"""What every door driver keeps, whatever it drives."""

from __future__ import annotations

import logging

import pytest

from attendance.config import DoorSettings
from attendance.daemon.doors.bounded import LONGEST_S, BoundedDoor
from attendance.daemon.doors.drivers import open_door
from attendance.errors import UserError
from attendance.service.ports import DoorFault
from tests.fakes import FakeDoor


def test_the_null_driver_logs_what_it_would_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    door = open_door(DoorSettings(name="front"))
    door.unlock(3)

    assert door.name == "front"
    assert caplog.messages == ["door front: would be unlocked for 3 s (the null driver moves nothing)"]


def test_an_unknown_driver_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UserError, match="there is no magic; there is null"):
        open_door(DoorSettings(driver="magic"))


def test_a_pulse_is_never_longer_than_the_limit() -> None:
    driver = FakeDoor()
    BoundedDoor(driver).unlock(3600)

    assert driver.unlocked == [LONGEST_S]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pulse_of_no_length_or_without_end_does_not_reach_the_driver(seconds: float) -> None:
    driver = FakeDoor()
    with pytest.raises(DoorFault):
        BoundedDoor(driver).unlock(seconds)

    assert driver.unlocked == []


def test_whatever_a_driver_raises_is_a_door_fault() -> None:
    driver = FakeDoor()
    driver.broken = OSError("no such device")
    with pytest.raises(DoorFault, match="OSError: no such device"):
        BoundedDoor(driver).unlock(3)
    driver.break_down("stuck")
    with pytest.raises(DoorFault, match=r"^stuck$"):
        BoundedDoor(driver).unlock(3)
