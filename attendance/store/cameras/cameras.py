"""Cameras, and which daemon holds each of them.

In: a session, a camera's name, the daemon's name.  Out: `Camera` rows; a claim or a UserError.
Does not know: pictures, processes, how a daemon lives.
Main choice: a claim is one compare-and-swap UPDATE on a row with a heartbeat, not a lock file, so
that it also works across machines.  Trade-off: a killed daemon's camera stays taken for as long as a
heartbeat may be old.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.faces import Region
from attendance.domain.passage import Direction
from attendance.errors import Phrase, UserError, without_secrets
from attendance.store.tables.cameras import Camera as Camera  # for the pages, which import no tables

log = logging.getLogger(__name__)

STALE_AFTER = timedelta(seconds=15)
# A picture of the door shows people: it is kept while an administrator draws a region on it, and no longer.
SNAPSHOT_LIVES = timedelta(minutes=10)
SNAPSHOT_WAITS = timedelta(minutes=1)


def claim(
    session: Session,
    name: str,
    *,
    source: str,
    direction: Direction,
    owner: str,
    at: datetime,
    stale_after: timedelta = STALE_AFTER,
) -> Camera:
    """Take the camera for `owner`, adding its row if need be; the caller commits.

    `direction` is from the settings and applies unless a page gave another.
    UserError while another daemon holds it, that is, wrote a heartbeat within `stale_after`, and if it was removed.
    """
    free = or_(
        Camera.owner.is_(None),
        Camera.owner == owner,
        Camera.heartbeat_at.is_(None),
        Camera.heartbeat_at < at - stale_after,
        Camera.heartbeat_at > at + stale_after,  # written by a clock that has been set back since
    )
    values = {
        "source": without_secrets(source),
        "direction": func.coalesce(Camera.wanted_direction, direction.value),
        "owner": owner,
        "heartbeat_at": at,
        "last_error": None,
    }
    there = (Camera.name == name, Camera.removed_at.is_(None))
    taken: Any = session.execute(update(Camera).where(*there, free).values(**values))
    if taken.rowcount != 1:
        if session.scalar(select(Camera.removed_at).where(Camera.name == name)) is not None:
            raise UserError("the camera %(name)s was removed from the site: add it again there first", name=name)
        holder = session.scalar(select(Camera.owner).where(Camera.name == name))
        if holder is not None:
            raise _taken(name, holder)
        session.add(Camera(name=name, active=True, **values | {"direction": direction.value}))
        try:
            session.flush()
        except IntegrityError as error:
            raise _taken(name, "another daemon") from error
    return session.scalars(select(Camera).where(Camera.name == name).execution_options(populate_existing=True)).one()


def heartbeat(
    session: Session, name: str, *, owner: str, at: datetime, seen_at: datetime | None = None, error: str | None = None
) -> bool:
    """Note that `owner` lives; `seen_at`: when the newest frame came; `error`: what is wrong, None or "" if nothing.

    False if the camera is no longer this owner's, or was removed: it must stop.
    """
    values: dict[str, Any] = {"heartbeat_at": at, "last_error": _kept(error)}
    if seen_at is not None:
        values["last_seen_at"] = seen_at
    ours = (Camera.name == name, Camera.owner == owner, Camera.removed_at.is_(None))
    done: Any = session.execute(update(Camera).where(*ours).values(**values))
    return bool(done.rowcount == 1)


def trouble_of(camera: Camera) -> Phrase:
    """Return what its daemon says is wrong, to be shown by `texts.translated`; empty if nothing."""
    kept = _Kept(camera.last_error or "", {})  # without anything to fill in, the English text is its own key
    if kept.text.startswith("{"):
        try:
            kept = _Kept(**json.loads(kept.text))
            return Phrase(kept.text, **kept.values)
        except (KeyError, TypeError, ValueError):
            log.warning("the trouble of the camera %s cannot be read", camera.name)
    return Phrase(kept.text)


class _Kept(NamedTuple):
    """The parts of a phrase, as they are stored."""

    text: str
    values: dict[str, str]


def _kept(error: str | None) -> str | None:
    """Return the words as they are stored: with what fills them apart, so that a page can translate them."""
    if not isinstance(error, Phrase) or not error.values:
        return str(error) if error else None
    return json.dumps(_Kept(error.text, {name: str(value) for name, value in error.values.items()})._asdict())


def release(session: Session, name: str, *, owner: str) -> None:
    """Give the camera back; harmless if it is not this owner's."""
    session.execute(
        update(Camera)
        .where(Camera.name == name, Camera.owner == owner)
        .values(owner=None, heartbeat_at=None, last_error=None)
    )


def note_failure(session: Session, name: str, why: str) -> None:
    """Note why no daemon could watch the camera, until one does; nothing while one watches it."""
    free = (Camera.name == name, Camera.owner.is_(None), Camera.removed_at.is_(None))
    session.execute(update(Camera).where(*free).values(last_error=_kept(why)))


def add(session: Session, name: str, direction: Direction) -> Camera:
    """Add a camera that no daemon watches yet, to be filled in by the caller, who commits.

    One of this name that was removed is taken again, as new: what its pages had set is gone.
    """
    camera = session.scalar(select(Camera).where(Camera.name == name, Camera.removed_at.is_not(None)))
    if camera is None:
        camera = Camera(name=name)
    camera.source, camera.direction, camera.active, camera.removed_at = "", direction.value, True, None
    camera.title = camera.wanted_direction = camera.roi = None
    session.add(camera)
    return camera


