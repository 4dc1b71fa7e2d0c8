"""Leave on record.

In: a session, plain values.  Out: rows.
Does not know: how a request is decided (requests.py), closed periods (service/hours/leave guards them), what a day is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.hours.requests import count_waiting
from attendance.store.tables.hours import LeaveRow

STATES = ("requested", "approved", "refused", "withdrawn")


def add_leave(session: Session, **columns: Any) -> LeaveRow:
    row = LeaveRow(**columns)
    session.add(row)
    session.flush()
    return row


def get_leave(session: Session, leave_id: int) -> LeaveRow:
    """Return the leave; UserError if there is none with this id."""
    row = session.get(LeaveRow, leave_id)
    if row is None:
        raise UserError("there is no leave %(leave_id)s", leave_id=leave_id)
    return row


def leave_between(
    session: Session, first: date, last: date, *, person_id: int | None = None, states: Sequence[str] = ("approved",),
    person_ids: Sequence[int] | None = None,
) -> Sequence[LeaveRow]:  # fmt: skip
    """Return the leave that touches these days, by its first day.  More than 500 `person_ids` are not looked at."""
    query = select(LeaveRow).where(LeaveRow.first <= last, LeaveRow.last >= first, LeaveRow.state.in_(states))
    if person_id is not None:
        query = query.where(LeaveRow.person_id == person_id)
    if person_ids is not None and len(person_ids) <= 500:
        query = query.where(LeaveRow.person_id.in_(person_ids))
    return session.scalars(query.order_by(LeaveRow.first, LeaveRow.id)).all()


def count_requested(session: Session) -> int:
    """Return how many requests for leave wait for a decision."""
    return count_waiting(session, LeaveRow)
