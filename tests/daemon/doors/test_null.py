"""The door that is not there."""

from __future__ import annotations

import logging

import pytest

from attendance.config import DoorSettings
from attendance.daemon.doors.drivers import open_door


def test_the_null_driver_logs_what_it_would_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    door = open_door(DoorSettings(name="front"))
    door.unlock(3)

    assert door.name == "front"
    assert caplog.messages == ["door front: would be unlocked for 3 s (the null driver moves nothing)"]
