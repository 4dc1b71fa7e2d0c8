"""Signed heads of the audit trail.

In: a session, a signed segment.  Out: `AuditHead` rows, oldest first.
Does not know: how a head is signed or verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from attendance.store.tables.audit import AuditEntry
from attendance.store.tables.audit import AuditHead as AuditHead  # for the service, which names it


def all_heads(session: Session) -> Sequence[AuditHead]:
    return session.scalars(select(AuditHead).order_by(AuditHead.id)).all()


def newest(session: Session) -> AuditHead | None:
    return session.scalar(select(AuditHead).order_by(AuditHead.id.desc()).limit(1))


def add_head(session: Session, content: dict[str, Any], signed_at: datetime, signature: str) -> AuditHead:
    """Add a head; `content`: what `fields_of` gives, which was signed."""
    head = AuditHead(
        id=content["head"],
        first=content["first"],
        last=content["last"],
        before=content["before"],
        hash=content["hash"],
        signed_at=signed_at,
        signature=signature,
    )
    session.add(head)
    session.flush()
    return head


def fields_of(head: AuditHead) -> dict[str, Any]:
    """Return what is signed of a head, but for the signature of the head before."""
    return {
        "head": head.id,
        "first": head.first,
        "last": head.last,
        "before": head.before,
        "hash": head.hash,
        "signed_at": text_of(head.signed_at),
    }


def text_of(at: datetime) -> str:
    """Return a time as it is signed."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def forget_segment(session: Session, first: int, last: int) -> None:
    """Remove the entries of a signed segment, whose head stays."""
    session.execute(delete(AuditEntry).where(AuditEntry.seq.between(first, last)))
