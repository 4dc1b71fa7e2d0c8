"""Doors and their access points as rows that operators add and change.

In: a session, checked values.  Out: changed rows, and a new version of the rules in the same transaction.
Does not know: pages, devices, how a driver's settings are sealed (the caller seals them before it writes).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.access import policies
from attendance.store.tables.access import AccessPoint, Door, LevelEntry, Schedule

# What the form of a door may change, with the least and the greatest value of its numbers.
NUMBERS = {
    "release_s": (0.5, 60.0),
    "extended_release_s": (0.5, 300.0),
    "open_too_long_s": (0.0, 3600.0),
    "prealarm_s": (0.0, 3600.0),
    "passage_s": (0.0, 300.0),
    "two_person_s": (0, 600),
    "factor_timeout_s": (5, 300),
    "offline_s": (0, 3600),
}
TICKS = ("enabled", "contact", "watch_forced", "unlock_after_first")
CHOICES = ("unlock_schedule_id", "lock_schedule_id", "usual_schedule_id")
NAMES = ("group", "interlock_group")


def add(session: Session, name: str, at: datetime) -> int:
    """Add a door without a device; return its number."""
    row = Door(name=_named(name))
    session.add(row)
    _flush(session, row.name)
    policies.bump_version(session, at)
    return row.id


def change(session: Session, door_id: int, name: str, values: Mapping[str, Any], at: datetime) -> None:
    """Change a door's rules; `values`: of NUMBERS, TICKS, CHOICES and NAMES.  UserError for one that cannot be."""
    row = _door(session, door_id)
    for key, value in values.items():
        if key in NUMBERS:
            least, most = NUMBERS[key]
            if not least <= value <= most:
                raise UserError("a time lies between %(least)s and %(most)s seconds", least=least, most=most)
        elif key in CHOICES:
            if value is not None and session.get(Schedule, value) is None:
                raise UserError("this schedule is not there any more")
        elif key not in TICKS + NAMES:
            raise KeyError(key)
        setattr(row, key, value)
    row.name = _named(name)
    _flush(session, row.name)
    policies.bump_version(session, at)


def set_driver(session: Session, door_id: int, driver: str, sealed: bytes, at: datetime) -> None:
    """Store what moves the door; `sealed`: by `stored_settings.sealed`."""
    row = _door(session, door_id)
    row.driver, row.driver_settings = driver, sealed
    row.imported_from = row.imported_from or ""  # the settings file is taken over no more
    policies.bump_version(session, at)


def remove(session: Session, door_id: int, at: datetime) -> None:
    """Delete a door that nothing leads to any more."""
    row = _door(session, door_id)
    points = session.scalars(select(AccessPoint.name).where(AccessPoint.door_id == door_id)).all()
    if points:
        raise UserError("%(names)s still lead to this door: move them first", names=", ".join(points[:5]))
    if (session.scalar(select(func.count()).select_from(Door)) or 0) < 2:
        raise UserError("the last door stays")
    session.execute(delete(LevelEntry).where(LevelEntry.door_id == door_id))
    session.delete(row)
    policies.bump_version(session, at)


def move_point(session: Session, name: str, door_id: int, at: datetime) -> None:
    """Let a camera or tablet belong to this door; it becomes an access point if it was none."""
    _door(session, door_id)
    row = session.scalar(select(AccessPoint).where(AccessPoint.name == name))
    if row is None:
        session.add(AccessPoint(name=name, door_id=door_id))
    else:
        row.door_id = door_id
    policies.bump_version(session, at)


def _door(session: Session, door_id: int) -> Door:
    row = session.get(Door, door_id, populate_existing=True)
    if row is None:
        raise UserError("this door is not there any more")
    return row


def _named(name: str) -> str:
    if not name:
        raise UserError("enter a name")
    return name[:100]


def _flush(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError("%(name)s is taken: choose another name", name=name) from error
