"""The rules of doors: rows in the database, and the domain's `Policy`.

In: a session, the site's zone.  Out: a `Policy`; the version of the rules.
Does not know: who may change a rule (`service/access/policy`), the state of doors.
Main choice: the version is a counter that each change of the rules bumps in its own transaction, so that a program that
keeps the rules in memory reads one number to know whether they are the newest.  Grants and people are read for one
person only, since a decision needs no others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from attendance.domain.access.rules.doors import (
    AccessPoint,
    Antipassback,
    Area,
    Door,
    Mode,
    Override,
    PointSource,
    Source,
)
from attendance.domain.access.rules.factors import Factor, FactorRule
from attendance.domain.access.rules.levels import Entry, Grant, Level
from attendance.domain.access.rules.people import Exemption, PersonState
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.schedule import Schedule, Window
from attendance.domain.people.consent import Purpose
from attendance.store import settings
from attendance.store.tables import access
from attendance.store.tables.cameras import Camera
from attendance.store.tables.people import Person

VERSION = "policy_version"
DEFAULT_LEVEL = "default_level"


def version(session: Session) -> int:
    return int(settings.get(session, VERSION, 0))


def bump_version(session: Session, at: datetime) -> int:
    """Count one more change of the rules, in the caller's transaction; return the new version."""
    settings.touch(session, VERSION, at)  # write before reading, so that no other change gets in between
    new = version(session) + 1
    settings.put(session, VERSION, new, at)
    return new


# --- the policy ------------------------------------------------------------------------------------


def load_rules(session: Session, zone: tzinfo) -> Policy:
    """Return the rules without grants, people and overrides: what `version` counts the changes of."""
    entries: dict[int, list[Entry]] = {}
    for row in session.scalars(select(access.LevelEntry)):
        entries.setdefault(row.level_id, []).append(Entry(row.schedule_id, row.door_id, row.door_group))
    special: dict[int, dict[Any, tuple[Window, ...]]] = {}
    for day in session.scalars(select(access.SpecialDay)):
        special.setdefault(day.schedule_id, {})[day.day] = windows(day.windows)
    return Policy(
        version=version(session),
        zone=zone,
        areas={row.id: area_of(row) for row in session.scalars(select(access.Area))},
        doors={row.id: door_of(row) for row in session.scalars(select(access.Door))},
        points={row.name: point_of(row) for row in session.scalars(select(access.AccessPoint))},
        schedules={
            row.id: Schedule(row.id, row.name, tuple(windows(day) for day in row.week), special.get(row.id, {}))
            for row in session.scalars(select(access.Schedule))
        },
        levels={
            row.id: Level(row.id, row.name, tuple(entries.get(row.id, ())))
            for row in session.scalars(select(access.AccessLevel))
        },
    )


def for_person(session: Session, rules: Policy, person_id: int | None) -> Policy:
    """Return the rules with the overrides in force and what concerns this person, as the database has it now."""
    person = None if person_id is None else session.get(Person, person_id, populate_existing=True)
    if person is None:
        return replace(rules, overrides=overrides(session))
    theirs = access.AccessGrant.person_id == person.id
    if person.department and not person.visitor:
        theirs = or_(theirs, access.AccessGrant.department == person.department)
    query = select(access.AccessGrant).where(theirs)
    state = session.get(access.AccessState, person.id, populate_existing=True)
    return replace(
        rules,
        grants=grants(session, query),
        people={person.id: person_state(person, state)},
        overrides=overrides(session),
    )


def for_everybody(session: Session, rules: Policy) -> Policy:
    """Return the rules with every grant, every person on record and the overrides in force."""
    states = {row.person_id: row for row in session.scalars(select(access.AccessState))}
    people = {row.id: person_state(row, states.get(row.id)) for row in session.scalars(select(Person))}
    return replace(
        rules, grants=grants(session, select(access.AccessGrant)), people=people, overrides=overrides(session)
    )


def grants(session: Session, query: Select[access.AccessGrant]) -> tuple[Grant, ...]:
    rows = session.scalars(query.order_by(access.AccessGrant.id))
    return tuple(
        Grant(row.id, row.level_id, row.person_id, row.department, row.valid_from, row.valid_to) for row in rows
    )


