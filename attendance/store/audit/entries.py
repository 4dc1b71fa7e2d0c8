"""Entries of the audit: a chain that is added to and read, and never changed.

In: a session, an act.  Out: `AuditEntry` rows; the end of the chain.
Does not know: which acts there are (`service/audit/audit.py`), who signs the chain.
Main choice: the end of the chain is a row that each entry locks, so that two acts at once get two numbers and one
order.  Trade-off: acts that are noted wait for each other; passages at doors are not among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from attendance.store import settings
from attendance.store.audit.signatures import canonical
from attendance.store.tables.audit import AuditEntry as AuditEntry  # for the service, which names it

CHAIN = "audit_chain"


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
    source: str = "",
) -> AuditEntry:
    """Add an entry to the transaction of the act itself: both are committed, or neither is."""
    seq, before = lock_end(session, at)
    entry = AuditEntry(
        id=entry_id,
        at=at,
        actor_kind=actor_kind,
        actor_name=actor_name[:100],
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        detail=dict(detail),
        seq=seq + 1,
        source=source[:60],
    )
    entry.hash = hash_of(fields_of(entry), before)
    session.add(entry)
    settings.put(session, CHAIN, {"seq": entry.seq, "hash": entry.hash}, at)
    session.flush()
    return entry


def lock_end(session: Session, at: datetime) -> tuple[int, str]:
    """Return number and hash of the newest entry, 0 and "" without one, and hold others back until the commit."""
    settings.touch(session, CHAIN, at)
    return end(session)


def end(session: Session) -> tuple[int, str]:
    """Return number and hash of the newest entry, also if it was removed since; 0 and "" without one."""
    found = settings.get(session, CHAIN, {"seq": 0, "hash": ""})
    return int(found["seq"]), str(found["hash"])


def fields_of(entry: AuditEntry) -> dict[str, Any]:
    """Return what is hashed of an entry, as JSON knows it."""
    return {
        "seq": entry.seq,
        "id": entry.id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor_kind": entry.actor_kind,
        "actor_name": entry.actor_name,
        "source": entry.source,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "detail": entry.detail,
    }


def hash_of(fields: Mapping[str, Any], before: str) -> str:
    """Return the hash of an entry's fields and the hash of the entry before."""
    return hashlib.sha256(canonical({**fields, "before": before})).hexdigest()


def list_entries(
    session: Session,
    *,
    limit: int = 100,
    before_seq: int | None = None,
    action: str = "",
    actor: str = "",
    subject: tuple[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[AuditEntry]:
    """Return entries, newest first.  `before_seq`: the next page (give the last number of this page).

    The others choose: one act, who did it, one subject by kind and id, from an instant on, before an instant.
    """
    wanted: list[ColumnElement[bool]] = []
    if before_seq is not None:
        wanted.append(AuditEntry.seq < before_seq)
    if action:
        wanted.append(AuditEntry.action == action)
    if actor:
        wanted.append(AuditEntry.actor_name == actor)
    if subject is not None:
        wanted += [AuditEntry.subject_kind == subject[0], AuditEntry.subject_id == subject[1]]
    if since is not None:
        wanted.append(AuditEntry.at >= since)
    if until is not None:
        wanted.append(AuditEntry.at < until)
    return session.scalars(select(AuditEntry).where(*wanted).order_by(AuditEntry.seq.desc()).limit(limit)).all()


def count_entries(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def actors(session: Session) -> Sequence[str]:
    """Return everybody who did something, by name."""
    return session.scalars(select(AuditEntry.actor_name).distinct().order_by(AuditEntry.actor_name)).all()


def entries_after(session: Session, seq: int, limit: int) -> Sequence[AuditEntry]:
    """Return entries in their order, from the one after `seq` on."""
    return session.scalars(select(AuditEntry).where(AuditEntry.seq > seq).order_by(AuditEntry.seq).limit(limit)).all()


def newest_at(session: Session, first: int, last: int) -> datetime | None:
    """Return the latest time of these entries; None if there are none."""
    return session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.seq.between(first, last)))
