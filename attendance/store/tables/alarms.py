"""The tables of alarms and of messages that wait to be sent.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: which alarms there are (`service/alarms/kinds.py`), how a message is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base

_OPEN = text("cleared_at IS NULL")


class Alarm(Base):
    """Something that somebody has to look at.  One row is open for each kind and subject.

    `subject`: a camera's or door's name, "" for the whole site; never a person.  `count`: how often it was raised
    while it was open.
    """

    __tablename__ = "alarms"
    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'fault', 'security')", name="severity"),
        Index("uq_alarms_open", "kind", "subject", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(None, "raised_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100))
    severity: Mapped[str] = mapped_column(String(10))
    raised_at: Mapped[datetime]
    count: Mapped[int]
    detail: Mapped[dict[str, Any]]
    cleared_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(100))
    escalated_at: Mapped[datetime | None]


class OutboxMessage(Base):
    """A message that must reach somebody, kept until it did.  `id` stays the same at each attempt.

    `channel`: how it is sent; `target`: to whom, "" where the settings say it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("channel IN ('mail', 'webhook')", name="channel"),
        Index(None, "next_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    created_at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(10))
    target: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int]
    # NULL: sent, or given up.
    next_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