def overrides(session: Session) -> tuple[Override, ...]:
    """Return the overrides that nobody ended; which of them hold now, the rules know."""
    rows = session.scalars(
        select(access.DoorOverride).where(access.DoorOverride.ended_at.is_(None)).order_by(access.DoorOverride.id)
    )
    return tuple(
        Override(row.id, Mode(row.mode), Source(row.source), row.since, row.until, row.door_id) for row in rows
    )


def camera_names(session: Session) -> list[str]:
    """Return every camera that a daemon ever held and that was not removed."""
    return list(session.scalars(select(Camera.name).where(Camera.removed_at.is_(None)).order_by(Camera.name)))


# --- rows as values --------------------------------------------------------------------------------


def windows(day: Iterable[Iterable[int]]) -> tuple[Window, ...]:
    return tuple(Window(*span) for span in day)


def area_of(row: access.Area) -> Area:
    return Area(row.id, row.name, row.occupancy_max, Antipassback(row.antipassback), row.reset_min, row.reset_at)


def door_of(row: access.Door) -> Door:
    return Door(
        id=row.id,
        name=row.name,
        enabled=row.enabled,
        group=row.group,
        release_s=row.release_s,
        extended_release_s=row.extended_release_s,
        contact=row.contact,
        interlock_group=row.interlock_group,
        standing=Mode(row.standing),
        unlock_schedule=row.unlock_schedule_id,
        unlock_after_first=row.unlock_after_first,
        lock_schedule=row.lock_schedule_id,
        first_level=row.first_level_id,
        two_person_s=row.two_person_s,
        usual_schedule=row.usual_schedule_id,
        step_up=frozenset(row.step_up),
        factor_timeout_s=row.factor_timeout_s,
        offline_s=row.offline_s,
    )


def point_of(row: access.AccessPoint) -> AccessPoint:
    return AccessPoint(
        id=row.id,
        name=row.name,
        door=row.door_id,
        source=PointSource(row.source),
        area_from=row.area_from_id,
        area_to=row.area_to_id,
        factors=tuple(factor_rule(rule) for rule in row.factors),
        enabled=row.enabled,
        purposes=frozenset(Purpose(one) for one in row.purposes.split("+")),
    )


def factor_rule(stored: dict[str, Any]) -> FactorRule:
    sets = tuple(frozenset(Factor(factor) for factor in each) for each in stored["sets"])
    return FactorRule(sets, stored.get("schedule"), bool(stored.get("challenge")))


def person_state(person: Person, state: access.AccessState | None) -> PersonState:
    """Return what the rules know about a person; employment that ends ends access, too.

    A visitor belongs to no department, so that nothing but a visit gives access.
    """
    known = PersonState(
        person.id,
        "" if person.visitor else person.department,
        person.active,
        person.access_consent_at is not None,
        person.attendance_consent_at is not None,
        valid_to=person.ends_at,
    )
    if state is None:
        return known
    return replace(
        known,
        enabled=person.active and state.enabled,
        locked_until=state.locked_until,
        extended=state.extended,
        exemptions=frozenset(Exemption(each) for each in state.exemptions),
    )


def state_of(session: Session, person_id: int) -> access.AccessState:
    """Return the person's row of access, made if there is none."""
    row = session.get(access.AccessState, person_id, populate_existing=True)
    if row is None:
        row = access.AccessState(person_id=person_id, reason="", exemptions=[])
        session.add(row)
        session.flush()
    return row


# --- the level of new people -----------------------------------------------------------------------


def default_level(session: Session) -> int | None:
    """Return the access level that people get when they are added; None: they get none."""
    found = settings.get(session, DEFAULT_LEVEL)
    return found if isinstance(found, int) and session.get(access.AccessLevel, found) is not None else None


def grant_default(session: Session, person_id: int, at: datetime) -> None:
    """Give a person without any grant the site's default level, if there is one; a visitor never gets it."""
    level = default_level(session)
    if level is not None and session.scalar(select(Person.visitor).where(Person.id == person_id)):
        return
    there = select(access.AccessGrant.id).where(access.AccessGrant.person_id == person_id).limit(1)
    if level is None or session.scalar(there) is not None:
        return
    session.add(access.AccessGrant(level_id=level, person_id=person_id, created_at=at, created_by="default"))
    session.flush()


def rename_department(session: Session, before: str, after: str) -> None:
    """Let grants to a department follow its name."""
    for row in session.scalars(select(access.AccessGrant).where(access.AccessGrant.department == before)):
        row.department = after
    session.flush()
