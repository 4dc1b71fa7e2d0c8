"""Alarms: raised, cleared, acknowledged, listed.

In: a session, a kind, a subject.  Out: `Alarm` rows.
Does not know: what an alarm means, who is told.
Main choice: at most one open row for each kind and subject, held by a unique index, so that a fault that lasts is
one alarm and not one a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from attendance.store.tables.alarms import Alarm as Alarm  # for the pages, which import no tables


def raise_alarm(
    session: Session,
    *,
    alarm_id: str,
    kind: str,
    subject: str,
    severity: str,
    detail: Mapping[str, Any],
    at: datetime,
) -> tuple[Alarm, bool]:
    """Open an alarm, or count one more of an open one; return it, and whether it is new.  The caller commits."""
    where = (Alarm.kind == kind, Alarm.subject == subject, Alarm.cleared_at.is_(None))
    # Write before reading: two programs that raise the same one wait for each other here.
    counted: Any = session.execute(update(Alarm).where(*where).values(count=Alarm.count + 1))
    if counted.rowcount:
        return session.scalars(select(Alarm).where(*where).execution_options(populate_existing=True)).one(), False
    alarm = Alarm(
        id=alarm_id, kind=kind, subject=subject, severity=severity, raised_at=at, count=1, detail=dict(detail)
    )
    session.add(alarm)
    session.flush()
    return alarm, True


def clear_alarm(session: Session, kind: str, subject: str, at: datetime) -> Alarm | None:
    """Close the open alarm of this kind and subject; None if there is none.  The caller commits."""
    where = (Alarm.kind == kind, Alarm.subject == subject, Alarm.cleared_at.is_(None))
    found = session.scalar(select(Alarm).where(*where))
    if found is not None:
        found.cleared_at = at
        session.flush()
    return found


def end_acknowledged(session: Session, kind: str, subject: str, at: datetime) -> None:
    """Close the open alarm of this kind and subject if somebody looks after it; the caller commits."""
    there = (Alarm.kind == kind, Alarm.subject == subject, Alarm.cleared_at.is_(None))
    session.execute(update(Alarm).where(*there, Alarm.acknowledged_at.is_not(None)).values(cleared_at=at))


def acknowledge(session: Session, alarm_id: str, *, by: str, at: datetime) -> Alarm | None:
    """Note who looks after it; None if there is no such alarm or somebody did already."""
    free = (Alarm.id == alarm_id, Alarm.acknowledged_at.is_(None))
    done: Any = session.execute(update(Alarm).where(*free).values(acknowledged_at=at, acknowledged_by=by))
    return session.get(Alarm, alarm_id, populate_existing=True) if done.rowcount else None


def open_alarms(session: Session) -> Sequence[Alarm]:
    """Return what is not over yet, newest first."""
    return session.scalars(select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.raised_at.desc())).all()


def past_alarms(session: Session, limit: int = 50) -> Sequence[Alarm]:
    """Return what is over, newest first."""
    query = select(Alarm).where(Alarm.cleared_at.is_not(None)).order_by(Alarm.raised_at.desc()).limit(limit)
    return session.scalars(query).all()


def raised_since(session: Session, kind: str, since: datetime) -> Sequence[Alarm]:
    """Return the alarms of one kind that were raised at or after an instant, oldest first."""
    return session.scalars(
        select(Alarm).where(Alarm.kind == kind, Alarm.raised_at >= since).order_by(Alarm.raised_at)
    ).all()


def exists(session: Session, alarm_id: str) -> bool:
    """Return whether there is such an alarm, open or over."""
    return session.get(Alarm, alarm_id) is not None


def count_open(session: Session) -> int:
    """Return how many alarms are not over yet."""
    return session.scalar(select(func.count()).select_from(Alarm).where(Alarm.cleared_at.is_(None))) or 0


def forget_alarms_before(session: Session, cutoff: datetime) -> int:
    """Delete alarms that were over before `cutoff`; the caller commits."""
    done: Any = session.execute(delete(Alarm).where(Alarm.cleared_at < cutoff))
    return int(done.rowcount)
