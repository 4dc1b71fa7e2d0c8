"""What every door driver keeps, whatever it drives."""

from __future__ import annotations

import pytest

from attendance.daemon.doors.bounded import LONGEST_S, BoundedDoor
from attendance.service.ports import DoorFault, DoorUnknown
from tests.fakes import FakeDoor


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


def test_what_a_driver_did_not_expect_may_have_come_after_the_door_moved() -> None:
    driver = FakeDoor()
    driver.broken = OSError("no such device")
    with pytest.raises(DoorUnknown, match="OSError: no such device"):
        BoundedDoor(driver).unlock(3)


def test_what_a_driver_says_for_certain_stays_certain() -> None:
    driver = FakeDoor()
    driver.break_down("stuck")
    with pytest.raises(DoorFault, match=r"^stuck$") as raised:
        BoundedDoor(driver).unlock(3)
    assert not isinstance(raised.value, DoorUnknown)
