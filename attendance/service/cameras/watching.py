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
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from attendance.config import CameraSettings
from attendance.domain.access.repeated_looks import Suspicion
from attendance.domain.passage import Direction
from attendance.errors import Phrase, UserError, WrongFields, without_secrets
from attendance.service.access.policy import door_rows, proof_places
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.cameras import addresses
from attendance.service.cameras.checking import OPTIONS, USUAL
from attendance.service.cameras.checking import checked as checked
from attendance.store.access import doors
from attendance.store.alarms import alarms
from attendance.store.cameras import cameras
from attendance.store.crypto import Damaged, Keys
from attendance.store.kiosk import devices
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

LONGEST_NAME = 200


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
    rows = cameras.list_cameras(session, removed=True)
    row = next((one for one in rows if one.name == file.name), None)
    if row is not None and row.removed_at is not None:
        log.warning("[camera] of the settings is ignored: the camera %s was removed from the site", row.name)
        return False
    if row is not None and row.address is not None:
        same = _is_at(row, keys, file.source, computer, renamed=True)
        if same and row.computer not in ("", computer) and not _alive(row, at):
            row.computer = computer  # these settings name the very camera: the computer was given another name
        elif not same and file != USUAL:
            log.warning("[camera] of the settings is ignored: the camera %s has its address on the site", row.name)
        return False
    there = [one for one in rows if (one.address is not None or one.removed_at is not None) and one is not row]
    if row is None and there and file.source == USUAL.source:
        return False  # nobody chose a camera in these settings
    if row is None and any(_is_at(one, keys, file.source, computer) for one in there):
        log.warning("[camera] of the settings is ignored: the site has this camera under another name")
        return False
    sealed = _sealed(keys, file)
    row = row or cameras.add(session, file.name, Direction(file.direction))
    _store(row, file, sealed)
    row.computer = computer
    _note(session, row, Actor("system", "daemon"), at, source=row.source, imported=True)
    log.info("[camera] of the settings was taken over as the camera %s; from now on the site has it", row.name)
    return True


def unfit(session: Session, name: str, source: str, *, door_id: int | None, computer: str) -> dict[str, Phrase]:
    """Return what is wrong with a new camera for this site, by field: its name, its address, its door, its computer."""
    wrong: dict[str, Phrase] = {}
    if cameras.get_camera(session, name) is not None:
        wrong["name"] = Phrase("there is a camera %(name)s already: choose another name", name=name)
    elif name in proof_places.tablets(session):
        wrong["name"] = Phrase("a tablet has this name, and the log shows both: choose another name")
    there = doors.list_doors(session)
    if door_id is None and len(there) > 1:
        wrong["door"] = Phrase("choose the door: there is %(names)s", names=", ".join(door.name for door in there))
    elif door_id is not None and door_id not in {door.id for door in there}:
        wrong["door"] = Phrase("this door is not there any more")
    return wrong | _unreachable(source, computer)


def add(
    session: Session, keys: Keys, settings: CameraSettings, *, door_id: int | None, here: str, actor: Actor,
    at: datetime, computer: str | None = None,
) -> int:  # fmt: skip
    """Add a camera at a door (None: the only one); return its number.  WrongFields as `unfit` says.

    `here`: the name of this computer; `computer`: whose daemon watches it, "" for any; None: this computer's for a
    webcam or file, else any.  A camera of this name that was removed is there again, without what was set on its pages.
    """
    watcher = watcher_of(settings.source, computer, here)
    if wrong := unfit(session, settings.name, settings.source, door_id=door_id, computer=watcher):
        raise WrongFields(fields=wrong)
    there = doors.list_doors(session)
    place = door_id if door_id is not None or not there else there[0].id
    sealed = _sealed(keys, settings)
    row = cameras.add(session, settings.name, Direction(settings.direction))
    _store(row, settings, sealed)
    row.computer = watcher
    if place is not None:
        door_rows.move_point(session, settings.name, place, at)
    _note(session, row, actor, at, source=row.source, added=True, computer=row.computer, door=place)
    session.flush()
    return row.id


def change(
    session: Session, keys: Keys, camera_id: int, *, source: str, options: Mapping[str, Any], here: str, actor: Actor,
    at: datetime, computer: str | None = None, active: bool | None = None, door_id: int | None = None,
) -> None:  # fmt: skip
    """Give the camera another address, other times, another watcher or door; an empty `source` stays as it was.

    `here`, `computer`: as for `add`, but None leaves a camera whose address stays with whoever watches it.  `active`,
    `door_id`: None stays.  WrongFields for what cannot be, by field.  Its daemon takes it over within seconds.
    """
    row = cameras.camera_by_id(session, camera_id)
    if row is None:
        raise UserError("this camera is not there any more")
    kept = source or _kept_address(row, keys)
    settings = checked(row.name, kept, row.direction, options)
    stays = not source and computer is None
    before, watcher = row.computer, row.computer if stays else watcher_of(kept, computer, here)
    wrong = {} if stays else _unreachable(kept, watcher)
    if door_id is not None and door_id not in {door.id for door in doors.list_doors(session)}:
        wrong["door"] = Phrase("this door is not there any more")
    if wrong:
        raise WrongFields(fields=wrong)
    _store(row, settings, _sealed(keys, settings))
    row.computer = watcher
    row.active = row.active if active is None else active
    place = _moved(session, row.name, door_id, at)
    said = watcher if computer is not None or watcher != before else None
    _note(session, row, actor, at, source=row.source, added=False, computer=said, in_use=active, door=place)


