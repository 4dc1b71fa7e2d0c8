"""Musters: who was inside when one began, and who is ticked as safe.

In: a session, keys, instants.  Out: rows.
Does not know: who is inside (`service/hours/muster.py`), pages.
Main choice: the list is kept as it was when the muster began, since people pass doors on their way out; whoever is
seen leaving stays on it until somebody ticks them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.store import settings
from attendance.store.tables.access import Muster as Muster  # for the pages, which import no tables
from attendance.store.tables.access import MusterRow as MusterRow


def current(session: Session) -> Muster | None:
    """Return the muster that nobody ended, None if there is none."""
    query = select(Muster).where(Muster.ended_at.is_(None)).order_by(Muster.id.desc()).limit(1)
    return session.scalars(query).first()


def newest_ended(session: Session) -> Muster | None:
    query = select(Muster).where(Muster.ended_at.is_not(None)).order_by(Muster.id.desc()).limit(1)
    return session.scalars(query).first()


def begin(session: Session, by: str, at: datetime) -> int | None:
    """Begin a muster; return its number, None if one goes on, also if somebody else began it at this moment."""
    settings.alone(session, "muster")
    if current(session) is not None:
        return None
    muster = Muster(began_at=at, began_by=by[:100])
    session.add(muster)
    session.flush()
    return muster.id


def end(session: Session, muster_id: int, by: str, at: datetime) -> bool:
    """End a muster; return False if it was ended before."""
    done: Any = session.execute(
        update(Muster).where(Muster.id == muster_id, Muster.ended_at.is_(None)).values(ended_at=at, ended_by=by[:100])
    )
    return int(done.rowcount) == 1


def rows(session: Session, muster_id: int) -> Sequence[MusterRow]:
    return session.scalars(select(MusterRow).where(MusterRow.muster_id == muster_id)).all()


def add(session: Session, listed: Iterable[MusterRow]) -> None:
    """Write rows down; one that is there already stays as it is."""
    for row in listed:
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            continue  # somebody ticked this one first


def tick(session: Session, muster_id: int, key: str, by: str | None, at: datetime | None) -> bool:
    """Write down that somebody is safe, or with None that they are not; return False if the row is not there.

    Who is safe already stays so, with the first instant and name.
    """
    row = session.get(MusterRow, (muster_id, key), populate_existing=True)
    if row is None:
        return False
    if at is None or row.safe_at is None:
        row.safe_at, row.safe_by = at, None if by is None else by[:100]
        session.flush()
    return True


def forget_older_than(session: Session, cutoff: datetime, most: int = 1) -> int:
    """Delete at most `most` musters that began before `cutoff`, with their rows; the caller commits."""
    old = session.scalars(select(Muster.id).where(Muster.began_at < cutoff).limit(most)).all()
    session.execute(delete(MusterRow).where(MusterRow.muster_id.in_(old)))
    session.execute(delete(Muster).where(Muster.id.in_(old)))
    return len(old)
