"""Changing the rules of doors: checked, written into the audit, counted as a new version of the rules.

In: a session, an actor, plain values of forms.  Out: rows; UserError that says what is wrong.
Does not know: pages, drivers, whether the actor has just confirmed the password (the pages ask for that).
Main choice: one function a thing, for adding and changing alike.  An override is never changed: it is ended, and
another one made.  Trade-off: the version grows with every change, also with one that changes no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from attendance.domain.access.rules.doors import Antipassback, Mode, PointSource, Source
from attendance.domain.access.rules.factors import Doubt, Factor
from attendance.domain.access.rules.levels import Entry
from attendance.domain.access.rules.people import Exemption
from attendance.domain.access.rules.schedule import MINUTES, Day, Week
from attendance.errors import UserError
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject, Value
from attendance.store import settings
from attendance.store.access import policies, rule_rows
from attendance.store.access.rule_rows import (
    AccessGrant,
    AccessLevel,
    AccessPoint,
    AccessState,
    Area,
    Door,
    DoorOverride,
    Schedule,
)

LONGEST_NAME = 100
_SECONDS = {
    "release_s": (0.5, 60),
    "extended_release_s": (0.5, 120),
    "open_too_long_s": (0, 3600),
    "prealarm_s": (0, 3600),
    "passage_s": (0, 60),
    "two_person_s": (0, 120),
    "factor_timeout_s": (5, 120),
    "offline_s": (0, 3600),
}


# --- areas, doors, access points -------------------------------------------------------------------


def save_area(session: Session, actor: Actor, at: datetime, area_id: int | None, values: Mapping[str, Any]) -> Area:
    """Add or change an area; the keys are the columns of `Area`."""
    checked = _named(values)
    _one_of(checked, "antipassback", Antipassback)
    for key, least, most in (
        ("occupancy_max", 1, 100_000),
        ("reset_min", 1, 7 * MINUTES),
        ("reset_at", 0, MINUTES - 1),
    ):
        _within(checked, key, least, most)
    row = rule_rows.save_named(session, Area, area_id, checked)
    _changed(session, actor, at, "area", row.id)
    return row


def save_door(session: Session, actor: Actor, at: datetime, door_id: int | None, values: Mapping[str, Any]) -> Door:
    """Add or change a door; the keys are the columns of `Door`, without its driver's settings.

    UserError for values out of bounds, and for an interlock without a contact, which would refuse everybody.
    """
    checked = _named(values)
    _one_of(checked, "standing", Mode, without=Mode.LOCKDOWN)
    for key, (least, most) in _SECONDS.items():
        _within(checked, key, least, most)
    unknown = set(checked.get("step_up", ())) - {str(doubt) for doubt in Doubt}
    if unknown:
        raise UserError("%(word)s is not a doubt that a door can ask about", word=sorted(unknown)[0])
    if door_id is None:
        _write_points_down(session)
    row = rule_rows.save_named(session, Door, door_id, checked)
    if row.interlock_group and not row.contact:
        raise UserError("a door of an interlock needs a contact: without one nobody knows whether it is closed")
    _changed(session, actor, at, "door", row.id)
    return row


def save_point(
    session: Session, actor: Actor, at: datetime, point_id: int | None, values: Mapping[str, Any]
) -> AccessPoint:
    """Add or change an access point; `factors`: rules as the column holds them."""
    checked = _named(values)
    _one_of(checked, "source", PointSource)
    for rule in checked.get("factors", ()):
        try:
            policies.factor_rule(rule)
        except (ValueError, KeyError, TypeError) as error:
            known = ", ".join(Factor)
            raise UserError("each set of proofs names at least one of %(known)s", known=known) from error
    row = rule_rows.save_named(session, AccessPoint, point_id, checked)
    _changed(session, actor, at, "access point", row.id)
    return row


def remove(
    session: Session,
    actor: Actor,
    at: datetime,
    table: type[Area] | type[Door] | type[Schedule] | type[AccessLevel] | type[AccessPoint],
    row_id: int,
) -> None:
    """Delete a rule's part; UserError while another one uses it."""
    row: Any = rule_rows.get_named(session, table, row_id)  # type: ignore[type-var]
    rule_rows.delete_row(session, row)
    _changed(session, actor, at, f"removed {table.__tablename__}", row_id)


