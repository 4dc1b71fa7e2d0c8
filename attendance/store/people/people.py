"""People: who they are, on record and in search.

In: a session, plain values.  Out: rows.
Does not know: templates, photos, networks, who asks.
Main choice: functions that take the session first and leave the commit to the caller, so that one
unit of work is one transaction; each change of who can be recognised bumps the gallery's version in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.people.consent import BOTH
from attendance.domain.people.names import composed, matches, sort_key
from attendance.errors import Phrase, UserError
from attendance.store import settings
from attendance.store.access import policies
from attendance.store.enrolment import camera_enrolments
from attendance.store.hours import calendars
from attendance.store.operators import sign_ins
from attendance.store.people import employment, opened_templates
from attendance.store.privacy import consent_history, person_keys
from attendance.store.tables.people import Person as Person  # for the pages, which import no tables

_AT_ONCE = 1000  # ids in one query: databases limit their number


def create_person(
    session: Session,
    *,
    name: str,
    at: datetime,
    staff_number: str | None = None,
    department: str = "",
    notes: str = "",
    consent_at: datetime | None = None,
    consent_text: str | None = None,
    visitor: bool = False,
) -> Person:
    """Add an active person, flushed (so with an id).  UserError if the name is missing or the staff number taken.

    `consent_at`: since when the person agrees to both purposes, to the words `consent_text`.
    `visitor`: somebody's guest, who gets no access level by being added: a visit gives one (`policy/visits.py`).
    """
    values = _checked(session, 0, name, staff_number, department, notes)
    person = Person(**values, created_at=at, updated_at=at, visitor=visitor)
    session.add(person)
    _flush(session, values["staff_number"])
    if consent_at is not None:
        consent_history.note_given(session, person, BOTH, consent_text or "", at=consent_at)
    policies.grant_default(session, person.id, at)
    return person


def update_person(
    session: Session,
    person_id: int,
    *,
    at: datetime,
    name: str | None = None,
    staff_number: str | None = None,
    department: str | None = None,
    notes: str | None = None,
) -> Person:
    """Change what is given and leave what is None; an empty `staff_number` removes it."""
    person = get_person(session, person_id)
    values = _checked(
        session,
        person_id,
        person.name if name is None else name,
        person.staff_number if staff_number is None else staff_number,
        person.department if department is None else department,
        person.notes if notes is None else notes,
    )
    calendars.keep_past(session, [person_id], person.department, values["department"], at.astimezone(UTC).date())
    for column, value in values.items():
        setattr(person, column, value)
    person.updated_at = at
    _flush(session, values["staff_number"])
    return person


def set_active(session: Session, person_id: int, active: bool, *, at: datetime, on: date | None = None) -> Person:
    """Activate or deactivate a person; inactive people stay on record and are not recognised.

    `on`: the day of it at the site, which is the last day of employment, or the first of a new one; None: of UTC.
    """
    person = get_person(session, person_id)
    if person.active != active:
        person.active, person.updated_at = active, at
        day = on or at.astimezone(UTC).date()
        if active:
            employment.resume(session, person_id, day)
            person.ends_at = None
            policies.grant_default(session, person_id, at)
        else:
            employment.end(session, person_id, day)
            sign_ins.end_all(session, person_id=person_id)
            camera_enrolments.drop_all(session, person_id)
        session.flush()
        settings.bump_gallery_version(session, at)
    return person


def delete_person(session: Session, person_id: int, *, at: datetime) -> None:
    """Erase the person: row, templates and data key.  Passages stay, without the person."""
    key = person_keys.key_id(session, person_id)
    session.delete(get_person(session, person_id))
    session.flush()
    if key is not None:
        person_keys.erase_keys(session, [key])
    opened_templates.forget(session)
    settings.bump_gallery_version(session, at)


def get_person(session: Session, person_id: int) -> Person:
    """Return the person; UserError if there is no such person (any more)."""
    person = session.get(Person, person_id)
    if person is None:
        raise UserError("there is no person %(person_id)s: it may have been erased meanwhile", person_id=person_id)
    return person


def lock_person(session: Session, person_id: int) -> Person:
    """Return the person as the database has it now, and keep it so until the transaction ends; UserError if gone."""
    session.execute(update(Person).where(Person.id == person_id).values(active=Person.active))
    found = session.get(Person, person_id, populate_existing=True)
    return found if found is not None else get_person(session, person_id)


def require_staff(session: Session, person_id: int) -> Person:
    """Return the person; UserError for a visitor, who has no working time and no leave."""
    person = get_person(session, person_id)
    if person.visitor:
        raise UserError("%(name)s is a visitor: visitors have no working time and no leave", name=person.name)
    return person


def active_person(session: Session, person_id: int, at: datetime | None = None) -> Person | None:
    """Return the person as the database says now, whatever a gallery in memory holds; None unless active.

    `at`: None too if the last day of employment is over by then.
    """
    query = select(Person).where(Person.id == person_id, Person.active, _not_ended(at))
    return session.scalar(query.execution_options(populate_existing=True))


def ended_before(session: Session, at: datetime, limit: int = 40) -> Sequence[int]:
    """Return active people whose last day of employment is over: the first `limit` of them."""
    query = select(Person.id).where(Person.active, Person.ends_at <= at)
    return session.scalars(query.order_by(Person.id).limit(limit)).all()


def _not_ended(at: datetime | None) -> ColumnElement[bool]:
    return true() if at is None else or_(Person.ends_at.is_(None), Person.ends_at > at)


def lock_active_person(session: Session, person_id: int, at: datetime | None = None) -> Person | None:
    """Return the person if active now, and keep it so until the transaction ends; None otherwise.

    The update changes nothing.  It takes SQLite's write lock and PostgreSQL's lock of the row, so that nobody
    deactivates or erases the person, or checks the same person in, between this look and the commit.
    """
    locked: Any = session.execute(
        update(Person).where(Person.id == person_id, Person.active).values(active=Person.active)
    )
    return active_person(session, person_id, at) if locked.rowcount == 1 else None


def search_people(
    session: Session, text: str = "", active: bool | None = None, limit: int = 50, offset: int = 0
) -> Sequence[Person]:
    """Return people by name; `text` is searched in name, staff number and department (`names.matches`)."""
    ids = _matching(session, text, active)[offset : offset + limit]
    found: dict[int, Person] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = session.scalars(select(Person).where(Person.id.in_(ids[start : start + _AT_ONCE])))
        found |= {person.id: person for person in some}
    return [found[person_id] for person_id in ids if person_id in found]


def count_people(session: Session, text: str = "", active: bool | None = None) -> int:
    return len(_matching(session, text, active))


def _checked(
    session: Session, person_id: int, name: str, staff_number: str | None, department: str, notes: str
) -> dict[str, Any]:
    """Return the columns as they will be stored; UserError before anything is changed."""
    values = {
        "name": " ".join(composed(name).split()),
        "staff_number": composed(staff_number or "").strip() or None,
        "department": composed(department).strip(),
        "notes": composed(notes).strip(),
    }
    if not values["name"]:
        raise UserError("a person needs a name")
    for column, label, most in (
        ("name", Phrase("name"), 200),
        ("staff_number", Phrase("staff number"), 100),
        ("department", Phrase("department"), 200),
    ):
        if len(values[column] or "") > most:
            raise UserError("the %(label)s is longer than %(most)s characters: shorten it", label=label, most=most)
    if values["staff_number"] is not None:
        same = select(Person.name).where(Person.staff_number == values["staff_number"], Person.id != person_id)
        holder = session.scalar(same)
        if holder is not None:
            raise _taken(values["staff_number"], holder)
    return values


def _flush(session: Session, staff_number: str | None) -> None:
    try:
        session.flush()
    except IntegrityError as error:  # another process took it after we looked
        raise _taken(staff_number or "", "somebody else") from error


def _taken(staff_number: str, name: str) -> UserError:
    return UserError(
        "the staff number %(staff_number)s belongs to %(name)s already: choose another",
        staff_number=staff_number,
        name=name,
    )


def _matching(session: Session, text: str, active: bool | None) -> list[int]:
    """Return the ids by name.  Sorted and searched here, as letters compare nowhere alike in databases."""
    query = select(Person.id, Person.name, Person.staff_number, Person.department)
    if active is not None:
        query = query.where(Person.active.is_(active))
    rows = [
        (sort_key(name), person_id)
        for person_id, name, staff_number, department in session.execute(query)
        if matches(text, name, staff_number or "", department)
    ]
    return [person_id for _key, person_id in sorted(rows)]
