"""Erasing: a person, or what consent was withdrawn for; and again whatever a restored backup brought back.

In: sessions, the ledger of erasures, ids.  Out: rows that are gone, a pending erasure each; UserError if it fails.
Does not know: what is done later outside requests (`finish.py`), receipts (`receipts.py`).
Main choice: first the ledger's line, flushed to the disk, then the transaction that erases, so that no crash in
between leaves an erasure that a backup could undo.  What the ledger names and the database still has is erased at
every start.  Trade-off: no erasure while the ledger cannot be written.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.people.consent import BOTH, Channel, Purpose
from attendance.errors import UserError
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.store import settings as values
from attendance.store.audit.signatures import Signer
from attendance.store.crypto import Keys
from attendance.store.operations.replaced import ORIGIN, ensure_history
from attendance.store.people import grown, people
from attendance.store.privacy import consent, erasures, person_keys
from attendance.store.privacy.ledger import Entry, Head, Kind, Ledger
from attendance.store.session import Sessions, database_file
from attendance.store.settings import bump_gallery_version
from attendance.store.settings import get as shared

log = logging.getLogger(__name__)
NAME, HEADS = "erasures.ledger", "audit-heads.jsonl"
_AT_ONCE = 100  # people in one transaction


@dataclass(frozen=True, slots=True)
class Erased:
    """What `apply_ledger` found in the database although it had been erased."""

    people: int
    keys: int


def ledger_for(settings: Settings, engine: Engine, keys: Keys) -> Ledger:
    """Return the ledger of a site: `privacy.ledger`, else beside the database, with a copy in the folder of backups."""
    database = database_file(engine)
    beside = settings.base_dir / "var" if database is None else database.parent
    path = Path(settings.privacy.ledger) if settings.privacy.ledger else beside / NAME
    copies = [Path(settings.backup.folder) / NAME] if settings.backup.folder else []
    return Ledger(path, Signer(keys), [copy for copy in copies if copy.absolute() != path.absolute()])


def heads_file(settings: Settings, engine: Engine) -> Path:
    """Return the file of signed heads of the audit trail, which lies beside the ledger."""
    database = database_file(engine)
    beside = settings.base_dir / "var" if database is None else database.parent
    return (Path(settings.privacy.ledger).parent if settings.privacy.ledger else beside) / HEADS


def erase_person(sessions: Sessions, ledger: Ledger, person_id: int, actor: Actor, at: datetime) -> str:
    """Erase a person; return the id of the erasure, which is pending.  UserError if the person is gone already."""
    with sessions() as session:
        people.get_person(session, person_id)
        uid, key = erasures.uid_of(session, person_id), person_keys.key_id(session, person_id)
        issued = erasures.highest_number(session)
    assert uid is not None
    lines: list[tuple[Kind, str]] = [("person", uid)]
    if key is not None:
        lines.append(("key", key))
    head = ledger.append(lines, at, issued)
    with sessions.begin() as session:
        detail = {"rows": sum(erasures.row_counts(session, person_id).values())}
        subject = Subject("person", person_id)
        audit.record(session, actor=actor, action=Action.ERASE_PERSON, subject=subject, detail=detail, at=at)
        row = _erase(session, person_id, uid, at)
        erasures.put_applied(session, head.entries, head.hash, at)
        return row


def withdraw(
    sessions: Sessions,
    ledger: Ledger,
    person_id: int,
    actor: Actor,
    at: datetime,
    purposes: Collection[Purpose] = BOTH,
    channel: Channel = Channel.COMMAND,
) -> str | None:
    """Note that a person withdrew consent to these purposes; with the last of recognition, erase the templates.

    With the one to growth those go that grew, and no restored backup brings them back.  Return the erasure; None if the
    face is still recognised, or nothing was stored.
    """
    while True:
        with sessions() as session:
            left = people.get_person(session, person_id).agreed - frozenset(purposes)
            key, issued = person_keys.key_id(session, person_id), erasures.highest_number(session)
            grew = grown_ids(session, person_id) if Purpose.GROWTH in purposes else set()
        head = ledger.append([("key", key)], at, issued) if key and not left else None
        named = ledger.append(_lines_of(grew), at, issued) if grew and head is None else None
        with sessions.begin() as session:
            values.lock_gallery(session, at)
            person = people.lock_person(session, person_id)
            if head is None and not person.agreed - frozenset(purposes) and person_keys.key_id(session, person_id):
                continue  # another purpose ended, or a template came, since we looked: the ledger's line comes first
            if head is None and Purpose.GROWTH in purposes and not grown_ids(session, person_id) <= grew:
                continue
            # Once the ledger names the key, it goes, whatever somebody noted meanwhile.
            ending = frozenset(Purpose) if head is not None else purposes
            removed = erasures.template_counts(session, person_id) if head is not None else {}
            held = person.agreed_to
            consent.withdraw_consent(session, person_id, at=at, purposes=ending, channel=channel, by=actor.name)
            detail = {"purposes": "+".join(sorted(held & frozenset(ending)))}
            subject = Subject("person", person_id)
            audit.record(session, actor=actor, action=Action.WITHDRAW_CONSENT, subject=subject, detail=detail, at=at)
            if named is not None:
                erasures.put_applied(session, named.entries, named.hash, at)
            if head is None or key is None:
                return None
            erasures.put_applied(session, head.entries, head.hash, at)
            return erasures.add_erasure(session, "templates", key, removed, at).id


def take_back_grown(
    sessions: Sessions, ledger: Ledger, person_id: int, actor: Actor, at: datetime, only: str | None = None
) -> int:
    """Delete what grew of a person, or `only` the template with this random id; return how many went.

    The ledger names them first, so that no restored backup brings them back.
    """
    with sessions() as session:
        people.get_person(session, person_id)
        wanted = {uid for uid in grown_ids(session, person_id) if only in (None, uid)}
        issued = erasures.highest_number(session)
    if not wanted:
        return 0
    head = ledger.append(_lines_of(wanted), at, issued)
    with sessions.begin() as session:
        values.lock_gallery(session, at)
        rows = grown.by_uid(session, wanted)
        grown.delete_rows(session, rows, at)
        erasures.put_applied(session, head.entries, head.hash, at)
        subject, detail = Subject("person", person_id), {"templates": len(rows)}
        audit.record(session, actor=actor, action=Action.TAKE_BACK_GROWN, subject=subject, detail=detail, at=at)
        return len(rows)


def grown_ids(session: Session, person_id: int) -> set[str]:
    """Return the random ids of the templates that grew of a person."""
    return {row.uid for row in grown.of_person(session, person_id)}


def _lines_of(uids: Collection[str]) -> list[tuple[Kind, str]]:
    return [("grown", uid) for uid in sorted(uids)]


def require_ledger(sessions: Sessions, ledger: Ledger, at: datetime) -> list[Entry]:
    """Return the ledger's lines; UserError with advice if it is missing, older than the database, or another's.

    A new site gets a new ledger.
    """
    entries = ledger.read()
    with sessions() as session:
        applied, origin = erasures.applied(session), shared(session, ORIGIN)
        anybody = people.count_people(session) > 0
    if not entries and applied is None:
        return begin_ledger(sessions, ledger, at)
    if not entries:
        raise UserError(
            "the ledger of erasures %(path)s is missing, and without it a restored backup could bring erased "
            "people back: put the file back from its copy; if it is lost for good, run: python manage.py privacy "
            "begin-ledger",
            path=ledger.path,
        )
    if applied is None and not anybody and origin != entries[0].id:
        # Another database was made in this folder: a new site begins, and the old ledger is kept.
        ledger.put_aside(f"{at:%Y%m%dT%H%M%SZ}")
        return begin_ledger(sessions, ledger, at)
    if origin is not None and origin != entries[0].id:
        raise UserError(
            "the ledger of erasures %(path)s belongs to another database: put back the one of this site, or set "
            "privacy.ledger",
            path=ledger.path,
        )
    if applied is not None and not _reaches(entries, *applied):
        raise UserError(
            "the ledger of erasures %(path)s is older than the database: put back its newest copy (one is in the "
            "folder of backups); if there is none, run: python manage.py privacy begin-ledger",
            path=ledger.path,
        )
    return entries


def begin_ledger(sessions: Sessions, ledger: Ledger, at: datetime) -> list[Entry]:
    """Begin an empty ledger for this database."""
    with sessions.begin() as session:
        ensure_history(session, at)
        origin, issued = str(shared(session, ORIGIN)), erasures.highest_number(session)
    head = ledger.append([("begin", origin)], at, issued)
    with sessions.begin() as session:
        erasures.put_applied(session, head.entries, head.hash, at)
    return ledger.read()


def replace_ledger(sessions: Sessions, ledger: Ledger, at: datetime, actor: Actor) -> None:
    """Begin a new ledger in place of one that is lost for good, and note that in the audit."""
    ledger.put_aside(f"{at:%Y%m%dT%H%M%SZ}")
    with sessions.begin() as session:
        audit.record(session, actor=actor, action=Action.BEGIN_LEDGER, at=at)
    begin_ledger(sessions, ledger, at)


def apply_ledger(sessions: Sessions, ledger: Ledger, at: datetime) -> Erased:
    """Erase again what the ledger names and the database still has; what `require_ledger` raises.

    A start that finds nothing writes nothing.
    """
    entries = require_ledger(sessions, ledger, at)
    gone, keys = _ids(entries, "person"), _ids(entries, "key")
    head = Head(len(entries), entries[-1].hash)
    with sessions() as session:
        numbers, left = erasures.still_there(session, gone, keys)
        uids = {number: erasures.uid_of(session, number) for number in numbers}
        taken_back = {row.uid for row in grown.by_uid(session, _ids(entries, "grown"))}
        noted, issued = erasures.applied(session), erasures.highest_number(session)
    for start in range(0, len(numbers), _AT_ONCE):
        with sessions.begin() as session:
            for number in numbers[start : start + _AT_ONCE]:
                _again(session, number, uids[number], at)
    with_key_only = set(left)
    if with_key_only:
        with sessions.begin() as session:
            person_keys.erase_keys(session, with_key_only)
            bump_gallery_version(session, at)
    if taken_back:
        with sessions.begin() as session:
            grown.delete_rows(session, grown.by_uid(session, taken_back), at)
    if noted != (head.entries, head.hash) or issued < entries[-1].issued:
        with sessions.begin() as session:
            erasures.put_applied(session, head.entries, head.hash, at)
            erasures.never_again(session, entries[-1].issued)
    if numbers or left:
        log.warning(
            "%d people and %d keys were erased again: the ledger says that they are erased", len(numbers), len(left)
        )
    return Erased(len(numbers), len(left))


def _again(session: Session, number: int, uid: str | None, at: datetime) -> None:
    actor = Actor("system", "ledger of erasures")
    subject = Subject("person", number)
    audit.record(session, actor=actor, action=Action.ERASE_PERSON, subject=subject, detail={"again": True}, at=at)
    _erase(session, number, uid or "", at)


def _erase(session: Session, person_id: int, uid: str, at: datetime) -> str:
    removed = erasures.row_counts(session, person_id)
    people.delete_person(session, person_id, at=at)
    return erasures.add_erasure(session, "person", uid, removed, at).id


def _reaches(entries: Sequence[Entry], number: int, last_hash: str) -> bool:
    return number == 0 or (len(entries) >= number and entries[number - 1].hash == last_hash)


def _ids(entries: Sequence[Entry], kind: Kind) -> set[str]:
    return {entry.id for entry in entries if entry.kind == kind}
