"""Deleting old passages.

In: a session, a point in time.  Out: how many rows went.
Does not know: when it is called (jobs) or how long the settings keep what.
Main choice: denied passages carry no face and no name, yet they show that somebody was there; so
they are deleted after a while.  Refusals of people who were recognised say when somebody wanted in where and was not
let in: they have a time of their own.  Granted passages are attendance records and stay, unless the
settings say how long; the totals of their days (`day_totals`) stay even then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from attendance.service.hours import settled
from attendance.store.hours.edges import put_edges
from attendance.store.tables.access import DoorEvent, Passage
from attendance.store.tables.hours import Correction

# In one transaction, so that nobody at a door waits for a night's work.
MOST_ROWS = 200


def forget_stranger_passages_older_than(session: Session, cutoff: datetime, most: int = MOST_ROWS) -> int:
    """Delete at most `most` denied passages without a person with at < `cutoff` (aware); the caller commits."""
    return _forget(session, (Passage.at < cutoff, Passage.granted.is_(False), Passage.person_id.is_(None)), most)


def forget_named_refusals_older_than(session: Session, cutoff: datetime, most: int = MOST_ROWS) -> int:
    """Delete at most `most` passages of people that a rule refused, with at < `cutoff` (aware); the caller commits.

    Hours count granted passages only, so nothing that is paid changes.
    """
    return _forget(session, (Passage.at < cutoff, Passage.granted.is_(False), Passage.person_id.is_not(None)), most)


def _forget(session: Session, which: Sequence[ColumnElement[bool]], most: int) -> int:
    old = session.scalars(select(Passage.id).where(*which).order_by(Passage.at).limit(most)).all()
    if not old:
        return 0
    # Portable instead of relying on ON DELETE, which a database opened by another program may not enforce.
    session.execute(update(DoorEvent).where(DoorEvent.passage_id.in_(old)).values(passage_id=None))
    done: Any = session.execute(delete(Passage).where(Passage.id.in_(old)))
    return int(done.rowcount)


def forget_passages_older_than(session: Session, cutoff: datetime, zone: ZoneInfo) -> int:
    """Delete every passage with at < `cutoff` (aware); the caller commits.  Totals that were written down stay.

    Who was in at the cutoff is written down first, so that the passages that stay mean what they meant before.
    """
    put_edges(session, settled.edges_at(session, cutoff, zone))
    old = select(Passage.id).where(Passage.at < cutoff)
    session.execute(update(DoorEvent).where(DoorEvent.passage_id.in_(old)).values(passage_id=None))
    session.execute(update(Correction).where(Correction.passage_id.in_(old)).values(passage_id=None))
    done: Any = session.execute(delete(Passage).where(Passage.at < cutoff))
    return int(done.rowcount)
