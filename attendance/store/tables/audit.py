"""The table of the audit: who did what, when, to whom or what.

In: nothing.  Out: a class of `Base.metadata`.
Does not know: what an action means.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class AuditEntry(Base):
    """One act, written once and never changed.

    `subject_id` is text without a foreign key, so that an entry outlives what it is about.
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
