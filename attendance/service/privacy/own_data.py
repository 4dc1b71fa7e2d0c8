"""Everything that is stored about one person, for that person.

In: a session, a person's id, the present instant.  Out: plain values for a file.
Does not know: who is signed in, pages, files.
Main choice: every table that holds something about a person is listed in `DISCLOSED`, and a test compares it with
the schema, so that a new table is not forgotten.  Trade-off: a face's numbers themselves are not given out,
because anybody who finds the file could use them.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from attendance.service.access.log import all_passages
from attendance.store.hours import corrections
from attendance.store.hours.leave import leave_between
from attendance.store.people import grown, people, templates
from attendance.store.people.credentials import secret_of
from attendance.store.tables.access import AccessGrant, AccessLevel, AccessState, Area, MusterRow, PersonPlace
from attendance.store.tables.hours import DayTotal, HoursEdge, LeaveEntitlement, PersonCalendar, Roster, RosterDay
from attendance.store.tables.operators import Operator, SignIn
from attendance.store.tables.people import ConsentRow, EmploymentRow, LookAlike, PersonLink, Visit

# Each table that refers to people, and its key in `everything_about`; None: nothing to disclose.
DISCLOSED: dict[str, str | None] = {
    "consents": "consents",
    "templates": "face_templates",
    "grown_templates": "grown_templates",
    "pin_proofs": None,  # that a PIN was accepted a moment ago; it ends within minutes, and the check-in says the same
    "camera_enrolments": None,  # photos that wait some minutes for a decision; what is confirmed is a template
    "person_keys": None,  # the key that opens the templates, and nothing more
    "look_alikes": "look_alikes",
    "passages": "check_ins",
    "operators": "operator",
    "rosters": "rosters",
    "roster_days": "days_with_another_shift",
    "employments": "employments",
    "leave": "leave",
    "leave_entitlements": "days_of_leave_a_year",
    "person_calendars": "holiday_calendars",
    "corrections": "corrections",
    "day_totals": "written_down_days",
    "hours_edges": "in_when_older_check_ins_were_deleted",
    "person_secrets": "pin_and_badge",
    "person_links": "links",
    "sign_ins": "sign_ins",
    "access_grants": "access_levels",
    "access_states": "access",
    "person_places": "place",
    "muster_rows": "musters",
    "visits": "visits",
}


def everything_about(session: Session, person_id: int, now: datetime) -> dict[str, Any]:
    """Return all that is stored about a person, as values that JSON knows; times are UTC."""
    person = people.get_person(session, person_id)
    secret = secret_of(session, person_id)
    disclosed: dict[str, Any] = {
        "told_at": _text(now),
        "person": {
            "name": person.name,
            "staff_number": person.staff_number,
            "department": person.department,
            "active": person.active,
            "notes": person.notes,
            "visitor": person.visitor,
            "added_at": _text(person.created_at),
            "changed_at": _text(person.updated_at),
        },
        "consent": {
            "access_since": _text(person.access_consent_at),
            "working_time_since": _text(person.attendance_consent_at),
            "growth_of_templates_since": _text(person.growth_consent_at),
        },
        "consents": _rows(session, ConsentRow, person_id),
        "pin_and_badge": {
            "pin_set_at": _text(secret.pin_set_at) if secret else None,
            "badge_made_at": _text(secret.badge_made_at) if secret else None,
        },
        "face_templates": [
            {
                "added_at": _text(row.created_at),
                "from": row.source,
                "model": row.model_id,
                "quality": row.quality,
                # Of the sealed bytes: it shows whether it is still the same one, and nothing of the face.
                "sealed_sha256": hashlib.sha256(row.vector).hexdigest(),
            }
            for row in templates.list_templates(session, person_id)
        ],
        "grown_templates": _grown(session, person_id),
        "check_ins": [
            {
                "at": _text(view.passage.at),
                "where": view.passage.camera,
                "direction": view.passage.direction.value,
                "by": view.passage.method.value,
                "score": view.passage.score,
                "counts_as_working_time": view.passage.for_hours,
            }
            for view in all_passages(session, person_id=person_id)
        ],
    }
    alike = select(LookAlike).where(or_(LookAlike.person_id == person_id, LookAlike.other_id == person_id))
    # Only the number: the other person's likeness is private, too.
    disclosed["look_alikes"] = sum(pair.listed for pair in session.scalars(alike))
    return disclosed | _working_time(session, person_id) | _access(session, person_id)


def _grown(session: Session, person_id: int) -> list[dict[str, Any]]:
    """Return the looks of confirmed passages that became templates, without their numbers."""
    return [
        {
            "added_at": _text(row.grown_at),
            "where": row.camera,
            "model": row.model_id,
            "quality": row.quality,
            "waits_until": _text(row.usable_at),
            "in_use_since": _text(row.used_since),
            "sealed_sha256": hashlib.sha256(row.vector).hexdigest(),
        }
        for row in grown.of_person(session, person_id)
    ]


def _working_time(session: Session, person_id: int) -> dict[str, Any]:
    states = ("requested", "approved", "refused", "withdrawn")
    leave = leave_between(session, date.min, date.max, person_id=person_id, states=states)
    return {
        "corrections": [_row(row) for row in corrections.corrections(session, person_id=person_id, limit=100_000)],
        "leave": [_row(row) for row in leave],
        "employments": _rows(session, EmploymentRow, person_id),
        "days_of_leave_a_year": _rows(session, LeaveEntitlement, person_id),
        "holiday_calendars": _rows(session, PersonCalendar, person_id),
        "rosters": _rows(session, Roster, person_id),
        "days_with_another_shift": _rows(session, RosterDay, person_id),
        "written_down_days": _rows(session, DayTotal, person_id),
        "in_when_older_check_ins_were_deleted": _rows(session, HoursEdge, person_id),
    }


def _access(session: Session, person_id: int) -> dict[str, Any]:
    links = session.scalars(select(PersonLink).where(PersonLink.person_id == person_id).order_by(PersonLink.id))
    signed_in = session.scalars(select(SignIn).where(SignIn.person_id == person_id).order_by(SignIn.begun_at))
    operators = session.scalars(select(Operator).where(Operator.person_id == person_id).order_by(Operator.id))
    return {
        "links": [
            {"made_at": _text(link.created_at), "made_by": link.created_by, "used_at": _text(link.used_at)}
            for link in links
        ],
        "sign_ins": [
            {"at": _text(row.begun_at), "last_used_at": _text(row.seen_at), "from": row.address, "by": row.browser}
            for row in signed_in
        ],
        "operator": [{"user_name": operator.username, "role": operator.role} for operator in operators],
    } | _doors(session, person_id)


def _doors(session: Session, person_id: int) -> dict[str, Any]:
    grants = session.execute(
        select(AccessGrant, AccessLevel.name)
        .join(AccessLevel, AccessLevel.id == AccessGrant.level_id)
        .where(AccessGrant.person_id == person_id)
        .order_by(AccessGrant.id)
    )
    state, place = session.get(AccessState, person_id), session.get(PersonPlace, person_id)
    area = session.get(Area, place.area_id) if place is not None and place.area_id is not None else None
    return {
        "access_levels": [
            {"level": level, "from": _text(grant.valid_from), "until": _text(grant.valid_to), "by": grant.created_by}
            for grant, level in grants
        ],
        # Nothing of a PIN of duress: who forces somebody could ask for this page, too.
        "access": state
        and {
            "enabled": state.enabled,
            "reason": state.reason,
            "locked_until": _text(state.locked_until),
            "locked_out_since": _text(state.locked_at),
            "more_time_at_doors": state.extended,
            "exempt_from": state.exemptions,
        },
        "musters": _rows(session, MusterRow, person_id),
        "visits": _visits(session, person_id),
        "place": place and {"area": area.name if area is not None else None, "since": _text(place.since)},
    }


def _visits(session: Session, person_id: int) -> dict[str, Any]:
    """Return the visits of a visitor, and when a host had visitors: without names, since the others' are private."""
    received = select(Visit).where(Visit.host_id == person_id).order_by(Visit.id)
    made = _rows(session, Visit, person_id)
    for row in made:
        del row["host_id"]
    return {
        "as_a_visitor": made,
        "as_a_host": [
            {"from": _text(row.begins_at), "until": _text(row.ended_at or row.ends_at)}
            for row in session.scalars(received)
        ],
    }


def _rows(session: Session, table: Any, person_id: int) -> list[dict[str, Any]]:
    return [_row(row) for row in session.scalars(select(table).where(table.person_id == person_id))]


def _row(row: Any) -> dict[str, Any]:
    """Return a row without the id of its person."""
    names = [column.key for column in row.__table__.columns if column.key != "person_id"]
    return {name: _text(getattr(row, name)) for name in names}


def _text(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
