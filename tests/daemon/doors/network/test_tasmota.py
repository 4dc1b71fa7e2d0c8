"""Tasmota's numbers for a pulse."""

from __future__ import annotations

import pytest

from attendance.daemon.doors.drivers import door_of
from attendance.daemon.doors.network.tasmota import pulse_time
from tests.daemon.doors.loopback import TasmotaLoopback


@pytest.mark.parametrize(
    ("seconds", "number"), [(0.05, 1), (3, 30), (0.3, 3), (11.1, 111), (11.9, 111), (12, 112), (60, 160)]
)
def test_a_pulse_time_is_tenths_and_then_seconds_and_never_longer(seconds: float, number: int) -> None:
    assert pulse_time(seconds) == number


def test_older_firmware_says_which_setting_helps_and_is_told_the_length_once() -> None:
    device = TasmotaLoopback(old=True)
    try:
        assert 'set pulse = "pulse_time"' in door_of("front", "tasmota", {"address": device.address}).unlock(3).detail
        door = door_of("front", "tasmota", {"address": device.address, "pulse": "pulse_time"})
        device.heard.clear()
        assert [door.unlock(3).done, door.unlock(3).done] == [True, True]
        assert [one.split("cmnd=")[1] for one in device.heard] == ["PulseTime1%2030", "Power1%20ON", "Power1%20ON"]
        assert list(door.prepare()) == []
    finally:
        device.close()
