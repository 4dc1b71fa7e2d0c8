"""Doors, their access points and areas as rows that operators add and change.

In: a session, checked values.  Out: changed rows, and a new version of the rules in the same transaction.
Does not know: pages, devices, how a driver's settings are sealed (the caller seals them before it writes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.access.rules.doors import Antipassback, PointSource
from attendance.domain.access.rules.factors import Doubt, Factor
from attendance.domain.access.rules.schedule import MINUTES
from attendance.errors import UserError
from attendance.store.access import policies
from attendance.store.tables.access import AccessLevel, AccessPoint, Area, Door, LevelEntry, Schedule

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
LEVEL, DOUBTS = "first_level_id", "step_up"
POINT = ("source", "area_from_id", "area_to_id", "factors", "enabled", "purposes")
PURPOSES = ("access+attendance", "access", "attendance")
AREA = {"occupancy_max": (1, 100_000), "reset_min": (1, 7 * MINUTES), "reset_at": (0, MINUTES - 1)}


def add(session: Session, name: str, at: datetime) -> int:
    """Add a door without a device; return its number."""
    _write_points_down(session)
    row = Door(name=_named(name))
    session.add(row)
    _flush(session, row.name)
    policies.bump_version(session, at)
    return row.id


def change(session: Session, door_id: int, name: str, values: Mapping[str, Any], at: datetime) -> None:
    """Change a door's rules; `values`: of NUMBERS, TICKS, CHOICES, NAMES, LEVEL and DOUBTS.

    UserError for one that cannot be, and for an interlock without a contact, which would refuse everybody.
    """
    row = _door(session, door_id)
    for key, value in values.items():
        if key in NUMBERS:
            least, most = NUMBERS[key]
            if not least <= value <= most:
                raise UserError("a time lies between %(least)s and %(most)s seconds", least=least, most=most)
        elif key in CHOICES:
            if value is not None and session.get(Schedule, value) is None:
                raise UserError("this schedule is not there any more")
        elif key == LEVEL:
            if value is not None and session.get(AccessLevel, value) is None:
                raise UserError("this access level is not there any more")
        elif key == DOUBTS:
            unknown = set(value) - {str(doubt) for doubt in Doubt}
            if unknown:
                raise UserError("%(word)s is not a doubt that a door can ask about", word=sorted(unknown)[0])
        elif key not in TICKS + NAMES:
            raise KeyError(key)
        setattr(row, key, value)
    row.name = _named(name)
    if row.interlock_group and not row.contact:
        raise UserError("a door of an interlock needs a contact: without one nobody knows whether it is closed")
    _flush(session, row.name)
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


def remove_point(session: Session, name: str, at: datetime) -> None:
    """Let nothing of this name lead to a door any more; harmless if nothing did."""
    session.execute(delete(AccessPoint).where(AccessPoint.name == name))
    policies.bump_version(session, at)


def change_point(session: Session, name: str, values: Mapping[str, Any], at: datetime) -> None:
    """Change what an access point leads to and accepts; `values`: of POINT, `factors` as the column holds them."""
    row = session.scalar(select(AccessPoint).where(AccessPoint.name == name))
    if row is None:
        raise UserError("this access point is not there any more")
    for key, value in values.items():
        if key not in POINT:
            raise KeyError(key)
        if key == "factors":
            _require_factors(value)
        if key == "purposes" and value not in PURPOSES:
            raise UserError("choose what the camera or tablet is for")
        setattr(row, key, str(PointSource(value)) if key == "source" else value)
    policies.bump_version(session, at)


def save_area(
    session: Session, area_id: int | None, name: str, antipassback: Antipassback, values: Mapping[str, Any],
    at: datetime,
) -> int:  # fmt: skip
    """Make or change an area; return its number.  `values`: of AREA, None for no limit."""
    row = Area() if area_id is None else session.get(Area, area_id, populate_existing=True)
    if row is None:
        raise UserError("this area is not there any more")
    row.name, row.antipassback = _named(name), antipassback.value
    for key, value in values.items():
        least, most = AREA[key]
        if value is not None and not least <= value <= most:
            raise UserError("%(key)s must be from %(least)s to %(most)s", key=key, least=least, most=most)
        setattr(row, key, value)
    session.add(row)
    _flush(session, row.name)
    policies.bump_version(session, at)
    return row.id


def _require_factors(rules: Sequence[dict[str, Any]]) -> None:
    for rule in rules:
        try:
            policies.factor_rule(rule)
        except (ValueError, KeyError, TypeError) as error:
            known = ", ".join(Factor)
            raise UserError("each set of proofs names at least one of %(known)s", known=known) from error


def _write_points_down(session: Session) -> None:
    """Give every known camera its access point, before a second door makes it unclear where it belongs.

    A tablet without a point is for working time and asks no rules, so none is given to it.
    """
    doors = session.scalars(select(Door.id)).all()
    if len(doors) != 1:
        return
    there = set(session.scalars(select(AccessPoint.name)))
    session.add_all(
        AccessPoint(name=name, door_id=doors[0]) for name in policies.camera_names(session) if name not in there
    )


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
