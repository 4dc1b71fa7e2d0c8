"""Passages whose time is a tablet's word: which came late, and which disagree with the tablet's own count.

In: a session, a tablet's name, its count, a time.  Out: yes or no; passages.
Does not know: how late is too late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from attendance.domain.passage import Passage
from attendance.store.access import events
from attendance.store.tables import access


def is_out_of_order(session: Session, camera: str, counter: str, sequence: int, at: datetime, slack: timedelta) -> bool:
    """Return whether this tablet's count and its clock disagree: a later event has an earlier time.

    Also True if another event already has this number.
    """
    same = (access.Passage.camera == camera, access.Passage.counter == counter)
    wrong = or_(
        access.Passage.sequence == sequence,
        and_(access.Passage.sequence < sequence, access.Passage.at > at + slack),
        and_(access.Passage.sequence > sequence, access.Passage.at < at - slack),
    )
    return session.scalar(select(access.Passage.id).where(*same, wrong).limit(1)) is not None


def late_between(session: Session, person_id: int, since: datetime, until: datetime) -> list[Passage]:
    """Return the person's passages of that time that came too late to count, oldest first."""
    query = select(access.Passage).where(
        access.Passage.person_id == person_id,
        access.Passage.at >= since,
        access.Passage.at < until,
        access.Passage.late,
    )
    return [events.passage_of(row) for row in session.scalars(query.order_by(access.Passage.at, access.Passage.id))]
