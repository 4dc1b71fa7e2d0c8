"""What people say really happened, closed periods, and totals that were written down.

In: a session, plain values.  Out: rows; punches with the approved corrections in them.
Does not know: who may decide, local time, what a punch counts as.
Main choice: an approved correction is applied when punches are read and is never written into a
passage: taking the decision back brings the original back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from attendance.domain.day import CLOCK_SLACK, Day, Punch
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.store.attendance_tables import Correction, DayTotal, PeriodLock
from attendance.store.tables import Passage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AROUND = timedelta(days=3)
_SLACK_MS = CLOCK_SLACK // timedelta(milliseconds=1)
_DIRECTIONS = {one.value: one for one in Direction}


def punches(session: Session, since: datetime, until: datetime, person_id: int | None = None) -> dict[int, list[Punch]]:
    """Granted passages with `since` <= at < `until` by person, as the approved corrections leave them."""
    query = select(Passage.id, Passage.at, Passage.person_id, Passage.direction, Passage.camera).where(
        Passage.at >= since, Passage.at < until, Passage.granted, Passage.person_id.is_not(None)
    )
    # A correction's work day is at most a night away from its instant.
    fixes = select(Correction).where(
        Correction.state == "approved",
        Correction.day >= (since - AROUND).date(),
        Correction.day <= (until + AROUND).date(),
    )
    if person_id is not None:
        query = query.where(Passage.person_id == person_id)
        fixes = fixes.where(Correction.person_id == person_id)
    approved = session.scalars(fixes).all()
    voided = {one.passage_id for one in approved if one.action == "void"}
    found: dict[int, list[Punch]] = {}
    for passage_id, at, person, direction, camera in session.execute(query):
        if person is None or passage_id in voided:
            continue
        punch = Punch(passage_id, at, _DIRECTIONS[direction], camera, _recorded_at(passage_id, at))
        found.setdefault(person, []).append(punch)
    for one in approved:
        if one.action == "add" and one.at is not None and since <= one.at < until:
            punch = Punch(one.id, one.at, _DIRECTIONS[one.direction], "correction", None, True)
            found.setdefault(one.person_id, []).append(punch)
    return found


def _recorded_at(passage_id: str, at: datetime) -> datetime | None:
    """When the id was made (UUIDv7 carries it), where that is another time than the event's own."""
    if passage_id[14:15] != "7":
        return None
    milliseconds = int(passage_id[:8] + passage_id[9:13], 16)
    if abs(milliseconds - at.timestamp() * 1000) <= _SLACK_MS:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


def get_correction(session: Session, correction_id: str) -> Correction:
    row = session.get(Correction, correction_id)
    if row is None:
        raise UserError("there is no such correction")
    return row


def move(
    session: Session, row: Correction, states: Sequence[str], state: str, *, by: str, at: datetime, note: str = ""
) -> None:
    """Change the state of a correction that is in one of `states`; UserError when somebody was faster."""
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
    """Newest first."""
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
    query = select(func.count()).select_from(Correction).where(Correction.state == "requested")
    return session.scalar(query) or 0


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
