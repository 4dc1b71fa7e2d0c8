"""Locks on the use of a database, between open files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from attendance.errors import UserError
from attendance.store.faults import DatabaseLocked
from attendance.store.operations import in_use
from attendance.store.session import make_engine


def test_a_restore_waits_for_every_connection_and_then_keeps_others_away(database: Path) -> None:
    engine = make_engine(f"sqlite:///{database}", busy_timeout_ms=50)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    with pytest.raises(UserError, match="still used"), in_use.alone(database, 0.1):
        pass
    engine.dispose()

    with in_use.alone(database, 0.1):
        assert in_use.restore_wanted(database)
        with pytest.raises(DatabaseLocked, match="is being restored"), engine.connect():
            pass
    assert not in_use.restore_wanted(database)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()


def test_two_restores_at_once_are_one(database: Path) -> None:
    with (
        in_use.alone(database, 0),
        pytest.raises(UserError, match="another restore"),
        in_use.alone(database, 0),
    ):
        pass


def test_the_locks_leave_those_of_sqlite_alone(database: Path) -> None:
    """Closing a file of the database itself would drop them, and two writers would meet."""
    writer = sqlite3.connect(database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    held = in_use.hold(database)
    assert held is not None
    held.close()
    other = sqlite3.connect(database, timeout=0, isolation_level=None)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    writer.close()
    other.close()
