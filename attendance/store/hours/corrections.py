"""Corrections: what people say really happened, and who decided about it.

In: a session, plain values.  Out: rows.
Does not know: who may decide, local time, what a punch counts as.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.tables.hours import Correction


def get_correction(session: Session, correction_id: str) -> Correction:
    """Return the correction; UserError if there is none with this id."""
    row = session.get(Correction, correction_id)
    if row is None:
        raise UserError("there is no such correction")
    return row


def move(
    session: Session, row: Correction, states: Sequence[str], state: str, *, by: str, at: datetime, note: str = ""
) -> None:
    """Change the state of a correction that is in one of `states`; UserError if another operator was faster."""
    # One statement that looks and writes: of two who decide at once, the second finds it decided.
    done: Any = session.execute(
        update(Correction)
        .where(Correction.id == row.id, Correction.state.in_(states))
        .values(state=state, decided_by=by[:100], decided_at=at, decision_note=note[:1000])
    )
    session.refresh(row)
    if not done.rowcount:
        raise UserError(f"this correction was {row.state} already")


def corrections(
    session: Session,
    *,
    person_id: int | None = None,
    state: str | None = None,
    first: date | None = None,
    last: date | None = None,
    limit: int = 500,
) -> Sequence[Correction]:
    """Return the corrections that match, the newest first."""
    query = select(Correction)
    if person_id is not None:
        query = query.where(Correction.person_id == person_id)
    if state is not None:
        query = query.where(Correction.state == state)
    if first is not None:
        query = query.where(Correction.day >= first)
    if last is not None:
        query = query.where(Correction.day <= last)
    return session.scalars(query.order_by(Correction.id.desc()).limit(limit)).all()


def count_requested(session: Session) -> int:
    """Return how many corrections wait for a decision."""
    query = select(func.count()).select_from(Correction).where(Correction.state == "requested")
    return session.scalar(query) or 0