def watcher_of(source: str, chosen: str | None, here: str) -> str:
    """Return whose daemon watches the camera: as chosen; else a webcam or file that of `here`, another any ("")."""
    if chosen is not None:
        return chosen
    return here if addresses.is_local(source) else ""


def remove(session: Session, camera_id: int, actor: Actor, at: datetime) -> str:
    """Take the camera off the site and return its name; its daemon stops within seconds.  UserError if it is gone.

    The row stays as a mark, so that no settings file brings the camera back, and so that the log keeps its title.  Its
    address with the password is forgotten, and so is which door it stands at.  Its screens are revoked.
    """
    row = cameras.camera_by_id(session, camera_id)
    if row is None:
        raise UserError("this camera is not there any more")
    cameras.remove(session, row, at)
    for suspicion in Suspicion:  # its daemon, which ends them, is gone
        alarms.clear_alarm(session, suspicion.value, row.name, at)
    door_rows.remove_point(session, row.name, at)
    for device in devices.list_devices(session):
        if device.screen_of == row.name and device.revoked_at is None:
            devices.revoke(session, device.id, at=at)
            audit.record(session, actor=actor, action=Action.REVOKE_DEVICE, subject=Subject("device", device.id), at=at)
    _note(session, row, actor, at, source=row.source, removed=True)
    return row.name


def note_failure(sessions: Sessions, name: str, error: Exception) -> None:
    """Write onto the camera's row why nobody watches it, for its page; whatever hinders that is logged."""
    words = error.words if isinstance(error, UserError) else Phrase("its daemon failed: see the log of the daemon")
    try:
        with sessions.begin() as session:
            cameras.note_failure(session, name, words)
    except Exception as second:  # the database is away: the log has the error
        log.warning("camera %s: its page cannot be told what is wrong: %s", name, second)


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
    row.source, row.address = without_secrets(settings.source), sealed
    row.options = {key: getattr(settings, key) for key in OPTIONS if getattr(settings, key) != getattr(USUAL, key)}


def _opened(row: cameras.Camera, keys: Keys) -> str:
    assert row.address is not None
    try:
        return keys.open_secret(row.address, f"camera:{row.name}").decode()
    except Damaged as error:
        raise UserError(
            "the address of this camera cannot be decrypted: put back the master key, or enter it again"
        ) from error


def _kept_address(row: cameras.Camera, keys: Keys) -> str:
    """Return the address as it was stored; WrongFields if there is none that this key opens."""
    if row.address is None:
        raise WrongFields(fields={"source": Phrase("enter the camera's address")})
    try:
        return _opened(row, keys)
    except UserError as error:
        raise WrongFields(fields={"source": error.words}) from error


def _is_at(row: cameras.Camera, keys: Keys, source: str, computer: str, renamed: bool = False) -> bool:
    """Return whether this row is the camera at the address, as seen from this computer.

    An address that cannot be opened or was forgotten is compared in the form that pages show.  The webcam of another
    computer is another camera; `renamed`: unless it may be this one under another name.
    """
    if not renamed and addresses.is_local(source) and row.computer not in ("", computer):
        return False
    if row.address is not None:
        with suppress(UserError):
            return _opened(row, keys) == source
    return row.source == without_secrets(source)


def _unreachable(source: str, computer: str) -> dict[str, Phrase]:
    """Return what is wrong with an address, and with whoever is to watch it, by field."""
    wrong = addresses.trouble_of(source)
    if wrong is not None:
        return {"source": wrong}
    if addresses.is_local(source) and not computer:
        return {"computer": Phrase("only one computer has this webcam, file or folder: enter its name")}
    if len(computer) > LONGEST_NAME or not computer.isprintable():
        return {"computer": Phrase("this cannot be the name of a computer")}
    return {}


def _moved(session: Session, name: str, door_id: int | None, at: datetime) -> int | None:
    """Let the camera stand at this door; return its number if it stood elsewhere."""
    before = doors.door_at(session, name)
    if door_id is None or (before is not None and before.id == door_id):
        return None
    door_rows.move_point(session, name, door_id, at)
    return door_id


def _alive(row: cameras.Camera, at: datetime) -> bool:
    beaten = row.heartbeat_at
    return row.owner is not None and beaten is not None and abs(at - beaten) <= cameras.STALE_AFTER


def _note(session: Session, row: cameras.Camera, actor: Actor, at: datetime, **detail: audit.Value) -> None:
    """Note what was changed; what is None was not.  A computer's name of "" is any computer."""
    if detail.get("computer") == "":
        detail["computer"] = "any"
    kept = {key: value for key, value in detail.items() if value is not None}
    subject = Subject("camera", row.name)
    audit.record(session, actor=actor, action=Action.CHANGE_CAMERA, subject=subject, detail=kept, at=at)
