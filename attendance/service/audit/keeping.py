"""Keeping the audit trail: signing heads, checking it, exporting it, forgetting old segments.

In: sessions, the signer, the time.  Out: signed heads; a verdict that is kept for the numbers and alarms; records.
Does not know: pages, who asks.
Main choice: heads are also lines of a file apart from the database, so that whoever deletes the newest entries with
their heads is found out.  Trade-off: whoever also has the file and the master key can rewrite everything; send the
heads to another computer.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.audit import audit, trail
from attendance.service.audit.audit import Action, Actor
from attendance.service.audit.trail import Record, Verdict
from attendance.store import settings
from attendance.store.audit import entries, heads
from attendance.store.audit.heads import AuditHead
from attendance.store.audit.signatures import Signer
from attendance.store.session import Sessions

log = logging.getLogger(__name__)
CHECK = "audit_check"
_AT_ONCE = 2000


def sign_head(sessions: Sessions, signer: Signer, file: Path | None, at: datetime) -> bool:
    """Sign what was added since the newest head; return whether there was anything.

    `file`: gets a copy of each head.  Signing takes a fraction of a millisecond, and is done before the first write.
    """
    with sessions() as session:
        newest, (seq, last_hash) = heads.newest(session), entries.end(session)
    last, before, previous, number = (0, "", "", 0)
    if newest is not None:
        last, before, previous, number = newest.last, newest.hash, newest.signature, newest.id
    if seq == last:
        return False
    content: dict[str, Any] = {
        "head": number + 1,
        "first": last + 1,
        "last": seq,
        "before": before,
        "hash": last_hash,
        "signed_at": heads.text_of(at),
    }
    signature = signer.sign(trail.HEAD, trail.signed_content(content, previous))
    with sessions.begin() as session:
        entries.lock_end(session, at)
        now = heads.newest(session)
        if (now.id if now is not None else 0) != number:
            return False  # another process was first
        heads.add_head(session, content, at, signature)
    if file is not None:
        _append(file, content | {"signature": signature})
    return True


def records(session: Session, after: int = 0) -> Iterator[Record]:
    """Return every entry as a record, in order."""
    while found := entries.entries_after(session, after, _AT_ONCE):
        for entry in found:
            yield entries.fields_of(entry) | {"hash": entry.hash}
        after = found[-1].seq


def head_records(session: Session) -> list[Record]:
    """Return every head as a record, in order."""
    return [head_record(head) for head in heads.all_heads(session)]


def head_record(head: AuditHead) -> dict[str, Any]:
    """Return a head as it is exported."""
    removed = None if head.removed_at is None else heads.text_of(head.removed_at)
    return heads.fields_of(head) | {"signature": head.signature, "removed_at": removed, "removal": head.removal}


def check(sessions: Sessions, signer: Signer, file: Path | None, at: datetime) -> Verdict:
    """Verify the whole trail, keep the verdict for numbers and alarms, and log what is broken."""
    known = read_heads(file) if file is not None and file.exists() else []
    with sessions() as session:
        verdict = trail.verify(records(session), head_records(session), signer.public, known_heads=known)
        seq, last_hash = entries.end(session)
        newest = entries.list_entries(session, limit=1)
    if newest and (newest[0].seq, newest[0].hash) != (seq, last_hash):
        problem = "the newest entry is not the end of the chain"
        verdict = Verdict((*verdict.problems, problem), verdict.signed, verdict.unsigned, verdict.removed)
    for problem in verdict.problems:
        log.error("the audit trail is broken: %s", problem)
    with sessions.begin() as session:
        settings.put(session, CHECK, {"ok": verdict.ok, "at": at.isoformat()}, at)
    return verdict


def chain_ok(session: Session) -> bool | None:
    """Return the verdict of the newest check; None before the first."""
    found = settings.get(session, CHECK)
    return None if found is None else bool(found["ok"])


def forget(sessions: Sessions, signer: Signer, days: int, at: datetime) -> int:
    """Remove whole segments that are older than `days`; their heads stay.  0 days: keep all.  Return how many went."""
    if days == 0:
        return 0
    cutoff, gone = at - timedelta(days=days), 0
    with sessions() as session:
        old = []
        for head in heads.all_heads(session):
            latest = entries.newest_at(session, head.first, head.last) or head.signed_at
            if head.removed_at is None and max(latest, head.signed_at) >= cutoff:
                break  # whole segments, oldest first
            if head.removed_at is None:
                old.append(head)
        signed = {
            head.id: signer.sign(trail.REMOVAL, trail.removal_of(head_record(head) | {"removed_at": heads.text_of(at)}))
            for head in old
        }
    for head in old:
        with sessions.begin() as session:
            kept = session.get(AuditHead, head.id)
            if kept is None or kept.removed_at is not None:
                continue
            kept.removed_at, kept.removal = at, signed[head.id]
            heads.forget_segment(session, head.first, head.last)
            detail: dict[str, audit.Value] = {"first": head.first, "last": head.last}
            audit.record(session, actor=Actor("system", "retention"), action=Action.FORGET_AUDIT, detail=detail, at=at)
            gone += 1
    return gone


def export_lines(session: Session, signer: Signer, at: datetime) -> Iterator[str]:
    """Return the trail as JSON lines: heads, entries, and a signed last line that says where it ends."""
    signed = head_records(session)
    for head in signed:
        yield json.dumps({"head": head}, ensure_ascii=False)
    seq, last_hash = 0, ""
    for entry in records(session):
        seq, last_hash = entry["seq"], entry["hash"]
        yield json.dumps({"entry": entry}, ensure_ascii=False)
    if seq == 0 and signed:
        seq, last_hash = signed[-1]["last"], signed[-1]["hash"]
    yield json.dumps({"end": trail.trailer_of(signer, seq, last_hash, signed, heads.text_of(at))})


def verify_export(path: Path, public: Ed25519PublicKey, known_heads: list[Record] | None = None) -> Verdict:
    """Verify an exported file; UserError if it cannot be read or has no last line."""
    signed: list[Record] = []
    exported: list[Record] = []
    ends: list[Record] = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            (kind,) = record
            {"head": signed, "entry": exported, "end": ends}[kind].append(record[kind])
    except OSError as error:
        raise UserError("cannot read %(path)s: %(why)s", path=path, why=error.strerror) from error
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("%(path)s is not an export of an audit trail, or was damaged", path=path) from error
    if len(ends) != 1:
        raise UserError("%(path)s has no signed last line: it was cut, or is still being written", path=path)
    return trail.verify(exported, signed, public, ends[0], known_heads or [])


def read_heads(path: Path) -> list[Record]:
    """Read a file of signed heads; UserError if it is not one."""
    try:
        return [dict(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise UserError("cannot read %(path)s: %(why)s", path=path, why=error.strerror) from error
    except (TypeError, ValueError) as error:
        raise UserError("%(path)s is not a file of signed heads", path=path) from error


def _append(file: Path, content: Record) -> None:
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(json.dumps(content) + "\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        log.error("the head of the audit trail was not copied into %s: %s", file, error.strerror)
