"""Small values that the programs share through the database.

In: a session.  Out: JSON values by key; the gallery's version; turns of transactions.
Does not know: the settings of config.toml, which are files and not rows.
Main choice: the gallery's version is a counter in a row that every change of the gallery bumps in
its own transaction; a daemon that reads one number a second knows when to reload.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from attendance.store.tables.base import Setting

GALLERY_VERSION = "gallery_version"
MASTER_KEY_FINGERPRINT = "master_key_fingerprint"
UPGRADED_SITE = "upgraded_site"


def get(session: Session, key: str, default: Any = None) -> Any:
    value = session.scalar(select(Setting.value).where(Setting.key == key))
    return default if value is None else value


def put(session: Session, key: str, value: Any, at: datetime) -> None:
    """Write `value` (JSON, not None); the caller commits."""
    done = session.execute(update(Setting).where(Setting.key == key).values(value=value, updated_at=at))
    if not _rows(done):
        session.add(Setting(key=key, value=value, updated_at=at))
        session.flush()


def touch(session: Session, key: str, at: datetime) -> None:
    """Lock this value, if it is there, until the caller's transaction ends."""
    session.execute(update(Setting).where(Setting.key == key).values(updated_at=at))


def alone(session: Session, what: str) -> None:
    """Let no other transaction in that asked for the same, until the caller's ends; on SQLite nobody else writes.

    For what is read in order to write, where there is no row that could be locked.
    """
    _lock(session, what, func.pg_advisory_xact_lock)


def not_while_alone(session: Session, what: str) -> None:
    """As `alone`, but together with others that ask for this: only who asks to be alone waits, or is waited for.

    Nothing on SQLite, where a transaction that only reads must not keep doors from writing.
    """
    if _is_postgresql(session):
        _lock(session, what, func.pg_advisory_xact_lock_shared)


def _lock(session: Session, what: str, lock: Callable[..., Any]) -> None:
    if _is_postgresql(session):
        session.execute(select(lock(zlib.crc32(what.encode()))))
    else:  # a write that changes nothing begins the transaction
        session.execute(update(Setting).where(Setting.key == what).values(key=what))


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def used_before_upgrade(session: Session) -> bool:
    """Return whether this site was in use before its doors could ask for more by themselves.

    Such a site is warned, and a new one asks: nobody is shut out by an upgrade.
    """
    return bool(get(session, UPGRADED_SITE, False))


def gallery_version(session: Session) -> int:
    return int(get(session, GALLERY_VERSION, 0))


def lock_gallery(session: Session, at: datetime) -> None:
    """Lock the gallery until the caller's transaction ends (a row's lock; on SQLite the file's)."""
    session.execute(update(Setting).where(Setting.key == GALLERY_VERSION).values(updated_at=at))


def bump_gallery_version(session: Session, at: datetime) -> int:
    """Count one more change of the gallery, in the caller's transaction; returns the new version."""
    # Write before reading, so that no other change gets in between.
    lock_gallery(session, at)
    version = gallery_version(session) + 1
    put(session, GALLERY_VERSION, version, at)
    return version


def _rows(result: Any) -> int:
    return int(result.rowcount)
