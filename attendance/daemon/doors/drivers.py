"""The table of door drivers, and opening the one that the settings name.

In: the `[door]` settings.  Out: a `service.ports.Door`; UserError for a driver that does not exist.
Does not know: how any driver moves its door.

To add a door driver: write a class with `name` and `unlock(seconds)` that takes `DoorSettings` and raises
`DoorFault`, in a module of its own in this folder; name it in `DRIVERS` and beside `door.driver` in config.toml.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attendance.config import DoorSettings
from attendance.daemon.doors.bounded import BoundedDoor
from attendance.daemon.doors.null import NullDoor
from attendance.errors import UserError
from attendance.service.ports import Door

DRIVERS: Mapping[str, Callable[[DoorSettings], Door]] = {"null": NullDoor}


def open_door(settings: DoorSettings) -> Door:
    """Return the settings' door; UserError for a driver that does not exist."""
    make = DRIVERS.get(settings.driver)
    if make is None:
        raise UserError(f"[door] driver: there is no {settings.driver}; there is {', '.join(sorted(DRIVERS))}")
    return BoundedDoor(make(settings))
