"""What people see of themselves: their days in plain words, and everything that is stored about them.

In: a session, a person's id, the zone, the present instant.  Out: sentences; plain values for a file.
Does not know: who is signed in, pages, files.
Main choice: a person is told about every table that holds something of theirs, notes of administrators
included; `TOLD` lists them, and a test compares it with the schema, so that a new table is not forgotten.
The price: a face's numbers themselves are not given out, since whoever found the file could use them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from attendance.domain.day import Day, Flag, Status
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service import attendance
from attendance.service.report_tables import hours
from attendance.service.reports import all_passages
from attendance.store import corrections, people, rosters
from attendance.store.attendance_tables import Correction, DayTotal, Roster, RosterDay
from attendance.store.kiosk import secret_of
from attendance.store.kiosk_tables import PersonLink
from attendance.store.tables import LookAlike, Operator

BY = "self-service"  # who asked, in the record of a correction
MOST_WAITING = 20
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


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence about a day.  `look`: the person had better look whether it is right."""

    words: str
    look: bool = False


_SENTENCES: dict[Flag, Callable[[Day], Note]] = {
    Flag.LATE: lambda day: Note(f"You came {hours(day.late)} late."),
    Flag.EARLY: lambda day: Note(f"You left {hours(day.early)} early."),
    Flag.MISSING_OUT: lambda day: Note(_closed(day, "Your check-out is missing."), look=True),
    Flag.MISSING_IN: lambda _: Note("Your check-in is missing.", look=True),
    Flag.REPEAT: lambda _: Note("You checked in twice in a row. It counts once."),
    Flag.WRONG_CLOCK: lambda _: Note("The clock at the door was wrong. Are these times right?", look=True),
    Flag.FUTURE: lambda _: Note("A check-in with a time in the future was not counted.", look=True),
    Flag.ON_DAY_OFF: lambda _: Note("You worked on a day off."),
    Flag.IN_DOUBT: lambda _: Note("Whether you came or went was told from your shift."),
    Flag.CORRECTED: lambda _: Note("A correction counts on this day."),
}


def notes(day: Day) -> list[Note]:
    """What is special about a day, in the order of importance, for the person whose day it is."""
    found = [_SENTENCES[flag](day) for flag in Flag if flag in day.flags]
    if day.plan.holiday:
        found.append(Note(f"{'' if day.status is Status.HOLIDAY else 'Holiday: '}{day.plan.holiday}."))
    if day.plan.leave is not None:
        half = {"first": ", first half of the day", "second": ", second half of the day"}
        found.append(Note(f"Leave: {day.plan.leave.kind}{half.get(day.plan.leave.half.value, '')}."))
    return sorted(found, key=lambda one: not one.look)


def _closed(day: Day, words: str) -> str:
    """With what a rule made of it: "closed at the end of the shift, 17:00"."""
    rule = next((one.reason.partition(": ")[2] for one in day.spells if one.by_rule), "")
    return f"{words} The day was {rule}." if rule.startswith("closed") else words


def ask(
    session: Session,
    person_id: int,
    *,
    action: str,
    reason: str,
    now: datetime,
    zone: ZoneInfo,
    at: datetime | None = None,
    direction: Direction = Direction.UNKNOWN,
    passage_id: str | None = None,
) -> Correction:
    """The person asks for a correction of their own; UserError also while too many of them wait."""
    waiting = corrections.corrections(session, person_id=person_id, state="requested")
    if len(waiting) >= MOST_WAITING:
        raise UserError(f"{MOST_WAITING} of your requests wait already: withdraw one, or wait for a decision")
    return attendance.request_correction(
        session, person_id=person_id, action=action, reason=reason, by=BY, now=now, zone=zone, at=at,
        direction=direction, passage_id=passage_id,
    )  # fmt: skip


def everything_about(session: Session, person_id: int, now: datetime) -> dict[str, Any]:
    """All that is stored about a person, as values that JSON knows; times are UTC."""
    person = people.get_person(session, person_id)
    secret = secret_of(session, person_id)
    told: dict[str, Any] = {
        "told_at": _text(now),
        "person": {
            "name": person.name,
            "staff_number": person.external_id,
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
            for one in people.list_templates(session, person_id)
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
    """A row without the number of whom it is about."""
    names = [one.key for one in row.__table__.columns if one.key != "person_id"]
    return {name: _text(getattr(row, name)) for name in names}


def _text(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def month_of(text: str, today: date) -> tuple[date, date]:
    """First and last day of a month written as 2024-05; of the present one for what is none, or to come."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = today.replace(day=1)
    if not date(1970, 1, 1) <= first <= today:
        first = today.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
