"""Entries of the audit: added and read, never changed and never deleted.

In: a session, an act.  Out: `AuditEntry` rows, newest first.
Does not know: which acts there are (`service/audit/audit.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.store.tables.audit import AuditEntry


def add_entry(
    session: Session,
    *,
    entry_id: str,
    at: datetime,
    actor_kind: str,
    actor_name: str,
    action: str,
    subject_kind: str | None,
    subject_id: str | None,
    detail: Mapping[str, Any],
) -> AuditEntry:
    """Add an entry to the transaction of the act itself: both are committed, or neither is."""
    entry = AuditEntry(
        id=entry_id,
        at=at,
        actor_kind=actor_kind,
        actor_name=actor_name[:100],
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        detail=dict(detail),
    )
    session.add(entry)
    session.flush()
    return entry


def list_entries(session: Session, *, limit: int = 100, before_id: str | None = None) -> Sequence[AuditEntry]:
    """Return entries, newest first; `before_id`: the next page (give the last id of this one)."""
    query = select(AuditEntry)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)).all()
