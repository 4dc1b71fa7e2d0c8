"""What every door driver keeps, whatever it drives."""

from __future__ import annotations

import pytest

from attendance.daemon.doors.bounded import LONGEST_S, BoundedDoor
from attendance.daemon.doors.driver import Lock
from attendance.domain.access.door_state import Inputs
from attendance.service.ports import DoorFault, DoorUnknown, Pulse, PulseOutcome


class Scripted(Lock):
    def __init__(self, error: Exception | None = None) -> None:
        self.pulses: list[float] = []
        self.error = error

    def pulse(self, seconds: float) -> str:
        self.pulses.append(seconds)
        if self.error is not None:
            raise self.error
        return ""

    def inputs(self) -> Inputs:
        self.pulse(0)
        return Inputs()


def test_a_pulse_is_never_longer_than_the_limit() -> None:
    driver = Scripted()
    assert BoundedDoor("front", driver).unlock(3600).done

    assert driver.pulses == [LONGEST_S]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_pulse_of_no_length_or_without_end_does_not_reach_the_driver(seconds: float) -> None:
    driver = Scripted()
    assert BoundedDoor("front", driver).unlock(seconds).outcome is PulseOutcome.REFUSED

    assert driver.pulses == []


@pytest.mark.parametrize(
    ("error", "pulse"),
    [
        (OSError("no such device"), Pulse(PulseOutcome.UNKNOWN, "OSError: no such device")),
        (DoorUnknown("no answer"), Pulse(PulseOutcome.UNKNOWN, "no answer")),
        (DoorFault("stuck"), Pulse(PulseOutcome.REFUSED, "stuck")),
    ],
)
def test_what_a_driver_did_not_expect_may_have_come_after_the_door_moved(error: Exception, pulse: Pulse) -> None:
    driver = Scripted(error)

    assert BoundedDoor("front", driver).unlock(3) == pulse
    assert driver.pulses == [3], "asked once"


def test_a_look_at_the_inputs_fails_with_one_kind_of_fault() -> None:
    with pytest.raises(DoorFault, match="ValueError: nonsense"):
        BoundedDoor("front", Scripted(ValueError("nonsense"))).inputs()
