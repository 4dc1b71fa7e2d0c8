"""Backups: made, checked, listed, thrown away when they are old enough.

In: an engine, a folder, the time.  Out: files with a card each; which there are.
Does not know: who asks (a job, the command line), where copies of a backup are taken.
Main choice: a backup is read back whole before it gets its name, so that a file with that name can be restored.
The master key is never in it: whoever has both can read every template.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, inspect, select, text

from attendance.errors import UserError
from attendance.files.durable import flush_file
from attendance.service.privacy import key_backups
from attendance.store import migrate, settings
from attendance.store.operations import backup_files
from attendance.store.operations.backup_files import Contents
from attendance.store.people import people
from attendance.store.privacy import person_keys
from attendance.store.session import database_file, sessions
from attendance.store.tables.access import Passage

log = logging.getLogger(__name__)

_NAME = re.compile(r"attendance-(\d{8}T\d{6}Z)(-[a-z-]+)?\.(db|dump)")
_UNREADABLE = re.compile(r"\.before-restore-(\d{8}T\d{6}Z)(-wal|-shm)?$")
_SPARE_BYTES = 64 << 20  # that stay free beside a new backup


@dataclass(frozen=True, slots=True)
class Backup:
    """One file.  `made_at`: aware UTC, from its name."""

    path: Path
    made_at: datetime
    bytes: int


def make(
    engine: Engine, folder: Path, at: datetime, mark: str = "", key_folder: Path | None = None
) -> tuple[Backup, Contents]:
    """Write a backup of this instant, read it back whole, and only then give it its name.

    `mark`: a word in the name, such as "before-restore".  `key_folder`: where people's keys are written, apart from
    the database; None: they stay in the copy.  UserError if there is not enough room, the folder may not
    be written, or the copy is not readable.
    """
    database = database_file(engine)
    ending = "db" if engine.dialect.name == "sqlite" else "dump"
    if ending == "db" and database is None:
        raise UserError("a database in memory cannot be backed up: set [database] url to a file")
    target = folder / f"attendance-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}{f'-{mark}' if mark else ''}.{ending}"
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _require_room(folder, _size(engine, database))
        together = key_folder is None or not _back_up_keys(engine, key_folder, at)
        if database is not None:
            backup_files.copy_sqlite(database, draft, together)
            contents = backup_files.check_sqlite(draft)
        else:
            contents = _contents(engine)
            backup_files.dump_postgresql(engine.url, draft, together)
            backup_files.check_postgresql(draft)
        card = asdict(contents) | {"made_at": at.isoformat(), "sha256": _sha256(draft), "bytes": draft.stat().st_size}
        _card(target).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        draft.replace(target)
        flush_file(target)
    except OSError as error:
        raise UserError(
            "no backup in %(folder)s (%(strerror)s): check its rights and the room on its disk",
            folder=folder,
            strerror=error.strerror,
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return Backup(target, at, target.stat().st_size), contents


def back_up_if_due(
    engine: Engine,
    folder: Path,
    every: timedelta,
    keep_days: int,
    now: datetime,
    delete_old: bool = True,
    key_folder: Path | None = None,
) -> Backup | None:
    """Make a backup if the newest is older than `every`, and delete old ones; None if none is due.

    `delete_old` False: delete nothing, since a clock that is wrong would take all backups for old.

    A backup from the future, by a clock that was set back, counts as none.
    """
    newest = next((one for one in list_backups(folder) if one.made_at <= now), None)
    if newest is not None and now - newest.made_at < every:
        return None
    made, contents = make(engine, folder, now, key_folder=key_folder)
    log.info("backup %s: %d bytes, %d people, read back whole", made.path, made.bytes, contents.people)
    if delete_old and (gone := prune(folder, keep_days, now)):
        log.info("%d backups older than %d days were deleted", gone, keep_days)
    return made


def check(path: Path) -> Contents:
    """Compare a backup with its card, read it whole, and return what it holds; UserError if it cannot be restored."""
    card = card_of(path)
    if card and card.get("sha256") != _sha256(path):
        raise UserError(
            "%(path)s is not the file that was written (%(card)s has another sha256): take another",
            path=path,
            card=_card(path).name,
        )
    if path.suffix == ".dump":
        if not card:
            raise UserError(
                "%(card)s is missing, which says what the dump holds: keep both files together", card=_card(path)
            )
        backup_files.check_postgresql(path)
        backup_files.require_known(str(card.get("revision")), path)
        return Contents(str(card["revision"]), card.get("key"), int(card["people"]), int(card["passages"]))
    copy = path.with_name(f".{path.name}.{os.getpid()}.check")
    try:
        copy_of(path, copy)
        return backup_files.check_sqlite(copy)
    finally:
        copy.unlink(missing_ok=True)


def copy_of(path: Path, target: Path) -> None:
    """Copy a SQLite backup; UserError if it is not there or has a log beside it, without which it is not whole."""
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        raise UserError(
            "%(path)s is part of a database in use (%(log)s is beside it): use the command backup instead",
            path=path,
            log=log.name,
        )
    try:
        shutil.copyfile(path, target)
        target.chmod(0o600)
    except OSError as error:
        raise UserError(
            "cannot copy %(path)s to %(target)s: %(strerror)s", path=path, target=target, strerror=error.strerror
        ) from error


def list_backups(folder: Path) -> Sequence[Backup]:
    """Return what is there, newest first; empty for a folder that does not exist."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if (name := _NAME.fullmatch(path.name)) is not None:
                made_at = datetime.strptime(name[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
                found.append(Backup(path, made_at, path.stat().st_size))
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def newest_backup(folder: Path) -> Backup | None:
    """Return the newest backup; None if there is none."""
    return next(iter(list_backups(folder)), None)


def prune(folder: Path, keep_days: int, now: datetime) -> int:
    """Delete backups that are older than `keep_days`, but never the newest one; return how many went."""
    old = [backup for backup in list_backups(folder)[1:] if now - backup.made_at > timedelta(days=keep_days)]
    for backup in old:
        _card(backup.path).unlink(missing_ok=True)
        backup.path.unlink(missing_ok=True)
    return len(old) + _prune_unreadable(folder, keep_days, now)


def _prune_unreadable(folder: Path, keep_days: int, now: datetime) -> int:
    """Delete what a restore kept bit by bit, as it could not be read: there are names in it, too."""
    gone = 0
    with suppress(OSError):
        for path in folder.iterdir():
            name = _UNREADABLE.search(path.name)
            made_at = datetime.strptime(name[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if name else now
            if now - made_at > timedelta(days=keep_days):
                path.unlink(missing_ok=True)
                gone += 1
    return gone


def _back_up_keys(engine: Engine, folder: Path, at: datetime) -> bool:
    """Write people's keys apart; False if this database is from a version that kept them with the people."""
    database = database_file(engine)
    if database is not None:
        there = backup_files.keys_in(database)
        if there is None:
            return False
        found, fingerprint = there
    else:
        if backup_files.KEYS not in inspect(engine).get_table_names():
            return False
        with sessions(engine)() as session:
            found = person_keys.all_keys(session)
            fingerprint = settings.get(session, settings.MASTER_KEY_FINGERPRINT)
    key_backups.write(folder, found, fingerprint, at)
    return True


def card_of(path: Path) -> dict[str, Any]:
    """Return what was written about the backup when it was made; empty if there is nothing."""
    try:
        found = json.loads(_card(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _card(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError("cannot read %(path)s: %(strerror)s", path=path, strerror=error.strerror) from error


def _size(engine: Engine, database: Path | None) -> int:
    if database is not None:
        return sum(path.stat().st_size for path in (database, Path(f"{database}-wal")) if path.exists())
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE_BYTES:
        raise UserError(
            "no room for a backup in %(folder)s: %(needed)s MB are needed and %(free)s MB are free; delete old "
            "backups, or set [backup] folder to another disk",
            folder=folder,
            needed=needed >> 20,
            free=free >> 20,
        )


def _contents(engine: Engine) -> Contents:
    with sessions(engine)() as session:
        key = settings.get(session, settings.MASTER_KEY_FINGERPRINT)
        passages = session.scalar(select(func.count()).select_from(Passage)) or 0
        return Contents(migrate.current(engine) or "", key, people.count_people(session), passages)
