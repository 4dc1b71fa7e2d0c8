"""Frames of Modbus relays, by the bytes of the manuals."""

from __future__ import annotations

import pytest

from attendance.daemon.doors.drivers import door_of
from attendance.daemon.doors.network.modbus import crc16
from attendance.service.ports import PulseOutcome
from tests.daemon.doors.loopback import ModbusLoopback


@pytest.mark.parametrize(
    "frame",
    ["01 05 02 00 00 07 8D B0", "01 05 00 00 FF 00 8C 3A", "01 05 00 00 00 00 CD CA", "01 02 00 00 00 08 79 CC"],
)
def test_the_sum_is_that_of_the_manuals(frame: str) -> None:
    data = bytes.fromhex(frame)

    assert crc16(data[:-2]) == data[-2:]


def test_a_pulse_of_three_seconds_is_the_timed_command_with_thirty_tenths() -> None:
    board = ModbusLoopback()
    try:
        door_of("front", "modbus", {"address": board.address}).unlock(3)
        assert [one[:17] for one in board.heard] == ["01 05 02 00 00 1E"]
    finally:
        board.close()


def test_a_board_without_the_timed_command_refuses_and_says_which() -> None:
    board = ModbusLoopback(flash=False)
    try:
        pulse = door_of("front", "modbus", {"address": board.address}).unlock(3)
        assert (pulse.outcome, board.pulses) == (PulseOutcome.REFUSED, [])
        assert "there is no such relay" in pulse.detail
    finally:
        board.close()
