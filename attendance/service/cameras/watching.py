"""Which cameras a daemon serves: rows of the site, into which `[camera]` of the settings is taken once.

In: a session, the site's keys, the settings' `[camera]`.  Out: settings of each camera in use; changed rows.
Does not know: how a camera is read, threads.
Main choice: the address is sealed whole, since it holds passwords; the row's `source` shows it without them.  A camera
that only one computer can reach, such as a webcam, is served by the daemon of that computer alone: on another one the
same number is another camera, before another door.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from attendance.config import CameraSettings
from attendance.domain.passage import Direction
from attendance.errors import UserError, without_secrets
from attendance.service.access.policy import door_rows
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.store.access import doors
from attendance.store.cameras import cameras
from attendance.store.crypto import Damaged, Keys

log = logging.getLogger(__name__)

# Times, frames a second, rotation: whatever a camera's settings have beside what the row holds in columns.
OPTIONS = tuple(key for key in CameraSettings.model_fields if key not in ("name", "source", "direction"))


@dataclass(frozen=True, slots=True)
class Plan:
    """One camera as a daemon serves it.  `door`: what moves there; another value means that it begins anew."""

    settings: CameraSettings
    door: tuple[object, ...]


def import_file(session: Session, keys: Keys, file: CameraSettings, computer: str, at: datetime) -> bool:
    """Take `[camera]` of the settings into a row, once for each name; return whether it was taken.  The caller commits.

    What the site has already is ignored, with a warning unless it is the same.  The camera is served by this computer's
    daemon alone, as it was before.  An address that this key does not open stays as it is, and stops nothing here.
    """
    rows = cameras.list_cameras(session)
    row = next((one for one in rows if one.name == file.name), None)
    if row is not None and row.address is not None:
        same = _is_at(row, keys, file.source)
        if same and row.computer not in ("", computer) and not _alive(row, at):
            row.computer = computer  # these settings name the very camera: the computer was given another name
        elif not same and file != CameraSettings():
            log.warning("[camera] of the settings is ignored: the camera %s has its address on the site", row.name)
        return False
    there = [one for one in rows if one.address is not None and one is not row]
    if row is None and there and file.source == CameraSettings().source:
        return False  # nobody chose a camera in these settings
    if row is None and any(_is_at(one, keys, file.source) for one in there):
        log.warning("[camera] of the settings is ignored: the site has this camera under another name")
        return False
    sealed = _sealed(keys, file)
    row = row or cameras.add(session, file.name, Direction(file.direction))
    _store(row, file, sealed)
    row.computer = computer
    audit.record(
        session,
        actor=Actor("system", "daemon"),
        action=Action.CHANGE_CAMERA,
        subject=Subject("camera", row.name),
        detail={"source": row.source, "imported": True},
        at=at,
    )
    log.info("[camera] of the settings was taken over as the camera %s; from now on the site has it", row.name)
    return True


def add(
    session: Session, keys: Keys, settings: CameraSettings, *, door_id: int | None, computer: str, actor: Actor,
    at: datetime,
) -> int:  # fmt: skip
    """Add a camera at a door (None: the only one); return its number.

    UserError if the name is taken, or if there are several doors and none was chosen.
    """
    if cameras.get_camera(session, settings.name) is not None:
        raise UserError("there is a camera %(name)s already: choose another name", name=settings.name)
    there = doors.list_doors(session)
    if door_id is None:
        if len(there) > 1:
            raise UserError("choose the door: there is %(names)s", names=", ".join(door.name for door in there))
        door_id = there[0].id if there else None
    sealed = _sealed(keys, settings)
    row = cameras.add(session, settings.name, Direction(settings.direction))
    _store(row, settings, sealed)
    row.computer = computer if _is_local(settings.source) else ""
    if door_id is not None:
        door_rows.move_point(session, settings.name, door_id, at)
    _note(session, row, actor, at, added=True)
    session.flush()
    return row.id


def change(
    session: Session, keys: Keys, camera_id: int, *, source: str, options: Mapping[str, Any], computer: str,
    actor: Actor, at: datetime,
) -> None:  # fmt: skip
    """Give the camera another address or other times; an empty `source` stays as it was.

    UserError for what cannot be.  Its daemon takes it over within seconds.
    """
    row = cameras.camera_by_id(session, camera_id)
    if row is None:
        raise UserError("this camera is not there any more")
    kept = source or ("" if row.address is None else _opened(row, keys))
    if not kept:
        raise UserError("enter the camera's address")
    settings = checked(row.name, kept, row.direction, options)
    _store(row, settings, _sealed(keys, settings))
    if source:
        row.computer = computer if _is_local(source) else ""
    _note(session, row, actor, at, added=False)


def checked(name: str, source: str, direction: str, options: Mapping[str, Any]) -> CameraSettings:
    """Return settings of a camera; UserError in one sentence for a value that cannot be."""
    given = {key: value for key, value in options.items() if key in OPTIONS and value is not None}
    try:
        return CameraSettings(name=name, source=source.strip(), direction=direction, **given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "times"
        raise UserError("%(place)s of this camera cannot be: %(words)s", place=place, words=first["msg"]) from None


def settings_of(row: cameras.Camera, keys: Keys) -> CameraSettings:
    """Return how this camera is read; UserError if it has no address, or one that this key does not open."""
    if row.address is None:
        raise UserError("the camera %(name)s has no address: enter it on the admin site", name=row.name)
    return checked(row.name, _opened(row, keys), row.direction, row.options)


def named(session: Session, keys: Keys, name: str, file: CameraSettings) -> CameraSettings:
    """Return how the camera with this name is read: by its row, else by the settings' `[camera]`."""
    row = cameras.get_camera(session, name)
    if row is not None and row.address is not None:
        return settings_of(row, keys)
    return file.model_copy(update={"name": name})


