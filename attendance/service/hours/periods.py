"""Closing a period, reopening it, and the totals that are written down each night.

In: a session, dates, the site's zone, the present instant.  Out: locks, counts, what changed since.
Does not know: pages, the scheduler.
Main choice: closing writes the totals down as they stand and then refuses changes; if a passage that
was queued elsewhere still comes in, the difference is shown and not hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import Day, Flag
from attendance.errors import UserError
from attendance.service.hours.days import sheet
from attendance.store.hours import periods
from attendance.store.hours.rosters import StaffMember
from attendance.store.tables.hours import PeriodLock


@dataclass(frozen=True, slots=True)
class Change:
    """A day that counts differently from when it was written down; seconds."""

    person: StaffMember
    day: date
    worked_then: int
    worked_now: int


@dataclass(frozen=True, slots=True)
class RollUp:
    days: int
    forgotten: tuple[tuple[StaffMember, Day], ...]


def close(
    session: Session, first: date, last: date, *, grace: timedelta, now: datetime, zone: ZoneInfo, by: str
) -> PeriodLock:
    """Close finished days.  Until the grace is over, what was asked for may still be decided."""
    if last < first:
        raise UserError("the last day is before the first: swap them")
    if last >= now.astimezone(zone).date():
        raise UserError("a period can be closed once its last day is over")
    for other in periods.locks(session):
        if other.reopened_at is None and other.first <= last and other.last >= first:
            raise UserError(f"the period {other.first} to {other.last} is closed already")
    lock = PeriodLock(
        first=first,
        last=last,
        closed_at=now,
        closed_by=by[:100],
        grace_until=now + grace,
        reopened_at=None,
        reopened_by=None,
    )
    session.add(lock)
    session.flush()
    _write_down(session, first, last, zone, now)
    return lock


def reopen(session: Session, lock_id: int, *, now: datetime, by: str) -> PeriodLock:
    lock = session.get(PeriodLock, lock_id)
    if lock is None or lock.reopened_at is not None:
        raise UserError("this period is not closed")
    lock.reopened_at, lock.reopened_by = now, by[:100]
    session.flush()
    return lock


def roll_up(session: Session, zone: ZoneInfo, now: datetime, days: int = 7) -> RollUp:
    """Write down the last finished days that are not in a closed period, and find forgotten check-outs."""
    last = now.astimezone(zone).date() - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    return _write_down(session, first, last, zone, now, skip_closed=True)


def changes(session: Session, lock: PeriodLock, zone: ZoneInfo, now: datetime) -> list[Change]:
    """What counts differently now than when the period was closed."""
    then = {(one.person_id, one.day): one for one in periods.totals_between(session, lock.first, lock.last)}
    found = []
    for row in sheet(session, lock.first, lock.last, zone, now):
        for one in row.days:
            before = then.get((row.person.id, one.day))
            if before is not None and before.worked != one.worked:
                found.append(Change(row.person, one.day, before.worked, one.worked))
    return found


def _write_down(
    session: Session, first: date, last: date, zone: ZoneInfo, now: datetime, skip_closed: bool = False
) -> RollUp:
    closed = [one for one in periods.locks(session) if one.reopened_at is None] if skip_closed else []
    rows, forgotten = [], []
    for row in sheet(session, first, last, zone, now):
        for one in row.days:
            if any(lock.first <= one.day <= lock.last for lock in closed) or one.here_now:
                continue
            rows.append((row.person.id, one))
            if Flag.MISSING_OUT in one.flags:
                forgotten.append((row.person, one))
    return RollUp(periods.put_totals(session, rows, now), tuple(forgotten))