def remove(session: Session, camera: Camera, at: datetime) -> None:
    """Mark a camera as removed and forget its address and pictures; name, title and what pages show stay."""
    camera.removed_at, camera.active = at, False
    camera.address, camera.options = None, {}
    camera.snapshot = camera.snapshot_at = camera.snapshot_wanted_at = None
    camera.last_error = None
    session.flush()


def list_cameras(session: Session, removed: bool = False) -> Sequence[Camera]:
    """Return the site's cameras by name; `removed`: those that were removed, too."""
    query = select(Camera).order_by(Camera.name)
    return session.scalars(query if removed else query.where(Camera.removed_at.is_(None))).all()


def get_camera(session: Session, name: str) -> Camera | None:
    """Return the camera of this name, if there is one that was not removed."""
    return session.scalar(select(Camera).where(Camera.name == name, Camera.removed_at.is_(None)))


def camera_by_id(session: Session, camera_id: int) -> Camera | None:
    """Return the camera with this row number, if there is one that was not removed."""
    camera = session.get(Camera, camera_id)
    return None if camera is None or camera.removed_at is not None else camera


def region_of(camera: Camera) -> Region | None:
    """Return where the camera looks for faces; None: everywhere, and for values that no page wrote."""
    try:
        return None if camera.roi is None else Region(*camera.roi)
    except (TypeError, ValueError):
        return None


def direction_of(camera: Camera) -> Direction:
    """Return which way people go there; UNKNOWN for values that no page wrote."""
    known = {direction.value: direction for direction in Direction}
    return known.get(camera.direction, Direction.UNKNOWN)


def edit(session: Session, camera_id: int, *, title: str, direction: Direction, active: bool) -> Camera:
    """Change the camera's title on pages, its direction, and whether anybody is recognised there.

    The daemon takes direction and `active` over with its next heartbeat.  The camera's name, by which passages
    are recorded and found, stays.  UserError for a title that another camera has as title or name.
    """
    camera = camera_by_id(session, camera_id)
    if camera is None:
        raise UserError("there is no camera %(camera_id)s", camera_id=camera_id)
    title = " ".join(title.split())
    if len(title) > 100:
        raise UserError("a camera's name has at most 100 characters")
    same = or_(Camera.title == title, Camera.name == title)
    others = select(Camera.id).where(Camera.id != camera_id, same, Camera.removed_at.is_(None))
    if title and session.scalar(others) is not None:
        raise UserError("another camera is called %(title)s: choose another name", title=title)
    camera.title = title if title and title != camera.name else None
    camera.direction = camera.wanted_direction = direction.value
    camera.active = active
    session.flush()
    return camera


def titles(session: Session) -> dict[str, str]:
    """Return the titles that pages show for cameras, by name; only of cameras that have one."""
    rows = session.execute(select(Camera.name, Camera.title).where(Camera.title.is_not(None)))
    return {name: title for name, title in rows if title}


def set_region(session: Session, name: str, region: Region | None) -> bool:
    """Change where the camera looks; the daemon takes it over with its next heartbeat.  False: no such camera."""
    roi = None if region is None else [region.x1, region.y1, region.x2, region.y2]
    done: Any = session.execute(update(Camera).where(Camera.name == name).values(roi=roi))
    return bool(done.rowcount == 1)


def want_snapshot(session: Session, name: str, *, at: datetime) -> bool:
    """Ask the camera's daemon for a picture.  False: no such camera."""
    done: Any = session.execute(update(Camera).where(Camera.name == name).values(snapshot_wanted_at=at))
    return bool(done.rowcount == 1)


def wants_snapshot(camera: Camera, at: datetime) -> bool:
    """Return whether a picture was asked for a moment ago; an older wish has lapsed."""
    return camera.snapshot_wanted_at is not None and abs(at - camera.snapshot_wanted_at) <= SNAPSHOT_WAITS


def store_snapshot(session: Session, name: str, jpeg: bytes, *, at: datetime) -> None:
    """Store the picture that was asked for, in place of an older one."""
    values = {"snapshot": jpeg, "snapshot_at": at, "snapshot_wanted_at": None}
    session.execute(update(Camera).where(Camera.name == name).values(**values))


def drop_snapshot(session: Session, name: str, *, before: datetime | None = None) -> None:
    """Take the picture away; `before`: only an older one."""
    old = [Camera.name == name, Camera.snapshot.is_not(None)]
    if before is not None:
        old.append(Camera.snapshot_at < before)
    session.execute(update(Camera).where(*old).values(snapshot=None, snapshot_at=None))


def snapshot_of(session: Session, name: str, *, at: datetime) -> tuple[bytes, datetime] | None:
    """Return the JPEG and when it was taken, while it lives."""
    row = session.execute(select(Camera.snapshot, Camera.snapshot_at).where(Camera.name == name)).first()
    if row is None or row[0] is None or row[1] is None or abs(at - row[1]) > SNAPSHOT_LIVES:
        return None
    return row[0], row[1]


def _taken(name: str, holder: str) -> UserError:
    return UserError(
        "the camera %(name)s is held by %(holder)s: stop that daemon, or give this one another [camera] name",
        name=name,
        holder=holder,
    )
