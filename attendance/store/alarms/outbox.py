"""Messages that wait to be sent: put beside the act, taken by one sender, tried again, given up in the end.

In: a session, messages.  Out: rows that are due.
Does not know: mail servers, webhooks.
Main choice: a message is written in the transaction of what it tells, so that neither exists without the other.  A
sender takes it by moving its next attempt ahead (compare and swap), and a sender that dies loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from attendance.store.tables.alarms import OutboxMessage

# After each failed attempt; the schedule that Standard Webhooks recommends.  Then the message is given up.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# A message with a subject and a text of its own, which go once it was sent or given up: it may name people.
LETTER = "letter"
# Longer than any attempt may take.
_LEASE = timedelta(minutes=3)


def put(
    session: Session, *, message_id: str, channel: str, target: str, kind: str, payload: Mapping[str, Any], at: datetime
) -> None:
    """Add a message that is due now; the caller commits it together with what it tells."""
    session.add(
        OutboxMessage(
            id=message_id,
            created_at=at,
            channel=channel,
            target=target,
            type=kind,
            payload=dict(payload),
            attempts=0,
            next_at=at,
        )
    )
    session.flush()


def take_due(session: Session, at: datetime, limit: int = 20) -> Sequence[OutboxMessage]:
    """Take messages that are due for one attempt each; the caller commits, sends, and notes how it went.

    A message whose time lies far ahead, by a clock that was set back, is due, too.
    """
    latest = at + WAITS[-1] + _LEASE
    due = or_(OutboxMessage.next_at <= at, OutboxMessage.next_at > latest)
    taken = []
    for message_id in session.scalars(select(OutboxMessage.id).where(due).order_by(OutboxMessage.next_at).limit(limit)):
        claim = update(OutboxMessage).where(OutboxMessage.id == message_id, due)
        done: Any = session.execute(claim.values(next_at=at + _LEASE, attempts=OutboxMessage.attempts + 1))
        if done.rowcount:
            taken.append(session.get_one(OutboxMessage, message_id, populate_existing=True))
    return taken


def note_sent(session: Session, message_id: str, at: datetime) -> None:
    """Note that it arrived; the caller commits."""
    values = {"next_at": None, "sent_at": at, "last_error": None}
    session.execute(update(OutboxMessage).where(OutboxMessage.id == message_id).values(**values))
    _forget_text(session, message_id)


def note_failed(session: Session, message_id: str, attempts: int, error: str, at: datetime, final: bool) -> bool:
    """Note why it did not arrive and when it is tried again; return whether it is given up.  The caller commits."""
    given_up = final or attempts > len(WAITS)
    next_at = None if given_up else at + WAITS[attempts - 1]
    values = {"next_at": next_at, "last_error": error[:500]}
    session.execute(update(OutboxMessage).where(OutboxMessage.id == message_id).values(**values))
    if given_up:
        _forget_text(session, message_id)
    return given_up


def _forget_text(session: Session, message_id: str) -> None:
    letter = session.scalar(
        select(OutboxMessage.payload).where(OutboxMessage.id == message_id, OutboxMessage.type == LETTER)
    )
    if letter is not None:
        left = {"kind": letter["kind"]}
        session.execute(update(OutboxMessage).where(OutboxMessage.id == message_id).values(payload=left))


def count_waiting(session: Session) -> int:
    """Return how many messages are still to be sent."""
    query = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.next_at.is_not(None))
    return session.scalar(query) or 0


def forget_messages_before(session: Session, cutoff: datetime) -> int:
    """Delete messages that were sent or given up and are older than `cutoff`; the caller commits."""
    old = (OutboxMessage.next_at.is_(None), OutboxMessage.created_at < cutoff)
    done: Any = session.execute(delete(OutboxMessage).where(*old))
    return int(done.rowcount)
