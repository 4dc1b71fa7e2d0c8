"""Sessions in which nobody outside of a supervisor's departments exists.

In: a factory of sessions, names of departments.  Out: a factory of sessions that read less.
Does not know: who is signed in, what a page shows.
Main choice: the rows are cut off below every query, and not by a filter in each view: a query that
somebody adds to a page cannot forget it.  Trade-off: a subquery in each, and that a row of
somebody else looks as if it were erased.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import event, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker, with_loader_criteria

from attendance.store.session import Sessions
from attendance.store.tables import hours, kiosk
from attendance.store.tables.base import Base
from attendance.store.tables.operators import Operator
from attendance.store.tables.people import Person

_DEPARTMENTS = "departments"
__all__ = ["narrowed"]


class DepartmentSession(Session):
    """A session that knows whose rows it may touch; without that knowledge it touches nobody's."""


def narrowed(make: Sessions, departments: Collection[str]) -> Sessions:
    """Return sessions of the same database for these departments (`people.department`) only.

    Applies to reading, changing and deleting through the ORM.  Rows without a person (shifts, holidays,
    closed periods, cameras) stay; a passage without a person is hidden.
    """
    bind = make.kw["bind"]
    return sessionmaker(
        bind, class_=DepartmentSession, expire_on_commit=False, info={_DEPARTMENTS: frozenset(departments)}
    )


@event.listens_for(DepartmentSession, "do_orm_execute")
def _cut(state: ORMExecuteState) -> None:
    if not (state.is_select or state.is_update or state.is_delete):
        return
    departments = sorted(state.session.info.get(_DEPARTMENTS, ()))
    table = Person.__table__
    inside = select(table.c.id).where(table.c.department.in_(departments), table.c.department != "")
    rules: list[Any] = [with_loader_criteria(Person, Person.id.in_(inside), include_aliases=True)]
    rules += [with_loader_criteria(each, _of(each, inside), include_aliases=True) for each in _about_people()]
    state.statement = state.statement.options(*rules)


def _of(table: Any, inside: Any) -> Any:
    """Return which rows stay.  What belongs to an operator, such as a sign-in, is not about a person."""
    mine = table.person_id.in_(inside)
    return or_(mine, table.operator_id.is_not(None)) if hasattr(table, "operator_id") else mine


def _about_people() -> list[Any]:
    """Yield every table with a person in it, except the operators': who signs in does not depend on a department."""
    assert hours and kiosk, "their tables count too"
    mapped = (mapper.class_ for mapper in Base.registry.mappers)
    return [table for table in mapped if hasattr(table, "person_id") and table is not Operator]
