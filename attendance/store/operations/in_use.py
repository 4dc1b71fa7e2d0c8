"""Who uses a SQLite database: every connection holds a shared lock, a restore holds it alone.

In: the database's path.  Out: locks; whether a restore waits for this program to end.
Does not know: what a restore does, what a program does when it is asked to end.
Main choice: `flock` on files beside the database, which the kernel releases however a process dies.  The database
itself must not be opened for that: closing it would drop SQLite's own locks of this process.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attendance.errors import Phrase, UserError
from attendance.store.faults import DatabaseLocked

_LOOK_EVERY_S = 0.05


class Hold:
    """A lock that ends with `close`, or with the object."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        """Let go; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


def use_file(database: Path) -> Path:
    """Return the file that every connection locks, beside the database."""
    return database.with_name(f"{database.name}.in-use.lock")


def hold(database: Path, patience_s: float = 0.0) -> Hold | None:
    """Return a shared lock on the use of the database; None if its folder may not be written.

    Raises DatabaseLocked if a restore holds it for longer than `patience_s`.
    """
    try:
        descriptor = os.open(use_file(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:  # nobody who may not write here can restore here either
        return None
    held = Hold(descriptor)
    if not _locked(descriptor, fcntl.LOCK_SH, patience_s):
        held.close()
        raise DatabaseLocked(
            "the database %(database)s is being restored: wait until that has ended, then try again", database=database
        )
    return held


def restore_wanted(database: Path) -> bool:
    """Return whether a restore is running or waits until every program has let go of the database."""
    try:
        descriptor = os.open(request_file(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _locked(descriptor, fcntl.LOCK_SH, 0.0)
    finally:
        os.close(descriptor)


@contextmanager
def alone(database: Path, patience_s: float) -> Iterator[None]:
    """Ask all programs to end and hold the database alone during the block.

    UserError if one of them still uses it after `patience_s`, or another restore runs.
    """
    request = os.open(request_file(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    use = os.open(use_file(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _locked(request, fcntl.LOCK_EX, 0.0):
            raise UserError("another restore of %(database)s is running: wait until it has ended", database=database)
        if not _locked(use, fcntl.LOCK_EX, patience_s):
            raise UserError(
                "the database %(database)s is still used%(by_whom)s: end that program, then again",
                database=database,
                by_whom=_by_whom(database),
            )
        yield
    finally:
        os.close(use)
        os.close(request)


def request_file(database: Path) -> Path:
    """Return the file that a restore locks while it waits and works."""
    return database.with_name(f"{database.name}.restore.lock")


def _locked(descriptor: int, kind: int, patience_s: float) -> bool:
    end = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(_LOOK_EVERY_S)
        else:
            return True


def _by_whom(database: Path) -> Phrase:
    """Return " by process 123, 456", as far as the kernel says it."""
    with suppress(OSError, ValueError):
        inode = use_file(database).stat().st_ino
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        # 1: FLOCK ADVISORY READ 1234 08:01:5678 0 EOF
        found = {row[4] for row in lines if row[1] == "FLOCK" and row[5].rpartition(":")[2] == str(inode)}
        if holders := sorted(found - {str(os.getpid())}):
            return Phrase(" by process %(numbers)s", numbers=", ".join(holders))
    return Phrase()
