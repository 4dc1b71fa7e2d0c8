"""Closed periods, and the totals that were written down.

In: a session, days.  Out: rows; UserError for a day in a closed period.
Does not know: how a total is computed, local time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from attendance.domain.hours.day import Day
from attendance.errors import UserError
from attendance.store.tables.hours import DayTotal, PeriodLock


def locks(session: Session) -> Sequence[PeriodLock]:
    """Closed periods, the newest first; reopened ones stay listed."""
    return session.scalars(select(PeriodLock).order_by(PeriodLock.first.desc(), PeriodLock.id.desc())).all()


def lock_over(session: Session, first: date, last: date, now: datetime) -> PeriodLock | None:
    """A closed period that touches these days and whose grace is over."""
    query = select(PeriodLock).where(
        PeriodLock.first <= last, PeriodLock.last >= first, PeriodLock.reopened_at.is_(None)
    )
    return next((one for one in session.scalars(query.order_by(PeriodLock.first)) if one.grace_until <= now), None)


def require_open(session: Session, first: date, last: date, now: datetime) -> None:
    """UserError when any of these days lies in a period that is closed for good."""
    lock = lock_over(session, first, last, now)
    if lock is not None:
        raise UserError(
            f"the period {lock.first} to {lock.last} is closed: an administrator can reopen it on the page Periods"
        )


def put_totals(session: Session, rows: Iterable[tuple[int, Day]], at: datetime) -> int:
    """Write down what days came to; repeatable, the newest counts."""
    rows = list(rows)
    for day in {one.day for _, one in rows}:
        people = [person_id for person_id, one in rows if one.day == day]
        for start in range(0, len(people), 500):
            session.execute(
                delete(DayTotal).where(DayTotal.day == day, DayTotal.person_id.in_(people[start : start + 500]))
            )
    session.add_all(
        DayTotal(
            person_id=person_id,
            day=one.day,
            status=one.status.value,
            worked=one.worked,
            expected=one.expected,
            overtime=one.overtime,
            late=one.late,
            flags=sorted(flag.value for flag in one.flags),
            computed_at=at,
        )
        for person_id, one in rows
    )
    session.flush()
    return len(rows)


def totals_between(session: Session, first: date, last: date) -> Sequence[DayTotal]:
    return session.scalars(select(DayTotal).where(DayTotal.day >= first, DayTotal.day <= last)).all()
