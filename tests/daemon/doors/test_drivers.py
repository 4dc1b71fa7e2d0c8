"""A door is opened by the name of its driver."""

from __future__ import annotations

import pytest

from attendance.config import DoorSettings
from attendance.daemon.doors.drivers import open_door
from attendance.errors import UserError


def test_an_unknown_driver_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UserError, match="there is no magic; there is null"):
        open_door(DoorSettings(driver="magic"))
