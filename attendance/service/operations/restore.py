"""Putting a backup back in place of the database, while nothing else uses it.

In: an engine, a backup, the master key.  Out: `Restored`: what came back, where the replaced database is kept.
Does not know: how programs are ended; they notice the restore (`store/operations/replaced.py`) and end by themselves.
Main choice: the copy is checked, upgraded and completed beside the database, and takes its place by one rename.
Trade-off: for a while three copies are on the disk.

People who were erased after the backup was made are erased again by the ledger of erasures, and as far as the
replaced database still shows it.  People's keys come from the replaced database and from the backups of keys.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.files.durable import flush_file
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor
from attendance.service.operations import backups
from attendance.service.privacy import key_backups
from attendance.service.privacy.erasure import apply_ledger, replace_ledger
from attendance.store import migrate, settings
from attendance.store.crypto import Keys, WrongMasterKey
from attendance.store.operations import backup_files, in_use
from attendance.store.operations.backup_files import Contents
from attendance.store.operations.replaced import ORIGIN, begin_history
from attendance.store.people import people
from attendance.store.privacy import erasures, person_keys
from attendance.store.privacy.ledger import Ledger
from attendance.store.session import Sessions, database_file, make_engine, sessions

PATIENCE_S = 60.0
_BEFORE = "before-restore"


@dataclass(frozen=True, slots=True)
class Restored:
    """`kept`: the replaced database as a backup, None if there was none.  `erased`: how many people were erased
    again.  `known`: the ledger of this database was there.  `keyless`: how many people have to be enrolled again,
    since no backup of keys had theirs."""

    contents: Contents
    kept: Path | None
    erased: int
    known: bool
    keyless: int


@dataclass(frozen=True, slots=True)
class Apart:
    """What is kept apart from the database.  `key_folder`: backups of keys; `ledger_lost`: begin a new ledger."""

    ledger: Ledger
    key_folder: Path | None = None
    ledger_lost: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the replaced database holds.  `people`: id → when the person was added; `keys`: wrapped, by random id;
    `issued`: the highest number that a person had."""

    origin: str | None
    people: Mapping[int, str]
    keys: Mapping[str, bytes]
    issued: int


def restore(
    engine: Engine,
    keys: Keys,
    backup: Path,
    folder: Path,
    at: datetime,
    actor: Actor,
    patience_s: float = PATIENCE_S,
    *,
    apart: Apart,
) -> Restored:
    """Check the backup and put it in place of the database; `folder`: where the replaced one is kept.

    UserError, and nothing is changed, if the backup is damaged, foreign or from a newer version, if the master key
    is not the one that it was made with, if the ledger of erasures is missing or older than the backup, or if a
    program still uses the database after `patience_s`.
    """
    ending = ".db" if engine.dialect.name == "sqlite" else ".dump"
    if backup.suffix == ".dump" and ending == ".db":
        raise UserError(
            "%(backup)s is a backup of PostgreSQL: set [database] url to a PostgreSQL database", backup=backup
        )
    if backup.suffix != ".dump" and ending == ".dump":
        raise UserError("%(backup)s is a backup of SQLite: set [database] url to a SQLite file", backup=backup)
    contents = backups.check(backup)
    if contents.key is not None and contents.key != keys.fingerprint:
        raise WrongMasterKey
    database = database_file(engine)
    if database is None:
        return _into_server(engine, contents, backup, folder, at, actor, apart)
    engine.dispose()
    database.parent.mkdir(parents=True, exist_ok=True)
    with in_use.alone(database, patience_s):
        return _in_place(database, contents, backup, folder, at, actor, apart)


def _in_place(
    database: Path, contents: Contents, backup: Path, folder: Path, at: datetime, actor: Actor, apart: Apart
) -> Restored:
    draft = database.with_name(f".{database.name}.{os.getpid()}.restoring")
    kept, known = None, None
    try:
        backups.copy_of(backup, draft)
        if database.exists():
            known = _known_in(database)
            kept = _keep(database, folder, at, apart.key_folder)
        known_ledger, erased, keyless = _complete(f"sqlite:///{draft}", known, at, actor, backup, apart)
        backup_files.check_sqlite(draft)
        if database.exists():
            was = database.stat()
            draft.chmod(was.st_mode & 0o777)
            with suppress(PermissionError):  # whoever is not root may not, and need not
                os.chown(draft, was.st_uid, was.st_gid)
        flush_file(draft)
        # What is in the log was kept above.  A log that stays behind would be applied to the restored file.
        for ending in ("-wal", "-shm"):
            Path(f"{database}{ending}").unlink(missing_ok=True)
        draft.replace(database)
        flush_file(database)
    finally:
        for left in database.parent.glob(f"{draft.name}*"):
            left.unlink(missing_ok=True)
    return Restored(contents, kept, erased, known_ledger, keyless)


