"""When people were and are employed; a person may leave and come back.

In: a session, ids, days.  Out: `Employment`s by person.
Does not know: local time, closed periods, doors (service/people/employment.py).
Main choice: somebody about whom nothing is written was always employed, so that a site that keeps no dates is
served too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from attendance.domain.people.employment import ALWAYS, Employment
from attendance.store.tables.people import EmploymentRow, Person, Template


def employments(session: Session, person_ids: Sequence[int] | None = None) -> dict[int, tuple[Employment, ...]]:
    """Return the times of employment of those who have any on record, the oldest first.  None: of everybody."""
    query = select(EmploymentRow).order_by(EmploymentRow.person_id, EmploymentRow.id)
    if person_ids is not None and len(person_ids) <= 500:
        query = query.where(EmploymentRow.person_id.in_(person_ids))
    found: dict[int, tuple[Employment, ...]] = {}
    for row in session.scalars(query):
        found[row.person_id] = (*found.get(row.person_id, ()), Employment(row.first, row.last))
    return found


def employment_of(session: Session, person_id: int) -> tuple[Employment, ...]:
    """Return the times of employment of one person, the oldest first."""
    return employments(session, [person_id]).get(person_id, ALWAYS)


def left_before(session: Session, day: date, limit: int) -> Sequence[int]:
    """Return inactive people with templates or a consent whose newest employment ended before `day`."""
    newest = select(func.max(EmploymentRow.id)).group_by(EmploymentRow.person_id)
    over = select(EmploymentRow.person_id).where(EmploymentRow.id.in_(newest), EmploymentRow.last < day)
    faces = or_(
        Person.access_consent_at.is_not(None),
        Person.attendance_consent_at.is_not(None),
        exists().where(Template.person_id == Person.id),
    )
    query = select(Person.id).where(Person.active.is_(False), Person.id.in_(over), faces).order_by(Person.id)
    return session.scalars(query.limit(limit)).all()


def put_newest(session: Session, person_id: int, employment: Employment) -> None:
    """Write the first and last day of the newest time of employment."""
    row = _newest(session, person_id)
    if row is None:
        session.add(EmploymentRow(person_id=person_id, first=employment.first, last=employment.last))
    else:
        row.first, row.last = employment.first, employment.last
    session.flush()


def end(session: Session, person_id: int, day: date) -> None:
    """Let `day` be the last day, unless an earlier one is written already."""
    row = _newest(session, person_id)
    if row is None:
        put_newest(session, person_id, Employment(None, day))
    elif row.last is None or row.last > day:
        row.last = day
        session.flush()


def resume(session: Session, person_id: int, day: date) -> None:
    """Let the person be employed from `day` on: the newest time goes on if it ended just before."""
    row = _newest(session, person_id)
    if row is None or row.last is None:
        return
    if row.last >= day - timedelta(days=1):
        row.last = None
    else:
        session.add(EmploymentRow(person_id=person_id, first=day, last=None))
    session.flush()


def _newest(session: Session, person_id: int) -> EmploymentRow | None:
    query = select(EmploymentRow).where(EmploymentRow.person_id == person_id).order_by(EmploymentRow.id.desc())
    return session.scalars(query.limit(1)).first()
