"""Corrections: what people say really happened.

In: a session, plain values.  Out: rows.
Does not know: how one is decided (requests.py), local time, what a punch counts as.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.hours.requests import count_waiting
from attendance.store.tables.hours import Correction


def get_correction(session: Session, correction_id: str) -> Correction:
    """Return the correction; UserError if there is none with this id."""
    row = session.get(Correction, correction_id)
    if row is None:
        raise UserError("there is no such correction")
    return row


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
    return count_waiting(session, Correction)
