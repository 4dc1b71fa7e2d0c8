"""Whether the database that a program opened is still the one at its place.

In: an engine.  Out: silence, or DatabaseReplaced with what to do.
Does not know: doors, pages; whoever gets the exception ends, and opens the right database at its next start.
Main choice: SQLite keeps on writing into a file that was deleted or exchanged under it, so the file, its `-wal` and
its `-shm` are compared with what was opened: the same files, the header of the same history, a log of the same
series.  Trade-off: a few system calls a second.  An older copy of the very same database, copied over the file
between two changes of its size, looks the same.

For PostgreSQL a row names the history, and a restore writes a new name into it.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from attendance.errors import Phrase
from attendance.store import settings
from attendance.store.faults import DatabaseReplaced
from attendance.store.operations import in_use
from attendance.store.session import Sessions, database_file, sessions

CHECK_EVERY_S = 1.0
HISTORY = "database_history"  # named anew by each restore
ORIGIN = "database_origin"  # never: tells the backups of one database from those of another
_MAGIC = b"SQLite format 3\0"


def ensure_history(session: Session, at: datetime) -> str:
    """Return the name of this database's history; give it one if it has none."""
    if settings.get(session, ORIGIN) is None:
        settings.put(session, ORIGIN, uuid.uuid4().hex, at)
    name = settings.get(session, HISTORY)
    return str(name) if name is not None else begin_history(session, at)


def begin_history(session: Session, at: datetime) -> str:
    """Give the database a new history, as after a restore; the caller commits."""
    name = uuid.uuid4().hex
    settings.put(session, HISTORY, name, at)
    return name


class ReplacedWatch:
    """Compares once in `every_s`, however often it is asked."""

    def __init__(self, engine: Engine, every_s: float = CHECK_EVERY_S) -> None:
        path = database_file(engine)
        self._files = None if path is None else _Files(path)
        self._history = None if path is not None else _history_check(sessions(engine))
        self._every_s, self._checked_at = every_s, monotonic()

    def check(self) -> None:
        """Raise DatabaseReplaced if the database is not the one that was opened, or a restore waits for us."""
        if monotonic() - self._checked_at < self._every_s:
            return
        self._checked_at = monotonic()
        if self._files is not None:
            self._files.check()
        elif self._history is not None:
            self._history()

    def close(self) -> None:
        """Let go of the files; only once nothing else of this process uses the database."""
        if self._files is not None:
            self._files.close()


class _Files:
    """The three files of a SQLite database, kept open so that each stays recognisable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hold = in_use.hold(path, 1.0)
        # Open for as long as we look, so that the last other connection does not delete -wal and -shm.
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False)
        (through_the_log,) = self._connection.execute("PRAGMA schema_version").fetchone()
        self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        # Never closed before the end: closing one would drop the locks that SQLite holds on it.
        self._opened = [(file, os.open(file, os.O_RDONLY | os.O_CLOEXEC)) for file in self._names() if file.exists()]
        header = self._header()
        self._cookies = {through_the_log, _cookie(header)}
        self._changes = _changes(header)

    def check(self) -> None:
        if in_use.restore_wanted(self._path):
            raise DatabaseReplaced(
                "the database %(path)s is about to be restored: this program ends for that", path=self._path
            )
        for file, descriptor in self._opened:
            mine = os.fstat(descriptor)
            try:
                there = file.stat()
            except OSError:
                raise self._replaced(Phrase("%(file)s was deleted", file=file)) from None
            if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
                raise self._replaced(Phrase("%(file)s was replaced", file=file))
        header = self._header()
        if header[:16] != _MAGIC or _cookie(header) not in self._cookies or _changes(header) < self._changes:
            raise self._replaced(Phrase("another database was copied over %(path)s", path=self._path))
        self._changes = _changes(header)
        for _ in range(5):
            if self._log_fits():
                return
            sleep(0.02)
        log = Path(f"{self._path}-wal")
        raise self._replaced(Phrase("another file was copied over %(path)s", path=log))

    def close(self) -> None:
        for _, descriptor in self._opened:
            with suppress(OSError):
                os.close(descriptor)
        self._opened = []
        self._connection.close()
        if self._hold is not None:
            self._hold.close()

    def _names(self) -> list[Path]:
        return [self._path, Path(f"{self._path}-wal"), Path(f"{self._path}-shm")]

    def _header(self) -> bytes:
        return os.pread(self._opened[0][1], 100, 0)

    def _log_fits(self) -> bool:
        """Whether the log begins as its index says.  Between two writes of SQLite it may not, for a moment."""
        if len(self._opened) < 3:
            return True
        index = os.pread(self._opened[2][1], 48, 0)
        if len(index) < 48 or not index[12] or struct.unpack_from("=I", index, 16)[0] == 0:
            return True  # nothing in the log
        return os.pread(self._opened[1][1], 32, 0)[16:24] == index[32:40]

    def _replaced(self, what: Phrase) -> DatabaseReplaced:
        return DatabaseReplaced(
            "%(what)s while it was in use: nothing more is decided with it; put the right database back by the "
            "command restore, then start again",
            what=what,
        )


def _cookie(header: bytes) -> int:
    """Return the schema's number; a copy made by SQLite's backup has another."""
    return int(struct.unpack(">I", header[40:44].ljust(4, b"\0"))[0])


def _changes(header: bytes) -> int:
    return int(struct.unpack(">I", header[24:28].ljust(4, b"\0"))[0])


def _history_check(factory: Sessions) -> Callable[[], None]:
    with factory() as session:
        begun = settings.get(session, HISTORY)

    def check() -> None:
        try:
            with factory() as session:
                now = settings.get(session, HISTORY)
        except Exception:  # that the server does not answer is told elsewhere, and refuses everybody
            return
        if now != begun:
            raise DatabaseReplaced("the database was restored while it was in use: this program ends, to start afresh")

    return check
