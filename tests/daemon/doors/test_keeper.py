"""The child's own rules, without a process: off until it is confirmed, on once."""

from __future__ import annotations

from time import monotonic

from attendance.daemon.doors.driver import Switch
from attendance.daemon.doors.keeper import Keeper
from attendance.service.ports import DoorFault, DoorUnknown


class Relay(Switch):
    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.error: Exception | None = None

    def switch(self, on: bool) -> None:
        self.asked.append(on)
        if self.error is not None:
            raise self.error


def test_an_on_without_an_answer_is_switched_off_in_time_too() -> None:
    relay = Relay()
    keeper = Keeper(relay)
    relay.error = DoorUnknown("no answer")
    assert keeper.answer({"do": "pulse", "seconds": 3}) == {"unknown": "no answer"}
    assert keeper.off_at is not None
    relay.error = None
    keeper.end_if_due(monotonic() + 4)

    assert relay.asked == [True, False]
    assert keeper.off_at is None


def test_an_on_that_was_refused_leaves_nothing_to_end() -> None:
    relay = Relay()
    keeper = Keeper(relay)
    relay.error = DoorFault("stuck")

    assert keeper.answer({"do": "pulse", "seconds": 3}) == {"refused": "stuck"}
    assert (keeper.off_at, keeper.due_in()) == (None, None)


def test_off_is_asked_again_until_it_is_confirmed_and_the_trouble_is_told() -> None:
    relay = Relay()
    keeper = Keeper(relay)
    keeper.answer({"do": "pulse", "seconds": 1})
    relay.error = OSError("unplugged")
    keeper.end_if_due(monotonic() + 2)
    assert keeper.answer({"do": "inputs"}) == {"refused": "the device cannot be switched off: unplugged"}
    relay.error = None
    keeper.end_if_due(monotonic() + 3)

    assert relay.asked == [True, False, False]
    assert "inputs" in keeper.answer({"do": "inputs"})


def test_a_second_pulse_never_shortens_the_first() -> None:
    keeper = Keeper(Relay())
    keeper.answer({"do": "pulse", "seconds": 10})
    end = keeper.off_at
    keeper.answer({"do": "pulse", "seconds": 1})

    assert keeper.off_at == end
