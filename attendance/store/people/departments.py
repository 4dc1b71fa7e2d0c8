"""Departments: how many people and which supervisors each has, and its name.

In: a session, names.  Out: `Department`s; renamed rows.
Does not know: who asks, pages.
Main choice: a department is a name on each of its people and supervisors, without a table, so that a person's form
needs nothing else.  Trade-off: a rename changes every row that has the name, here, in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from attendance.domain.people.names import composed, sort_key
from attendance.errors import UserError
from attendance.store.access import policies
from attendance.store.hours import calendars
from attendance.store.tables.operators import Operator, OperatorDepartment
from attendance.store.tables.people import Person

LONGEST = 200  # letters, as in a person's form


@dataclass(frozen=True, slots=True)
class Department:
    """A department in use.  `people`: inactive ones, too.  `supervisors`: their user names, in order."""

    name: str
    people: int
    supervisors: tuple[str, ...]


def list_departments(session: Session) -> list[Department]:
    """Return every department that a person or a supervisor has, by name."""
    counts = select(Person.department, func.count()).where(Person.department != "").group_by(Person.department)
    people: dict[str, int] = {row[0]: row[1] for row in session.execute(counts)}
    supervisors: dict[str, list[str]] = {}
    rows = select(OperatorDepartment.department, Operator.username).join(
        Operator, Operator.id == OperatorDepartment.operator_id
    )
    for name, username in session.execute(rows):
        supervisors.setdefault(name, []).append(username)
    return [
        Department(name, people.get(name, 0), tuple(sorted(supervisors.get(name, ()), key=sort_key)))
        for name in sorted({*people, *supervisors}, key=sort_key)
    ]


def rename(session: Session, before: str, after: str, *, at: datetime, join: bool = False) -> int:
    """Give a department another name, with its people and its supervisors; return how many people it had.

    `join`: the other name may be in use; the two become one, whose supervisors see everybody in it.
    UserError for a name that is missing, too long, unknown, or in use without `join`.
    """
    after = " ".join(composed(after).split())
    if not after:
        raise UserError("a department needs a name")
    if len(after) > LONGEST:
        raise UserError("the department is longer than %(most)s characters: shorten it", most=LONGEST)
    known = {one.name for one in list_departments(session)}
    if before not in known:
        raise UserError("there is no department %(before)s: it may have been renamed meanwhile", before=before)
    if after == before:
        raise UserError("the department is called %(after)s already: enter another name", after=after)
    if after in known and not join:
        raise UserError("there is a department %(after)s already: choose another name, or join the two", after=after)
    if after in known:
        there_now = session.scalars(select(Person.id).where(Person.department == before)).all()
        calendars.keep_past(session, there_now, before, after, at.astimezone(UTC).date())
    calendars.rename_department(session, before, after, joined=after in known)
    policies.rename_department(session, before, after)
    there = select(OperatorDepartment.operator_id).where(OperatorDepartment.department == after)
    of_before = OperatorDepartment.department == before
    both = list(session.scalars(there))
    session.execute(delete(OperatorDepartment).where(of_before, OperatorDepartment.operator_id.in_(both)))
    session.execute(update(OperatorDepartment).where(of_before).values(department=after))
    moved: Any = session.execute(
        update(Person).where(Person.department == before).values(department=after, updated_at=at)
    )
    return int(moved.rowcount)
