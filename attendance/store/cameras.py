"""Cameras, and which daemon holds each of them.

In: a session, a camera's name, the daemon's own name.  Out: `Camera` rows; a claim or a UserError.
Does not know: pictures, processes, how a daemon lives.
Main choice: a claim is one compare-and-swap UPDATE on a row with a heartbeat, not a lock file, so
that it also works across machines; the price is that a killed daemon's camera stays taken for as
long as a heartbeat may be old.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.store.tables import Camera

STALE_AFTER = timedelta(seconds=15)


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

    UserError while another daemon holds it, that is, wrote a heartbeat within `stale_after`.
    """
    free = or_(
        Camera.owner.is_(None),
        Camera.owner == owner,
        Camera.heartbeat_at.is_(None),
        Camera.heartbeat_at < at - stale_after,
        Camera.heartbeat_at > at + stale_after,  # written by a clock that has been set back since
    )
    values = {
        "source": without_password(source),
        "direction": direction.value,
        "owner": owner,
        "heartbeat_at": at,
        "last_error": None,
    }
    taken: Any = session.execute(update(Camera).where(Camera.name == name, free).values(**values))
    if taken.rowcount != 1:
        holder = session.scalar(select(Camera.owner).where(Camera.name == name))
        if holder is not None:
            raise _taken(name, holder)
        session.add(Camera(name=name, active=True, **values))
        try:
            session.flush()
        except IntegrityError as error:
            raise _taken(name, "another daemon") from error
    return session.scalars(select(Camera).where(Camera.name == name).execution_options(populate_existing=True)).one()


def heartbeat(
    session: Session, name: str, *, owner: str, at: datetime, seen_at: datetime | None = None, error: str | None = None
) -> bool:
    """Say that `owner` lives; `seen_at`: when the newest frame came; `error`: what is wrong, None when nothing.

    False when the camera is no longer this owner's: it must stop.
    """
    values: dict[str, Any] = {"heartbeat_at": at, "last_error": error}
    if seen_at is not None:
        values["last_seen_at"] = seen_at
    done: Any = session.execute(update(Camera).where(Camera.name == name, Camera.owner == owner).values(**values))
    return bool(done.rowcount == 1)


def release(session: Session, name: str, *, owner: str) -> None:
    """Give the camera back; harmless when it is not this owner's."""
    session.execute(
        update(Camera).where(Camera.name == name, Camera.owner == owner).values(owner=None, heartbeat_at=None)
    )


def list_cameras(session: Session) -> Sequence[Camera]:
    return session.scalars(select(Camera).order_by(Camera.name)).all()


def get_camera(session: Session, name: str) -> Camera | None:
    return session.scalar(select(Camera).where(Camera.name == name))


def without_password(source: str) -> str:
    """A stream's address as it may be stored and shown: rtsp://user:secret@host becomes rtsp://…@host."""
    return re.sub(r"//[^/@\s]*@", "//…@", source)


def _taken(name: str, holder: str) -> UserError:
    return UserError(f"the camera {name} is held by {holder}: stop that daemon, or give this one another [camera] name")
