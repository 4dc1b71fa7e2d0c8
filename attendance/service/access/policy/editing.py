"""Changing the rules of doors: schedules, access levels, and who has them.

In: a session, checked values.  Out: changed rows, and a new version of the rules in the same transaction.
Does not know: pages, who may do it.  Views record their acts in the audit; what a command does is recorded here.
Main choice: what is in use cannot be deleted; the error says who uses it, so that nobody loses access by surprise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.access.rules.schedule import Day, Week
from attendance.errors import UserError
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject, Value
from attendance.store import settings
from attendance.store.access import policies
from attendance.store.tables.access import (
    AccessGrant,
    AccessLevel,
    AccessPoint,
    Door,
    LevelEntry,
    Schedule,
    SpecialDay,
)
from attendance.store.tables.people import Person

VISITOR_LEVELS = "visitor_levels"  # of `settings`: numbers of access levels


@dataclass(frozen=True, slots=True)
class Granted:
    """Who has a level.  `who`: a person's or department's name; `valid_to` is exclusive."""

    id: int
    level: int
    who: str
    person: int | None
    valid_from: datetime | None
    valid_to: datetime | None


# --- schedules -------------------------------------------------------------------------------------


def save_schedule(session: Session, schedule_id: int | None, name: str, week: Week, at: datetime) -> int:
    """Make or change a schedule; return its number."""
    row = Schedule() if schedule_id is None else _schedule(session, schedule_id)
    row.name, row.week = _named(name), [_stored(day) for day in week]
    return _added(session, row, at)


def schedule_with(session: Session, week: Week) -> int | None:
    """Return the first schedule that has this week and no special days, so that nobody makes it twice; or None."""
    special = select(SpecialDay.schedule_id)
    rows = session.scalars(select(Schedule).where(Schedule.id.not_in(special)).order_by(Schedule.id))
    stored = [_stored(day) for day in week]
    return next((row.id for row in rows if row.week == stored), None)


def set_special_day(session: Session, schedule_id: int, on: date, windows: Day | None, at: datetime) -> None:
    """Give a date other windows; None: it is an ordinary day again."""
    _schedule(session, schedule_id)
    row = session.get(SpecialDay, (schedule_id, on))
    if windows is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(SpecialDay(schedule_id=schedule_id, day=on, windows=_stored(windows)))
    else:
        row.windows = _stored(windows)
    policies.bump_version(session, at)


def delete_schedule(session: Session, schedule_id: int, at: datetime) -> None:
    row = _schedule(session, schedule_id)
    of_door = (Door.unlock_schedule_id, Door.lock_schedule_id, Door.usual_schedule_id)
    used = session.scalars(select(Door.name).where(or_(*(column == schedule_id for column in of_door)))).all()
    levels = select(AccessLevel.name).join(LevelEntry, LevelEntry.level_id == AccessLevel.id)
    used = [*used, *session.scalars(levels.where(LevelEntry.schedule_id == schedule_id).distinct())]
    for name, factors in session.execute(select(AccessPoint.name, AccessPoint.factors)):
        if any(rule.get("schedule") == schedule_id for rule in factors):
            used.append(name)
    if used:
        raise UserError("this schedule is used by %(names)s: change that first", names=", ".join(used[:5]))
    session.delete(row)
    policies.bump_version(session, at)


# --- access levels ---------------------------------------------------------------------------------


def save_level(session: Session, level_id: int | None, name: str, at: datetime) -> int:
    row = AccessLevel() if level_id is None else _level(session, level_id)
    row.name = _named(name)
    return _added(session, row, at)


def delete_level(session: Session, level_id: int, at: datetime) -> None:
    row = _level(session, level_id)
    grants = session.scalar(select(func.count()).where(AccessGrant.level_id == level_id)) or 0
    doors = session.scalars(select(Door.name).where(Door.first_level_id == level_id)).all()
    if grants or doors or policies.default_level(session) == level_id:
        raise UserError("this access level is in use: take it from everybody first, and from new people and doors")
    session.execute(delete(LevelEntry).where(LevelEntry.level_id == level_id))
    open_to_visitors(session, level_id, False, at)  # a later level may get this number
    session.delete(row)
    policies.bump_version(session, at)


def add_entry(session: Session, level_id: int, door_id: int | None, group: str, schedule_id: int, at: datetime) -> None:
    """Let a level open a door, or all doors of a group, by a schedule."""
    _level(session, level_id)
    _schedule(session, schedule_id)
    if (door_id is None) is (group == ""):
        raise UserError("choose a door or a group of doors")
    if door_id is not None and session.get(Door, door_id) is None:
        raise UserError("this door is not there any more")
    session.add(LevelEntry(level_id=level_id, door_id=door_id, door_group=group, schedule_id=schedule_id))
    policies.bump_version(session, at)


def remove_entry(session: Session, level_id: int, entry_id: int, at: datetime) -> None:
    session.execute(delete(LevelEntry).where(LevelEntry.id == entry_id, LevelEntry.level_id == level_id))
    policies.bump_version(session, at)


def set_default_level(session: Session, level_id: int | None, at: datetime) -> None:
    """Choose the level that people get when they are added; None: none."""
    if level_id is not None:
        _level(session, level_id)
    settings.put(session, policies.DEFAULT_LEVEL, level_id, at)


def choose_default_level(
    session: Session, actor: Actor, at: datetime, level_id: int | None, also_present: bool = False
) -> int:
    """Choose the level of new people and note it in the audit; return how many of those on record got it, too.

    `also_present`: give it to the active people who do not have it.
    """
    set_default_level(session, level_id, at)
    given: Sequence[int] = ()
    if level_id is not None and also_present:
        has = exists().where(AccessGrant.person_id == Person.id, AccessGrant.level_id == level_id)
        given = session.scalars(
            select(Person.id).where(Person.active, Person.visitor.is_(False), ~has).order_by(Person.id)
        ).all()
        for person in given:
            give(session, level_id, person, "", valid_from=None, valid_to=None, by=actor.name, at=at)
    detail: dict[str, Value] = {"what": "default level", "people": len(given)}
    subject = Subject("access level", level_id or "none")
    audit.record(session, actor=actor, action=Action.CHANGE_DOOR_RULES, at=at, subject=subject, detail=detail)
    return len(given)


def let_everybody_pass(session: Session, actor: Actor, at: datetime) -> int:
    """Choose the first access level for those who are there and those who are added; return how many got it now."""
    first = session.scalars(select(AccessLevel.id).order_by(AccessLevel.id).limit(1)).one()
    return choose_default_level(session, actor, at, first, also_present=True)


def visitor_levels(session: Session) -> frozenset[int]:
    """Return the levels that whoever invites a visitor may give; others only by whoever edits access levels."""
    return frozenset(settings.get(session, VISITOR_LEVELS, ()))


def open_to_visitors(session: Session, level_id: int, on: bool, at: datetime) -> None:
    """Let whoever invites visitors give them this level, or no longer; visits that were given it go on."""
    _level(session, level_id)
    there = visitor_levels(session)
    if on is not (level_id in there):
        settings.put(session, VISITOR_LEVELS, sorted(there ^ {level_id}), at)


def level_names(session: Session) -> dict[str, int]:
    """Return the number of each access level by its name."""
    return {name: number for number, name in session.execute(select(AccessLevel.id, AccessLevel.name))}


# --- grants ----------------------------------------------------------------------------------------


def give(
    session: Session, level_id: int, person_id: int | None, department: str, *,
    valid_from: datetime | None, valid_to: datetime | None, by: str, at: datetime, for_visit: bool = False,
) -> int:  # fmt: skip
    """Give a level to a person or a department; return the grant's number.  `valid_to` is exclusive.

    `for_visit`: of a visit; a visitor gets access in no other way, so that it ends with the visit.
    """
    _level(session, level_id)
    if (person_id is None) is (department == ""):
        raise UserError("choose a person or a department")
    person = None if person_id is None else session.get(Person, person_id)
    if person_id is not None and person is None:
        raise UserError("this person is not there any more")
    if person is not None and person.visitor and not for_visit:
        raise UserError("%(name)s is a visitor, who passes during visits only: invite them", name=person.name)
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise UserError("the last day is before the first")
    row = AccessGrant(
        level_id=level_id, person_id=person_id, department=department, valid_from=valid_from, valid_to=valid_to,
        created_at=at, created_by=by[:100],
    )  # fmt: skip
    session.add(row)
    session.flush()
    policies.bump_version(session, at)
    return row.id


def take(session: Session, level_id: int, grant_id: int, at: datetime) -> bool:
    """Take a level away; return False if it was taken before."""
    row = session.get(AccessGrant, grant_id)
    if row is None or row.level_id != level_id:
        return False
    session.delete(row)
    policies.bump_version(session, at)
    return True


def granted(session: Session, level_id: int) -> Sequence[Granted]:
    """Return who has a level: departments, then people, by name."""
    query = (
        select(AccessGrant, Person.name)
        .outerjoin(Person, Person.id == AccessGrant.person_id)
        .where(AccessGrant.level_id == level_id)
    )
    found = [
        Granted(row.id, row.level_id, name or row.department, row.person_id, row.valid_from, row.valid_to)
        for row, name in session.execute(query)
    ]
    return sorted(found, key=lambda one: (one.person is not None, one.who.casefold(), one.id))


def counts(session: Session) -> dict[int, int]:
    """Return the number of grants of each level."""
    rows = session.execute(select(AccessGrant.level_id, func.count()).group_by(AccessGrant.level_id))
    return {level: count for level, count in rows}  # noqa: C416  typed as pairs so


def entries(session: Session, level_id: int) -> Sequence[tuple[int, int | None, str, int]]:
    """Return a level's lines: number, door, group, schedule."""
    rows = session.scalars(select(LevelEntry).where(LevelEntry.level_id == level_id).order_by(LevelEntry.id))
    return [(row.id, row.door_id, row.door_group, row.schedule_id) for row in rows]


# --- shared ----------------------------------------------------------------------------------------


def _stored(day: Day) -> list[list[int]]:
    return [[window.start, window.end] for window in day]


def _named(name: str) -> str:
    if not name:
        raise UserError("enter a name")
    return name[:100]


def _added(session: Session, row: Schedule | AccessLevel, at: datetime) -> int:
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError("%(name)s is taken: choose another name", name=row.name) from error
    policies.bump_version(session, at)
    return row.id


def _schedule(session: Session, schedule_id: int) -> Schedule:
    row = session.get(Schedule, schedule_id, populate_existing=True)
    if row is None:
        raise UserError("this schedule is not there any more")
    return row


def _level(session: Session, level_id: int) -> AccessLevel:
    row = session.get(AccessLevel, level_id, populate_existing=True)
    if row is None:
        raise UserError("this access level is not there any more")
    return row
