"""Getting erased bytes off the disk: SQLite's log is emptied, free pages are given back.

In: an engine.  Out: whether the log is empty; how many pages are left to give back.
Does not know: what was erased.
Main choice: `secure_delete` overwrites what a transaction deletes; the old pages still lie in the log until a
checkpoint truncates it.  A reader that holds an old state of the database prevents that, so it is tried again.  Free
pages go in short steps, each a transaction of its own, since whoever stands at a door waits for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from attendance.store.faults import DatabaseError
from attendance.store.session import database_file

PAGES_A_STEP = 256


def empty_log(engine: Engine) -> bool:
    """Write the log into the database and cut it to nothing; False if a reader or writer prevents it just now.

    True for a database without such a log.
    """
    path = database_file(engine)
    if path is None:
        return True
    try:
        with engine.connect() as connection:
            busy, _pages, _moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    except DatabaseError:
        return False
    log = Path(f"{path}-wal")
    return not busy and not (log.exists() and log.stat().st_size)


def give_back_pages(engine: Engine, stop: Callable[[], bool] = lambda: False, steps: int = 1000) -> int:
    """Give free pages back to the disk, a step at a time; return how many are left.

    Nothing can be given back in a database from before `auto_vacuum`, until the command `db upgrade` has run.
    """
    if database_file(engine) is None:
        return 0
    able, left = gives_back(engine), 0
    for _ in range(steps):
        with engine.connect() as connection:
            left = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0)
            if not left or not able or stop():
                return left
            raw = connection.connection.driver_connection
            assert raw is not None
            try:
                # The driver's own cursor: each page is a row without columns, and only reading them all frees them.
                raw.execute(f"PRAGMA incremental_vacuum({PAGES_A_STEP})").fetchall()
            except sqlite3.OperationalError:  # somebody writes just now
                return left
    return left


def gives_back(engine: Engine) -> bool:
    """Return whether the database can give pages back step by step."""
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() or 0) == 2


def prepare(engine: Engine) -> bool:
    """Rewrite an older database once, so that it can give pages back; return whether that was needed.

    It needs as much free room as the database has, and nobody else may use it meanwhile.
    """
    path = database_file(engine)
    if path is None or gives_back(engine):
        return False
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA auto_vacuum = INCREMENTAL")
        connection.exec_driver_sql("VACUUM")
    return True
