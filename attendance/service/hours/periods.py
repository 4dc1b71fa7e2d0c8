"""Closing a period, reopening it, and the totals that are written down each night.

In: a session, dates, the site's zone, the present instant.  Out: locks, counts, what changed since.
Does not know: pages, the scheduler.
Main choice: closing writes the present totals down and then refuses changes; if a passage that
was queued elsewhere still comes in, the difference is shown and not hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import Day, Flag
from attendance.errors import UserError
from attendance.service.hours.days import PersonDays, sheet
from attendance.store import settings
from attendance.store.hours import corrections as correction_rows
from attendance.store.hours import periods as period_rows
from attendance.store.hours.leave import leave_between
from attendance.store.hours.rosters import StaffMember
from attendance.store.session import Sessions
from attendance.store.tables.hours import PeriodLock

# Days in one transaction, so that nobody at a door waits for the roll-up.
MOST_ROWS = 200

MOST_WAITING = 100_000


@dataclass(frozen=True, slots=True)
class Change:
    """A day that counts differently now than when it was written down, in seconds."""

    person: StaffMember
    day: date
    worked_then: int
    worked_now: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A period before it is closed: everybody's days, how many are written down, and how much is not settled.

    `look_at`: days in doubt.  `corrections`, `leave`: requests that wait for a decision, and would be refused later.
    """

    rows: tuple[PersonDays, ...]
    days: int
    look_at: int
    corrections: int
    leave: int


@dataclass(frozen=True, slots=True)
class RollUp:
    """Days to write down, by the person's number, and those with a forgotten check-out."""

    rows: tuple[tuple[int, Day], ...]
    forgotten: tuple[tuple[StaffMember, Day], ...]

    @property
    def days(self) -> int:
        return len(self.rows)


def write_down(sessions: Sessions, first: date, last: date, *, now: datetime, zone: ZoneInfo) -> RollUp:
    """Write down what these days came to, in short transactions, for `close`; UserError if they cannot be closed.

    A month of 5,000 people is 155,000 rows: in one transaction they would keep every door from writing for seconds.
    """
    with sessions() as session:
        done = _finished(_closable(session, first, last, now, zone))
    write_in_steps(sessions, done, now)
    return done


def close(
    session: Session, first: date, last: date, *, grace: timedelta, now: datetime, zone: ZoneInfo, by: str,
    written: RollUp | None = None,
) -> PeriodLock:  # fmt: skip
    """Close finished days.  Until the grace is over, corrections may still be asked for and decided.

    `written`: what `write_down` wrote, and what `settle` corrects afterwards; None: this transaction writes it, which
    suits few people.
    """
    # Before the first write, since it takes long.
    done = None if written is not None else _finished(_closable(session, first, last, now, zone))
    settings.alone(session, period_rows.CLOSING)  # a correction that is being decided comes before, or finds it closed
    _require_not_closed(session, first, last)
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
    if done is not None:
        period_rows.put_totals(session, done.rows, now)
    return lock


def settle(sessions: Sessions, written: RollUp, first: date, last: date, *, now: datetime, zone: ZoneInfo) -> int:
    """Write down again what changed between `write_down` and `close`, now that nothing does; return how many days.

    Ends early if the period is not closed.  Until it is done, the page shows such days as changed since.
    """
    with sessions() as session:
        if not _is_closed(session, first, last):
            return 0
        before = {(person, day.day): day for person, day in written.rows}
        rows = _finished(sheet(session, first, last, zone, now)).rows
    changed = [(person, day) for person, day in rows if before.get((person, day.day)) != day]
    for start in range(0, len(changed), MOST_ROWS):
        with sessions.begin() as session:
            settings.alone(session, period_rows.CLOSING)
            if not _is_closed(session, first, last):
                return start
            period_rows.put_totals(session, changed[start : start + MOST_ROWS], now)
    return len(changed)


def _is_closed(session: Session, first: date, last: date) -> bool:
    return any(
        lock.reopened_at is None and (lock.first, lock.last) == (first, last) for lock in period_rows.locks(session)
    )


