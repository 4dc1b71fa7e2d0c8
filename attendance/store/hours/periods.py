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
from attendance.store import settings
from attendance.store.tables.hours import DayTotal, PeriodLock

CLOSING = "closing a period"


def locks(session: Session) -> Sequence[PeriodLock]:
    """Return the closed periods, the newest first; reopened ones stay listed."""
    return session.scalars(select(PeriodLock).order_by(PeriodLock.first.desc(), PeriodLock.id.desc())).all()


def lock_over(session: Session, first: date, last: date, now: datetime) -> PeriodLock | None:
    """Return a closed period that touches these days and whose grace is over."""
    query = select(PeriodLock).where(
        PeriodLock.first <= last, PeriodLock.last >= first, PeriodLock.reopened_at.is_(None)
    )
    return next((lock for lock in session.scalars(query.order_by(PeriodLock.first)) if lock.grace_until <= now), None)


def require_open(session: Session, first: date, last: date, now: datetime) -> None:
    """Raise UserError if any of these days lies in a closed period whose grace is over."""
    settings.not_while_alone(session, CLOSING)
    lock = lock_over(session, first, last, now)
    if lock is not None:
        raise UserError(
            "the period %(first)s to %(last)s is closed: an administrator can reopen it on the page Periods",
            first=lock.first,
            last=lock.last,
        )


def put_totals(session: Session, rows: Iterable[tuple[int, Day]], at: datetime, *, skip_closed: bool = False) -> int:
    """Write down what days came to; a repetition replaces the totals before it.

    `skip_closed`: leave out days in closed periods.
    """
    rows = list(rows)
    if skip_closed:
        closed = [lock for lock in locks(session) if lock.reopened_at is None]
        rows = [(who, day) for who, day in rows if not any(lock.first <= day.day <= lock.last for lock in closed)]
    for when in {day.day for _, day in rows}:
        people = [person_id for person_id, day in rows if day.day == when]
        for start in range(0, len(people), 500):
            session.execute(
                delete(DayTotal).where(DayTotal.day == when, DayTotal.person_id.in_(people[start : start + 500]))
            )
    session.add_all(
        DayTotal(
            person_id=person_id,
            day=day.day,
            status=day.status.value,
            worked=day.worked,
            expected=day.expected,
            overtime=day.overtime,
            night=day.night,
            sunday=day.sunday,
            holiday=day.holiday,
            late=day.late,
            flags=sorted(flag.value for flag in day.flags),
            computed_at=at,
        )
        for person_id, day in rows
    )
    session.flush()
    return len(rows)


def totals_between(session: Session, first: date, last: date) -> Sequence[DayTotal]:
    """Return the totals that were written down for these days."""
    return session.scalars(select(DayTotal).where(DayTotal.day >= first, DayTotal.day <= last)).all()
