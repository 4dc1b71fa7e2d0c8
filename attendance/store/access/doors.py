"""Doors as rows: which one a camera stands at, and its driver with sealed settings.

In: a session, a camera's or door's name.  Out: `Door` rows.
Does not know: what a driver needs, how its settings are sealed, who may pass (`policies`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.store.access import policies
from attendance.store.tables.access import AccessPoint
from attendance.store.tables.access import Door as Door  # for the pages, which import no tables


def door_at(session: Session, point: str) -> Door | None:
    """Return the door of this access point, named as its camera; None if it stands at no door."""
    query = select(Door).join(AccessPoint, AccessPoint.door_id == Door.id).where(AccessPoint.name == point)
    return session.scalars(query.execution_options(populate_existing=True)).first()


def door_named(session: Session, name: str) -> Door | None:
    return session.scalars(select(Door).where(Door.name == name)).first()


def list_doors(session: Session) -> Sequence[Door]:
    """Return all doors, by name."""
    return sorted(session.scalars(select(Door)), key=lambda door: sort_key(door.name))


def set_driver(session: Session, door_id: int, driver: str, sealed: bytes | None, at: datetime) -> None:
    """Store what moves the door; the caller checked and sealed its settings, and commits.

    UserError if the door is gone.  From now on the settings file is taken over no more.
    """
    door = session.get(Door, door_id, populate_existing=True)
    if door is None:
        raise UserError("this door is not there any more")
    door.driver, door.driver_settings = driver, sealed
    door.imported_from = door.imported_from or ""
    policies.bump_version(session, at)