def _closable(session: Session, first: date, last: date, now: datetime, zone: ZoneInfo) -> list[PersonDays]:
    """Return everybody's days if they can be closed now, else raise UserError, which says why."""
    if last < first:
        raise UserError("the last day is before the first: swap them")
    if last >= now.astimezone(zone).date():
        raise UserError("a period can be closed once its last day is over")
    _require_not_closed(session, first, last)
    rows = sheet(session, first, last, zone, now)
    for row in rows:
        for day in row.days:
            # A night ends on the day after.
            shift_runs = not day.over and day.plan.shift is not None and not day.plan.whole_day_off
            if day.here_now or shift_runs:
                raise UserError(
                    "the day %(day)s of %(person)s is still running: close the period when it has ended, or enter the "
                    "check-out if it was forgotten",
                    day=day.day,
                    person=row.person.name,
                )
    return rows


def _require_not_closed(session: Session, first: date, last: date) -> None:
    for other in period_rows.locks(session):
        if other.reopened_at is None and other.first <= last and other.last >= first:
            raise UserError("the period %(first)s to %(last)s is closed already", first=other.first, last=other.last)


def preview(session: Session, first: date, last: date, *, now: datetime, zone: ZoneInfo) -> Preview:
    """Return what closing these days would write down, and what is better settled before; UserError as `close`."""
    rows = tuple(_closable(session, first, last, now, zone))
    waiting = correction_rows.corrections(session, state="requested", first=first, last=last, limit=MOST_WAITING)
    leave = leave_between(session, first, last, states=("requested",))
    days = sum(1 for row in rows for day in row.days if day.finished)
    return Preview(rows, days, sum(row.days_to_look_at for row in rows), len(waiting), len(leave))


def reopen(session: Session, lock_id: int, *, now: datetime, by: str) -> PeriodLock:
    """Allow changes again; UserError if the period is not closed."""
    lock = session.get(PeriodLock, lock_id)
    if lock is None or lock.reopened_at is not None:
        raise UserError("this period is not closed")
    lock.reopened_at, lock.reopened_by = now, by[:100]
    session.flush()
    return lock


def roll_up(session: Session, zone: ZoneInfo, now: datetime, days: int = 7) -> RollUp:
    """Write down the last finished days that are not in a closed period, and find forgotten check-outs."""
    done = rolled_up(session, zone, now, days)
    period_rows.put_totals(session, done.rows, now)
    return done


def rolled_up(session: Session, zone: ZoneInfo, now: datetime, days: int = 7) -> RollUp:
    """Compute what `roll_up` writes down, and write nothing."""
    last = now.astimezone(zone).date() - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    closed = [lock for lock in period_rows.locks(session) if lock.reopened_at is None]
    return _finished(sheet(session, first, last, zone, now), closed)


def write_in_steps(sessions: Sessions, done: RollUp, now: datetime) -> None:
    """Write it down in short transactions of MOST_ROWS days, each of which may be repeated.

    A period that was closed meanwhile keeps its totals.
    """
    for start in range(0, len(done.rows), MOST_ROWS):
        with sessions.begin() as session:
            period_rows.put_totals(session, done.rows[start : start + MOST_ROWS], now, skip_closed=True)


def changes(session: Session, lock: PeriodLock, zone: ZoneInfo, now: datetime) -> list[Change]:
    """Return the days that count differently now than when the period was closed."""
    then = {(total.person_id, total.day): total for total in period_rows.totals_between(session, lock.first, lock.last)}
    changed = []
    for row in sheet(session, lock.first, lock.last, zone, now):
        for day in row.days:
            before = then.get((row.person.id, day.day))
            # Earlier releases wrote seconds down: what counts is the minutes.
            if before is not None and before.worked // 60 != day.worked // 60:
                changed.append(Change(row.person, day.day, before.worked, day.worked))
    return changed


def _finished(everybody: Sequence[PersonDays], closed: Sequence[PeriodLock] = ()) -> RollUp:
    """Return the finished days, without those in the periods `closed`."""
    rows, forgotten = [], []
    for row in everybody:
        for day in row.days:
            if any(lock.first <= day.day <= lock.last for lock in closed) or not day.finished:
                continue
            rows.append((row.person.id, day))
            if Flag.MISSING_OUT in day.flags:
                forgotten.append((row.person, day))
    return RollUp(tuple(rows), tuple(forgotten))