def _write_points_down(session: Session) -> None:
    """Give every known camera its access point, before a second door makes it unclear where it belongs."""
    doors = rule_rows.all_named(session, Door)
    if len(doors) != 1:
        return
    there = {point.name for point in rule_rows.all_named(session, AccessPoint)}
    for name in policies.camera_names(session):
        if name not in there:
            session.add(AccessPoint(name=name, door_id=doors[0].id))
    session.flush()


# --- schedules and levels --------------------------------------------------------------------------


def save_schedule(
    session: Session, actor: Actor, at: datetime, schedule_id: int | None, name: str, week: Week
) -> Schedule:
    """Add or change a schedule's week."""
    values = _named({"name": name}) | {"week": rule_rows.plain_week(week)}
    row = rule_rows.save_named(session, Schedule, schedule_id, values)
    _changed(session, actor, at, "schedule", row.id)
    return row


def save_special_day(
    session: Session, actor: Actor, at: datetime, schedule_id: int, day: date, windows: Day | None
) -> None:
    """Let the schedule hold in these windows on this date, () for never; None removes the special day."""
    rule_rows.get_named(session, Schedule, schedule_id)
    rule_rows.put_special_day(session, schedule_id, day, windows)
    _changed(session, actor, at, "schedule", schedule_id)


def save_level(
    session: Session, actor: Actor, at: datetime, level_id: int | None, name: str, lines: Sequence[Entry]
) -> AccessLevel:
    """Add or change an access level and its lines."""
    row = rule_rows.save_named(session, AccessLevel, level_id, _named({"name": name}))
    rule_rows.put_entries(session, row.id, [(line.door, line.group, line.schedule) for line in lines])
    _changed(session, actor, at, "level", row.id)
    return row


def choose_default_level(
    session: Session, actor: Actor, at: datetime, level_id: int | None, also_present: bool = False
) -> int:
    """Choose the level that people get when they are added, None for none; return how many got it now.

    `also_present`: give it to the active people who do not have it, too.
    """
    settings.put(session, policies.DEFAULT_LEVEL, level_id or 0, at)
    given: Sequence[int] = ()
    if level_id is not None:
        rule_rows.get_named(session, AccessLevel, level_id)
        given = rule_rows.people_without(session, level_id) if also_present else ()
        for person_id in given:
            rule_rows.add_grant(session, level_id, person_id, "", None, None, actor.name, at)
    _changed(session, actor, at, "default level", level_id or 0, people=len(given))
    return len(given)


def let_everybody_pass(session: Session, actor: Actor, at: datetime) -> int:
    """Choose the first access level for those who are there and those who are added; return how many got it now."""
    [level, *_] = sorted(rule_rows.all_named(session, AccessLevel), key=lambda row: row.id)
    return choose_default_level(session, actor, at, level.id, also_present=True)


# --- people ----------------------------------------------------------------------------------------