def plans(session: Session, keys: Keys, computer: str, said: set[str] | None = None) -> dict[str, Plan]:
    """Return the cameras in use that the daemon of this computer serves, by name.

    One whose address cannot be opened is left out and logged: it keeps no other from being watched.  `said`: what a
    caller who asks again and again has logged before, and need not log again while it lasts.
    """
    new: set[str] = set()
    found: dict[str, Plan] = {}
    for row in cameras.list_cameras(session):
        if not row.active or row.address is None or row.computer not in ("", computer):
            continue
        try:
            settings = settings_of(row, keys)
        except UserError as error:
            new.add(words := f"camera {row.name}: {error}")
            if said is None or words not in said:
                log.error("%s", words)
            continue
        found[row.name] = Plan(settings, _door_of(session, row.name))
    if said is not None:
        said.clear()
        said |= new
    return found


def _door_of(session: Session, camera: str) -> tuple[object, ...]:
    door = doors.door_at(session, camera)
    if door is None:
        return ()
    return (
        door.id, door.name, door.enabled, door.driver, door.driver_settings, door.release_s, door.open_too_long_s,
        door.prealarm_s, door.passage_s, door.watch_forced,
    )  # fmt: skip


def _sealed(keys: Keys, settings: CameraSettings) -> bytes:
    return keys.seal_secret(settings.source.encode(), f"camera:{settings.name}")


def _store(row: cameras.Camera, settings: CameraSettings, sealed: bytes) -> None:
    usual = CameraSettings()
    row.source, row.address = without_secrets(settings.source), sealed
    row.options = {key: getattr(settings, key) for key in OPTIONS if getattr(settings, key) != getattr(usual, key)}


def _opened(row: cameras.Camera, keys: Keys) -> str:
    assert row.address is not None
    try:
        return keys.open_secret(row.address, f"camera:{row.name}").decode()
    except Damaged as error:
        raise UserError(
            "the address of this camera cannot be decrypted: put back the master key, or enter it again"
        ) from error


def _is_at(row: cameras.Camera, keys: Keys, source: str) -> bool:
    """Return whether this row has the address; one that cannot be opened is compared in the form that pages show."""
    try:
        return _opened(row, keys) == source
    except UserError:
        return row.source == without_secrets(source)


def _is_local(source: str) -> bool:
    return "://" not in source


def _alive(row: cameras.Camera, at: datetime) -> bool:
    beaten = row.heartbeat_at
    return row.owner is not None and beaten is not None and abs(at - beaten) <= cameras.STALE_AFTER


def _note(session: Session, row: cameras.Camera, actor: Actor, at: datetime, added: bool) -> None:
    detail: dict[str, audit.Value] = {"source": row.source, "added": added}
    audit.record(
        session, actor=actor, action=Action.CHANGE_CAMERA, subject=Subject("camera", row.name), detail=detail, at=at
    )
