"""Which device a camera's door has: from the door's row, into which the settings file is taken once.

In: a session, keys, a camera's name, the file's `[door]`.  Out: a `DoorDevice`.
Does not know: how a device is spoken to.
Main choice: the file's `[door]` is imported by the first daemon that finds a door without a device, and ignored
afterwards, which the log says.  A camera that stands at no door still uses the file.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from attendance.config import DoorSettings
from attendance.domain.access.door_state import Timings
from attendance.errors import UserError
from attendance.service.access.doors import stored_settings, unproven
from attendance.service.access.doors.live import timings_of
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.ports import Clock
from attendance.store.access import doors
from attendance.store.crypto import Keys
from attendance.store.session import Sessions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DoorDevice:
    """`door_id`: None where the settings file alone knows the door."""

    name: str
    driver: str
    settings: Mapping[str, Any] = field(repr=False)
    unlock_s: float
    timings: Timings
    door_id: int | None = None


def device_for(sessions: Sessions, keys: Keys, clock: Clock, camera: str, file: DoorSettings) -> DoorDevice:
    """Return the device of the camera's door, with the settings file taken over once."""
    with sessions.begin() as session:
        import_file(session, keys, camera, file, clock.now())
        row = doors.door_at(session, camera)
        if row is not None:
            unproven.warn(session, row, camera)
        return device_at(session, keys, camera, file)


def device_at(session: Session, keys: Keys, camera: str, file: DoorSettings) -> DoorDevice:
    """Return the device of the door at which this camera stands; UserError for settings of another key."""
    row = doors.door_at(session, camera)
    if row is None:
        return DoorDevice(file.name, file.driver, file.settings, file.unlock_s, timings_of(file.settings))
    device = _of_row(row, keys)
    untouched = device.driver == "null" and row.imported_from is None
    return replace(device, name=file.name) if untouched else device


def device_named(session: Session, keys: Keys, name: str, file: DoorSettings) -> DoorDevice:
    """Return the device of the door with this name; UserError with the names that there are."""
    row = doors.door_named(session, name)
    if row is not None and row.driver != "null":
        return _of_row(row, keys)
    if name == file.name:  # not imported yet
        return DoorDevice(file.name, file.driver, file.settings, file.unlock_s, timings_of(file.settings))
    if row is not None:
        return _of_row(row, keys)
    names = sorted({file.name, *(one.name for one in doors.list_doors(session))})
    raise UserError("there is no door %(name)s; there is %(names)s", name=name, names=", ".join(names))


def import_file(session: Session, keys: Keys, camera: str, file: DoorSettings, at: datetime) -> bool:
    """Take the file's `[door]` into the row of the camera's door, once; return whether it was taken.

    UserError for settings that the driver cannot have.  The caller commits.
    """
    row = doors.door_at(session, camera)
    if row is None or file.driver == "null":
        return False
    if row.imported_from is not None or row.driver != "null":
        if row.driver != file.driver or stored_settings.opened(keys, row.id, row.driver_settings) != file.settings:
            log.warning("[door] of the settings file is ignored: the door %s has its driver on the site", row.name)
        return False
    if doors.door_named(session, file.name) is None:
        row.name = file.name
    doors.set_driver(session, row.id, file.driver, stored_settings.sealed(keys, row.id, file.driver, file.settings), at)
    asks = unproven.ask_from_now(session, row, before="null")
    row.imported_from, row.release_s = camera, file.unlock_s
    timings = timings_of(file.settings)
    row.watch_forced = timings.watch_forced
    row.contact = has_contact(file.settings)
    audit.record(
        session,
        actor=Actor("system", "daemon"),
        action=Action.CHANGE_DRIVER,
        subject=Subject("door", row.name),
        detail={"driver": file.driver, "imported": True, "asks_while_unproven": asks},
        at=at,
    )
    log.info("[door] of the settings file was taken over for the door %s; from now on the site has it", row.name)
    return True


def has_contact(settings: Mapping[str, Any]) -> bool:
    """Return whether these settings name a contact, so that a passage can be seen to be taken."""
    return settings.get("contact", "none") != "none" or bool(
        settings.get("contact_path") or settings.get("contact_topic")
    )


def _of_row(row: doors.Door, keys: Keys) -> DoorDevice:
    return DoorDevice(
        row.name,
        row.driver if row.enabled else "null",
        stored_settings.opened(keys, row.id, row.driver_settings) if row.enabled else {},
        row.release_s,
        Timings(row.open_too_long_s, row.prealarm_s, row.passage_s, row.watch_forced),
        row.id,
    )
