"""Everything that is stored about one person, for that person.

In: a session, a person's id, the present instant.  Out: plain values for a file.
Does not know: who is signed in, pages, files.
Main choice: every table that holds something about a person is listed in `TOLD`, and a test compares it with
the schema, so that a new table is not forgotten.  Trade-off: a face's numbers themselves are not given out,
because whoever found the file could use them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from attendance.service.access.log import all_passages
from attendance.store.hours import corrections, rosters
from attendance.store.people import people, templates
from attendance.store.people.credentials import secret_of
from attendance.store.tables.hours import DayTotal, Roster, RosterDay
from attendance.store.tables.operators import Operator
from attendance.store.tables.people import LookAlike, PersonLink

# Each table that refers to people, and where in `everything_about` it is told; None: nothing to tell.
TOLD: dict[str, str | None] = {
    "templates": "face_templates",
    "person_keys": None,  # the key that opens the templates, and nothing more
    "look_alikes": "look_alikes",
    "passages": "check_ins",
    "operators": "operator",
    "rosters": "rosters",
    "roster_days": "days_with_another_shift",
    "leave": "leave",
    "corrections": "corrections",
    "day_totals": "written_down_days",
    "person_secrets": "pin_and_badge",
    "person_links": "links",
}


def everything_about(session: Session, person_id: int, now: datetime) -> dict[str, Any]:
    """Return all that is stored about a person, as values that JSON knows; times are UTC."""
    person = people.get_person(session, person_id)
    secret = secret_of(session, person_id)
    told: dict[str, Any] = {
        "told_at": _text(now),
        "person": {
            "name": person.name,
            "staff_number": person.staff_number,
            "department": person.department,
            "active": person.active,
            "notes": person.notes,
            "added_at": _text(person.created_at),
            "changed_at": _text(person.updated_at),
        },
        "consent": {"given_at": _text(person.consent_at), "words": person.consent_text},
        "pin_and_badge": {
            "pin_set_at": _text(secret.pin_set_at) if secret else None,
            "badge_made_at": _text(secret.badge_made_at) if secret else None,
        },
        "face_templates": [
            {"added_at": _text(one.created_at), "from": one.source, "model": one.model_id, "quality": one.quality}
            for one in templates.list_templates(session, person_id)
        ],
        "check_ins": [
            {
                "at": _text(one.passage.at),
                "where": one.passage.camera,
                "direction": one.passage.direction.value,
                "by": one.passage.method.value,
                "score": one.passage.score,
            }
            for one in all_passages(session, person_id=person_id)
        ],
    }
    alike = select(LookAlike).where(or_(LookAlike.person_id == person_id, LookAlike.other_id == person_id))
    # Whom somebody resembles is the other person's business, too: only how many.
    told["look_alikes"] = sum(one.listed for one in session.scalars(alike))
    return told | _working_time(session, person_id) | _access(session, person_id)


def _working_time(session: Session, person_id: int) -> dict[str, Any]:
    states = ("requested", "approved", "refused", "withdrawn")
    leave = rosters.leave_between(session, date.min, date.max, person_id=person_id, states=states)
    return {
        "corrections": [_row(one) for one in corrections.corrections(session, person_id=person_id, limit=100_000)],
        "leave": [_row(one) for one in leave],
        "rosters": _rows(session, Roster, person_id),
        "days_with_another_shift": _rows(session, RosterDay, person_id),
        "written_down_days": _rows(session, DayTotal, person_id),
    }


def _access(session: Session, person_id: int) -> dict[str, Any]:
    links = session.scalars(select(PersonLink).where(PersonLink.person_id == person_id).order_by(PersonLink.id))
    signs_in = session.scalars(select(Operator).where(Operator.person_id == person_id).order_by(Operator.id))
    return {
        "links": [
            {"made_at": _text(one.created_at), "made_by": one.created_by, "used_at": _text(one.used_at)}
            for one in links
        ],
        "operator": [{"user_name": one.username, "role": one.role} for one in signs_in],
    }


def _rows(session: Session, table: Any, person_id: int) -> list[dict[str, Any]]:
    return [_row(one) for one in session.scalars(select(table).where(table.person_id == person_id))]


def _row(row: Any) -> dict[str, Any]:
    """Return a row without the id of its person."""
    names = [one.key for one in row.__table__.columns if one.key != "person_id"]
    return {name: _text(getattr(row, name)) for name in names}


def _text(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
