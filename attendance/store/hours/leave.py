"""Leave on record: asked for, decided, withdrawn.

In: a session, plain values.  Out: rows.
Does not know: who may decide, closed periods (service/hours/leave guards them), what a day counts as.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from attendance.errors import UserError
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
        raise UserError(f"there is no leave {leave_id}")
    return row


def move_leave(
    session: Session, row: LeaveRow, states: Sequence[str], state: str, *, by: str, at: datetime, note: str = ""
) -> None:
    """Change the state of leave that is in one of `states`; UserError if another operator was faster."""
    done: Any = session.execute(
        update(LeaveRow)
        .where(LeaveRow.id == row.id, LeaveRow.state.in_(states))
        .values(state=state, decided_by=by[:100], decided_at=at, decision_note=note[:1000])
    )
    session.refresh(row)
    if not done.rowcount:
        raise UserError(f"this leave was {row.state} already")


def leave_between(
    session: Session, first: date, last: date, *, person_id: int | None = None, states: Sequence[str] = ("approved",)
) -> Sequence[LeaveRow]:
    """Return the leave that touches these days, by its first day."""
    query = select(LeaveRow).where(LeaveRow.first <= last, LeaveRow.last >= first, LeaveRow.state.in_(states))
    if person_id is not None:
        query = query.where(LeaveRow.person_id == person_id)
    return session.scalars(query.order_by(LeaveRow.first, LeaveRow.id)).all()


def count_requested(session: Session) -> int:
    """Return how many requests for leave wait for a decision."""
    query = select(func.count()).select_from(LeaveRow).where(LeaveRow.state == "requested")
    return session.scalar(query) or 0
