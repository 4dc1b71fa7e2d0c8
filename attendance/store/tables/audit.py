"""The tables of the audit: who did what, when, to whom or what; signed heads of it.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: what an action means, how a head is signed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class AuditEntry(Base):
    """One act, written once and never changed.

    `seq`: 1, 2, 3 … without a gap · `source`: the address it came from, "" for this computer · `hash`: of it and
    the hash of the one before.  `subject_id` is text without a foreign key, so that an entry outlives what it is about.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        CheckConstraint("actor_kind IN ('operator', 'command line', 'system')", name="actor_kind"),
        Index(None, "at"),
        Index(None, "subject_kind", "subject_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_name: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str | None] = mapped_column(String(20))
    subject_id: Mapped[str | None] = mapped_column(String(36))
    detail: Mapped[dict[str, Any]]
    seq: Mapped[int] = mapped_column(unique=True)
    source: Mapped[str] = mapped_column(String(60), default="")
    hash: Mapped[str] = mapped_column(String(64), default="")


class AuditHead(Base):
    """A signed segment of the trail, from entry `first` to `last`.  It stays when its entries are removed.

    `before`: the hash before the first entry · `hash`: of the last one · `removal`: the signature of `removed_at`.
    """

    __tablename__ = "audit_heads"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first: Mapped[int]
    last: Mapped[int]
    before: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    signed_at: Mapped[datetime]
    signature: Mapped[str] = mapped_column(Text)
    removed_at: Mapped[datetime | None]
    removal: Mapped[str | None] = mapped_column(Text)
