"""The rules of doors as operators change them: from plain values to rows.

In: a session, checked values.  Out: rows; the caller counts the new version.
Does not know: who may change what, what is written into the audit (`service/access/doors/editing.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.access.rules.schedule import Day, Week
from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.store.tables import access
from attendance.store.tables.access import AccessGrant as AccessGrant  # for the pages, which import no tables
from attendance.store.tables.access import AccessLevel as AccessLevel
from attendance.store.tables.access import AccessPoint as AccessPoint
from attendance.store.tables.access import AccessState as AccessState
from attendance.store.tables.access import Area as Area
from attendance.store.tables.access import Door as Door
from attendance.store.tables.access import DoorOverride as DoorOverride
from attendance.store.tables.access import LevelEntry as LevelEntry
from attendance.store.tables.access import Schedule as Schedule
from attendance.store.tables.access import SpecialDay as SpecialDay
from attendance.store.tables.people import Person

Named = TypeVar("Named", access.Area, access.Schedule, access.AccessLevel, access.Door, access.AccessPoint)


def all_named(session: Session, table: type[Named]) -> Sequence[Named]:
    """Return every row of a table of named things, by name."""
    return sorted(session.scalars(select(table)), key=lambda row: sort_key(row.name))


def get_named(session: Session, table: type[Named], row_id: int) -> Named:
    """Return the row; UserError if it is gone."""
    row = session.get(table, row_id)
    if row is None:
        raise UserError("this entry is gone: somebody may have deleted it meanwhile")
    return row


def save_named(session: Session, table: type[Named], row_id: int | None, values: Mapping[str, Any]) -> Named:
    """Add a row (`row_id` None) or change what `values` hold.  UserError for a name that is taken."""
    row = table() if row_id is None else get_named(session, table, row_id)
    for column, value in values.items():
        setattr(row, column, value)
    # Before the flush: in PostgreSQL a failed one would end the whole transaction.
    with session.no_autoflush:
        same = session.scalar(
            select(table.id).where(func.lower(table.name) == row.name.lower(), table.id != (row_id or 0))
        )
    if same is not None:
        session.expunge(row) if row_id is None and row in session else None
        raise UserError("there is an entry with the name %(name)s already: choose another", name=row.name)
    session.add(row)
    session.flush()
    return row


def put_special_day(session: Session, schedule_id: int, day: date, windows: Day | None) -> None:
    """Write other windows for this date, () for closed; None removes the special day."""
    session.execute(
        delete(access.SpecialDay).where(access.SpecialDay.schedule_id == schedule_id, access.SpecialDay.day == day)
    )
    if windows is not None:
        session.add(access.SpecialDay(schedule_id=schedule_id, day=day, windows=plain_day(windows)))
    session.flush()


def special_days(session: Session, schedule_id: int) -> Sequence[access.SpecialDay]:
    query = select(access.SpecialDay).where(access.SpecialDay.schedule_id == schedule_id)
    return session.scalars(query.order_by(access.SpecialDay.day)).all()


def plain_day(day: Day) -> list[list[int]]:
    return [[window.start, window.end] for window in day]


def plain_week(week: Week) -> list[list[list[int]]]:
    return [plain_day(day) for day in week]


def entries(session: Session, level_id: int) -> Sequence[access.LevelEntry]:
    query = select(access.LevelEntry).where(access.LevelEntry.level_id == level_id)
    return session.scalars(query.order_by(access.LevelEntry.id)).all()


def put_entries(session: Session, level_id: int, lines: Sequence[tuple[int | None, str, int]]) -> None:
    """Replace a level's lines: each a door or a group, and a schedule."""
    session.execute(delete(access.LevelEntry).where(access.LevelEntry.level_id == level_id))
    for door, group, schedule in lines:
        session.add(access.LevelEntry(level_id=level_id, door_id=door, door_group=group, schedule_id=schedule))
    session.flush()


def delete_row(session: Session, row: Named) -> None:
    """Delete it; UserError if another rule still uses it."""
    try:
        with session.begin_nested():
            session.delete(row)
    except IntegrityError as error:
        raise UserError("%(name)s is still used by other rules: change those first", name=row.name) from error


def add_grant(
    session: Session,
    level_id: int,
    person_id: int | None,
    department: str,
    valid_from: datetime | None,
    valid_to: datetime | None,
    by: str,
    at: datetime,
) -> access.AccessGrant:
    row = access.AccessGrant(
        level_id=level_id,
        person_id=person_id,
        department=department,
        valid_from=valid_from,
        valid_to=valid_to,
        created_at=at,
        created_by=by[:100],
    )
    session.add(row)
    session.flush()
    return row


def grants_of(
    session: Session, *, level_id: int | None = None, person_id: int | None = None, department: str = ""
) -> Sequence[access.AccessGrant]:
    """Return the grants of a level, or of a person with those of the person's department."""
    query = select(access.AccessGrant)
    if level_id is not None:
        query = query.where(access.AccessGrant.level_id == level_id)
    theirs = []
    if person_id is not None:
        theirs.append(access.AccessGrant.person_id == person_id)
    if department:
        theirs.append(access.AccessGrant.department == department)
    if theirs:
        query = query.where(or_(*theirs))
    return session.scalars(query.order_by(access.AccessGrant.id)).all()


def get_grant(session: Session, grant_id: int) -> access.AccessGrant:
    row = session.get(access.AccessGrant, grant_id)
    if row is None:
        raise UserError("this grant is gone: somebody may have taken it back meanwhile")
    return row


def people_without(session: Session, level_id: int) -> Sequence[int]:
    """Return the active people who do not have this level themselves."""
    person = Person
    has = exists().where(access.AccessGrant.person_id == person.id, access.AccessGrant.level_id == level_id)
    return session.scalars(select(person.id).where(person.active, ~has).order_by(person.id)).all()


def state_of(session: Session, person_id: int) -> access.AccessState:
    """Return the person's row of access, made if there is none."""
    row = session.get(access.AccessState, person_id)
    if row is None:
        row = access.AccessState(person_id=person_id, reason="", exemptions=[])
        session.add(row)
        session.flush()
    return row


def add_override(session: Session, **values: Any) -> access.DoorOverride:
    row = access.DoorOverride(**values)
    session.add(row)
    session.flush()
    return row


def open_overrides(session: Session) -> Sequence[access.DoorOverride]:
    """Return the overrides that nobody ended, the newest first."""
    query = select(access.DoorOverride).where(access.DoorOverride.ended_at.is_(None))
    return session.scalars(query.order_by(access.DoorOverride.id.desc())).all()


def get_override(session: Session, override_id: int) -> access.DoorOverride:
    row = session.get(access.DoorOverride, override_id)
    if row is None:
        raise UserError("this entry is gone: somebody may have deleted it meanwhile")
    return row
