"""Whole copies of the database: made, checked, put back.

In: a SQLite file or a PostgreSQL URL, a target.  Out: a file that stands by itself; what is in it.
Does not know: when backups are made, how long they are kept (`service/operations/backups.py`).
Main choice: SQLite's backup API in one step, which copies one instant of a database that goes on being written, and
pg_dump for PostgreSQL.  Trade-off: a copy needs as much free space as the database has.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from attendance.errors import UserError, one_line
from attendance.files.durable import flush_file
from attendance.store import migrate
from attendance.store.settings import MASTER_KEY_FINGERPRINT

# The table of people's wrapped keys, which has backups of its own.
KEYS = "key_material"
_WAIT_S = 3600  # for pg_dump and pg_restore


@dataclass(frozen=True, slots=True)
class Contents:
    """What a copy holds.  `key`: the fingerprint of its master key, None if nobody is enrolled."""

    revision: str
    key: str | None
    people: int
    passages: int


def copy_sqlite(source: Path, target: Path, with_keys: bool = True) -> None:
    """Write one instant of the database into `target`, as one file without a log, flushed to the disk.

    `with_keys` False: people's keys are left out, and no byte of them stays in the file.
    OSError or sqlite3.Error if that fails; `target` may then hold a part.
    """
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(descriptor)
    with closing(_connect(source, "rw")) as live, closing(_connect(target, "rw")) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        if not with_keys and copy.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (KEYS,)).fetchone():
            copy.execute("PRAGMA secure_delete = ON")
            copy.execute(f"DELETE FROM {KEYS}")  # noqa: S608  # nosec B608
            copy.execute("VACUUM")
    flush_file(target)


def keys_in(path: Path) -> tuple[dict[str, bytes], str | None] | None:
    """Return people's wrapped keys by random id, and the fingerprint of the master key; None if they are elsewhere.

    Read past the engine, whose connections would wait for a restore that holds the database alone.
    """
    query = "SELECT json_extract(value, '$') FROM settings WHERE key = ?"
    with closing(_connect(path, "rw")) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (KEYS,)).fetchone():
            return None
        found = {uid: bytes(key) for uid, key in connection.execute(f"SELECT uid, wrapped_key FROM {KEYS}")}  # noqa: S608  # nosec B608
        fingerprint = connection.execute(query, (MASTER_KEY_FINGERPRINT,)).fetchone()
    return found, None if fingerprint is None else str(fingerprint[0])


def check_sqlite(path: Path) -> Contents:
    """Read the whole copy and return what it holds; UserError if it is damaged, or not of this program.

    The file may be changed into one without a log.
    """
    try:
        with closing(_connect(path, "rw")) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            if found != ["ok"]:
                raise UserError(
                    "%(path)s is damaged (%(problems)s): take another backup",
                    path=path,
                    problems="; ".join(map(str, found)),
                )
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise UserError("%(path)s is damaged (rows point nowhere): take another backup", path=path)
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            if not {"alembic_version", "people", "passages", "settings"} <= tables:
                raise UserError("%(path)s is not a backup of this program: choose another file", path=path)
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            query = "SELECT json_extract(value, '$') FROM settings WHERE key = ?"
            key = connection.execute(query, (MASTER_KEY_FINGERPRINT,)).fetchone()
            (people,) = connection.execute("SELECT count(*) FROM people").fetchone()
            (passages,) = connection.execute("SELECT count(*) FROM passages").fetchone()
    except sqlite3.Error as error:
        raise UserError(
            "%(path)s cannot be read as a backup (%(error)s): choose another file", path=path, error=one_line(error)
        ) from error
    return Contents(require_known(str(revision), path), None if key is None else str(key[0]), people, passages)


def require_known(revision: str, path: Path) -> str:
    """Return the revision; UserError if a newer version of this program made the backup."""
    if revision not in migrate.revisions():
        raise UserError(
            "%(path)s was made by a newer version: install that version, or choose another backup", path=path
        )
    return revision


def dump_postgresql(url: URL, target: Path, with_keys: bool = True) -> None:
    """Write a compressed dump of one instant, or all but people's keys; UserError with pg_dump's words if it fails."""
    less = () if with_keys else (f"--exclude-table-data={KEYS}",)
    _run(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", *less, f"--file={target}")
    target.chmod(0o600)
    flush_file(target)


def check_postgresql(path: Path) -> None:
    """Unpack the whole dump, into nothing; UserError if it is damaged or cut."""
    _run(None, "pg_restore", "--file=/dev/null", str(path))


def restore_postgresql(url: URL, path: Path, tables: Sequence[str]) -> None:
    """Replace these tables by the dump's, all in one transaction, or change nothing.

    `tables`: what is there now, also what the dump does not know.  Programs that use the database are waited for,
    30 seconds at most.
    """
    with tempfile.TemporaryDirectory(prefix="attendance-restore-") as folder:
        script = Path(folder) / "restore.sql"
        _run(None, "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(path))
        drops = [f'--command=DROP TABLE IF EXISTS "{table}" CASCADE' for table in tables]
        quiet = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--output={os.devnull}")
        _run(url, "psql", *quiet, "--command=SET LOCAL lock_timeout = '30s'", *drops, f"--file={script}")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30, isolation_level=None)


def _run(url: URL | None, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs.  The password goes through the environment, where `ps` does not show it."""
    if shutil.which(program) is None:
        raise UserError(
            "%(program)s is missing: install PostgreSQL's client programs (Debian: postgresql-client)", program=program
        )
    environ = dict(os.environ)
    if url is not None:
        given = {"PGHOST": url.host or url.query.get("host"), "PGPORT": url.port, "PGUSER": url.username}
        given |= {"PGPASSWORD": url.password, "PGDATABASE": url.database, "PGCONNECT_TIMEOUT": 10}
        environ |= {name: str(value) for name, value in given.items() if value}
    try:
        done = subprocess.run([program, *arguments], env=environ, capture_output=True, text=True, timeout=_WAIT_S)
    except subprocess.TimeoutExpired as error:
        raise UserError(
            "%(program)s did not end within an hour: look at the database server", program=program
        ) from error
    if done.returncode:
        raise UserError("%(program)s failed: %(stderr)s", program=program, stderr=one_line(done.stderr)[:500])