def _into_server(
    engine: Engine, contents: Contents, backup: Path, folder: Path, at: datetime, actor: Actor, apart: Apart
) -> Restored:
    kept, known = None, None
    tables = inspect(engine).get_table_names()
    if "people" in tables and migrate.current(engine) in migrate.revisions():
        with sessions(engine)() as session:
            found = person_keys.all_keys(session) if backup_files.KEYS in tables else {}
            issued = erasures.highest_number(session)
            known = Known(settings.get(session, ORIGIN), _people_in(session), found, issued)
        kept = backups.make(engine, folder, at, _BEFORE, apart.key_folder)[0].path
    backup_files.restore_postgresql(engine.url, backup, tables)
    engine.dispose()
    url = engine.url.render_as_string(hide_password=False)
    known_ledger, erased, keyless = _complete(url, known, at, actor, backup, apart)
    return Restored(contents, kept, erased, known_ledger, keyless)


def _complete(
    url: str, known: Known | None, at: datetime, actor: Actor, backup: Path, apart: Apart
) -> tuple[bool, int, int]:
    """Bring the restored database up to date; erase again who was erased since; begin a new history.

    Returns whether the ledger was known, how many people were erased again, how many have no key.
    """
    engine = make_engine(url)
    factory = sessions(engine)
    try:
        migrate.upgrade(engine)
        known_ledger = _ledger_in_place(factory, apart, at, actor)
        by_ledger = apply_ledger(factory, apart.ledger, at).people
        erased = _ids_in(apart.ledger)
        found = {} if apart.key_folder is None else key_backups.read_all(apart.key_folder)
        with factory.begin() as session:
            gone = _gone_since(session, known)
            for person_id in gone:
                people.delete_person(session, person_id, at=at)
            if known is not None:
                # Numbers that were ever given to somebody are never given again.
                erasures.never_again(session, known.issued)
                found |= known.keys
            keyless = person_keys.put_back(session, found, erased)
            begin_history(session, at)
            settings.bump_gallery_version(session, at)
            detail: dict[str, audit.Value] = {"backup": backup.name, "erased_again": by_ledger + len(gone)}
            audit.record(session, actor=actor, action=Action.RESTORE_BACKUP, at=at, detail=detail)
    finally:
        engine.dispose()
    return known_ledger, by_ledger + len(gone), keyless


def _ledger_in_place(factory: Sessions, apart: Apart, at: datetime, actor: Actor) -> bool:
    """Use the ledger of the restored database; False if there was none and a new one was begun."""
    with factory() as session:
        origin, applied = settings.get(session, ORIGIN), erasures.applied(session)
    if apart.ledger.adopt(origin, f"{at:%Y%m%dT%H%M%SZ}"):
        return True
    if applied is None:
        return False  # from before there were ledgers: a new one is begun
    if not apart.ledger_lost:
        raise UserError(
            "the ledger of erasures of this backup is missing, and without it erased people would come back: put "
            "it at %(path)s; if it is lost for good, restore with --ledger-lost and erase those people again",
            path=apart.ledger.path,
        )
    replace_ledger(factory, apart.ledger, at, actor)
    return False


def _ids_in(ledger: Ledger) -> set[str]:
    return {entry.id for entry in ledger.read() if entry.kind == "key"}


def _gone_since(session: Session, known: Known | None) -> list[int]:
    """Return who is in the restored database and was erased in the replaced one, as far as it shows that."""
    # An empty database in place of a lost one does not show who was erased.
    if known is None or known.origin is None or known.origin != settings.get(session, ORIGIN):
        return []
    return [number for number, _at in _people_in(session).items() - known.people.items()]


def _keep(database: Path, folder: Path, at: datetime, key_folder: Path | None) -> Path:
    """Return where the replaced database is kept: as a backup, or bit by bit if it cannot be read."""
    engine = make_engine(f"sqlite:///{database}")
    # This process holds the database alone; its own connections need no further lock.
    raw = folder / f"{database.name}.{_BEFORE}-{at:%Y%m%dT%H%M%SZ}"
    try:
        return backups.make(engine, folder, at, _BEFORE, key_folder)[0].path
    except (UserError, sqlite3.Error, SQLAlchemyError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{database}{ending}", f"{raw}{ending}")
                Path(f"{raw}{ending}").chmod(0o600)
        return raw
    finally:
        engine.dispose()


def _people_in(session: Session) -> dict[int, str]:
    """Return id → when the person was added, as the database writes it."""
    return {int(row[0]): str(row[1]) for row in session.execute(text("SELECT id, created_at FROM people"))}


def _known_in(database: Path) -> Known | None:
    """Return whom the replaced database holds; None if it cannot say."""
    found = _pairs(database, "SELECT id, created_at FROM people")
    origin = _pairs(database, "SELECT key, json_extract(value, '$') FROM settings WHERE json_valid(value)")
    if found is None or origin is None:
        return None
    issued = _pairs(database, "SELECT name, seq FROM sqlite_sequence WHERE name = 'people'") or {}
    wrapped = _pairs(database, "SELECT uid, hex(wrapped_key) FROM key_material") or {}
    return Known(
        origin.get(ORIGIN),
        {int(number): at for number, at in found.items()},
        {uid: bytes.fromhex(text) for uid, text in wrapped.items()},
        int(issued.get("people", 0)),
    )


def _pairs(database: Path, query: str) -> dict[Any, str] | None:
    if not database.exists():
        return None
    try:
        connection = sqlite3.connect(database)
        try:
            return {row[0]: str(row[1]) for row in connection.execute(query)}
        finally:
            connection.close()
    except sqlite3.Error:
        return None
