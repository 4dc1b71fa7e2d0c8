"""Doors as rows: which one a camera stands at, and its driver with sealed settings.

In: a session, a camera's or door's name.  Out: `Door` rows.
Does not know: what a driver needs, how its settings are sealed, who may pass (`policies`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.people.names import sort_key
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


def set_driver(session: Session, door_id: int, driver: str, sealed: bytes | None) -> None:
    """Give the door a driver; the caller checked and sealed its settings, and commits."""
    door = session.get(Door, door_id)
    if door is None:
        raise KeyError(door_id)
    door.driver, door.driver_settings = driver, sealed
    session.flush()