def give(
    session: Session,
    actor: Actor,
    at: datetime,
    level_id: int,
    *,
    person_id: int | None = None,
    department: str = "",
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> AccessGrant:
    """Give a level to a person or a department.  `valid_to` is exclusive: the midnight after the last day."""
    if (person_id is None) is (not department):
        raise UserError("choose a person or a department")
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise UserError("the last day is before the first one: change one of them")
    rule_rows.get_named(session, AccessLevel, level_id)
    row = rule_rows.add_grant(session, level_id, person_id, department, valid_from, valid_to, actor.name, at)
    subject = Subject("person", person_id) if person_id is not None else None
    _audit(session, actor, at, Action.GRANT_ACCESS, subject, level=level_id, grant=row.id)
    policies.bump_version(session, at)
    return row


def take_back(session: Session, actor: Actor, at: datetime, grant_id: int) -> None:
    """Take a grant back; it ends at once."""
    row = rule_rows.get_grant(session, grant_id)
    subject = Subject("person", row.person_id) if row.person_id is not None else None
    session.delete(row)
    _audit(session, actor, at, Action.REVOKE_ACCESS, subject, level=row.level_id, grant=grant_id)
    policies.bump_version(session, at)


def save_person(session: Session, actor: Actor, at: datetime, person_id: int, values: Mapping[str, Any]) -> AccessState:
    """Change what doors know about a person: enabled, reason, locked_until, extended, exemptions."""
    unknown = set(values.get("exemptions", ())) - {str(each) for each in Exemption}
    if unknown or set(values) - {"enabled", "reason", "locked_until", "extended", "exemptions"}:
        raise UserError("doors know no such thing about a person")
    row = rule_rows.state_of(session, person_id)
    for key, value in values.items():
        setattr(row, key, value)
    session.flush()
    _audit(session, actor, at, Action.CHANGE_PERSON_ACCESS, Subject("person", person_id), enabled=row.enabled)
    policies.bump_version(session, at)
    return row


# --- overrides -------------------------------------------------------------------------------------


def hold_door(
    session: Session,
    actor: Actor,
    at: datetime,
    mode: Mode,
    reason: str,
    *,
    door_id: int | None = None,
    until: datetime | None = None,
) -> DoorOverride:
    """Lock, block or unlock a door, or put doors into lockdown; `door_id` None: all doors.

    UserError without a reason, and for an end that is over.  A lockdown needs no reason: it is one tap.
    """
    if mode is Mode.SECURE:
        raise UserError("a door is secure once its overrides have ended: end those")
    words = " ".join(reason.split())[:200]
    if not words and mode is not Mode.LOCKDOWN:
        raise UserError("write down why the door is held")
    if until is not None and until <= at:
        raise UserError("this end is over already: choose a later one")
    if door_id is not None:
        rule_rows.get_named(session, Door, door_id)
    row = rule_rows.add_override(
        session,
        door_id=door_id,
        mode=mode.value,
        source=(Source.EMERGENCY if mode is Mode.LOCKDOWN else Source.OPERATOR).value,
        since=at,
        until=until,
        reason=words,
        by=actor.name[:100],
    )
    _audit(session, actor, at, Action.HOLD_DOOR, Subject("door", door_id or "all"), mode=mode.value, reason=words)
    return row


def end_hold(session: Session, actor: Actor, at: datetime, override_id: int) -> None:
    """End an override; the row stays.  Ending it twice is the same."""
    row = rule_rows.get_override(session, override_id)
    if row.ended_at is not None:
        return
    row.ended_at, row.ended_by = at, actor.name[:100]
    session.flush()
    _audit(session, actor, at, Action.RELEASE_DOOR, Subject("door", row.door_id or "all"), mode=row.mode)


# --- what all of them share ------------------------------------------------------------------------


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(values)
    if "name" in checked:
        checked["name"] = " ".join(str(checked["name"]).split())
        if not checked["name"] or len(checked["name"]) > LONGEST_NAME:
            raise UserError("enter a name of at most %(most)s letters", most=LONGEST_NAME)
    return checked


def _one_of(values: dict[str, Any], key: str, words: Any, without: str | None = None) -> None:
    known = [str(word) for word in words if word != without]
    if key in values and str(values[key]) not in known:
        raise UserError("%(value)s is not one of %(known)s", value=values[key], known=", ".join(known))
    if key in values:
        values[key] = str(values[key])


def _within(values: Mapping[str, Any], key: str, least: float, most: float) -> None:
    value = values.get(key)
    if value is not None and not least <= value <= most:
        raise UserError("%(key)s must be from %(least)s to %(most)s", key=key, least=least, most=most)


def _changed(session: Session, actor: Actor, at: datetime, what: str, row_id: int, **detail: Value) -> None:
    policies.bump_version(session, at)
    _audit(session, actor, at, Action.CHANGE_DOOR_RULES, Subject("rules", row_id), what=what, **detail)


def _audit(
    session: Session, actor: Actor, at: datetime, action: Action, subject: Subject | None, **detail: Value
) -> None:
    audit.record(session, actor=actor, action=action, at=at, subject=subject, detail=detail)
