"""SQLite as it is set up, who may write when, and what a locked or wrong file says."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import StatementError

from attendance.errors import UserError
from attendance.store import migrate, session, settings
from attendance.store.people import people
from attendance.store.session import DatabaseError, DatabaseLocked, Sessions
from attendance.store.tables.people import Person
from tests import needs
from tests.factories import NOON
from tests.postgres import FAST, Server

WRITER = """
import sys
from datetime import UTC, datetime
from attendance.store import session, settings
from attendance.store.people import people
sessions = session.sessions(session.make_engine("sqlite:///" + sys.argv[1], busy_timeout_ms=20000))
for number in range(25):
    with sessions.begin() as one:
        people.create_person(one, name=f"{sys.argv[2]} {number}", at=datetime.now(UTC))
        settings.bump_gallery_version(one, datetime.now(UTC))
"""


def test_a_new_database_and_its_log_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    engine = session.make_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")

        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("new.db*") if "lock" not in file.name}
    engine.dispose()

    assert modes == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}


def test_a_connection_has_wal_foreign_keys_and_a_busy_timeout(engine: Engine) -> None:
    with engine.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous", "secure_delete")
        }
    assert values == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 200,
        "synchronous": 2,
        "secure_delete": 1,
    }


def test_a_postgresql_that_answers_before_its_disk_is_told_to_wait(postgres: Server) -> None:
    assert "synchronous_commit=off" in FAST, "the server of the tests would answer at once"
    with postgres.database() as url:
        engine = session.make_engine(url)
        with engine.connect() as connection:
            connection.rollback()
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        engine.dispose()


def test_missing_folders_of_the_database_are_made(tmp_path: Path) -> None:
    engine = session.make_engine(f"sqlite:///{tmp_path}/a/b/attendance.db")
    migrate.upgrade(engine)
    assert (tmp_path / "a" / "b" / "attendance.db").exists()
    engine.dispose()


def test_a_file_that_was_deleted_is_not_made_anew(database: Path, engine: Engine) -> None:
    """An empty one in its place would look like a new site, and like a replaced database to other programs."""
    with engine.connect():
        for ending in ("", "-wal", "-shm"):
            Path(f"{database}{ending}").unlink(missing_ok=True)
        with pytest.raises(DatabaseError, match="cannot be opened: check that it was not deleted"):
            engine.connect()
    assert not database.exists()


def test_another_kind_of_database_passes_through() -> None:
    needs.package("psycopg", extra="postgres")
    assert session.make_engine("postgresql+psycopg://localhost/attendance").dialect.name == "postgresql"


@pytest.mark.parametrize("url", ["attendance.db", "nosuch://x", ""])
def test_a_url_that_cannot_be_used_is_the_users_to_mend(url: str) -> None:
    with pytest.raises(UserError, match=r"\[database\] url"):
        session.make_engine(url)


def test_two_processes_write_at_the_same_time_and_nothing_is_lost(database: Path, sessions: Sessions) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(database), name], stderr=subprocess.PIPE, text=True)
        for name in ("first", "second")
    ]
    errors = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], errors
    with sessions() as one:
        assert people.count_people(one) == 50
        assert settings.gallery_version(one) == 50


def test_a_database_locked_for_too_long_gives_a_clear_error_and_nothing_is_half_written(
    database: Path, sessions: Sessions
) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    says = r"locked by another program for more than 0\.2 s.*try again"
    with pytest.raises(DatabaseLocked, match=says), sessions.begin() as one:
        people.create_person(one, name="Anna", at=NOON)
    with sessions() as one:  # reading goes on meanwhile
        assert people.count_people(one) == 0
    other.execute("ROLLBACK")
    other.close()
    with sessions.begin() as one:
        people.create_person(one, name="Anna", at=NOON)
    with sessions() as one:
        assert people.count_people(one) == 1


def test_a_lock_is_waited_for_once_and_then_only_a_moment_until_a_write_succeeds(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "IMPATIENT_MS", 10)
    engine = session.make_engine(f"sqlite:///{database}", busy_timeout_ms=1500)
    sessions = session.sessions(engine)

    def seconds_of_a_write(name: str) -> float:
        begun = time.monotonic()
        with contextlib.suppress(DatabaseLocked), sessions.begin() as one:
            people.create_person(one, name=name, at=NOON)
        return time.monotonic() - begun

    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert seconds_of_a_write("waits") >= 1.5
    assert min(seconds_of_a_write("fails at once") for _ in range(3)) < 1
    other.execute("ROLLBACK")
    seconds_of_a_write("Anna")
    other.execute("BEGIN IMMEDIATE")
    assert seconds_of_a_write("waits again") >= 1.5
    other.execute("ROLLBACK")
    other.close()
    with sessions() as one:
        assert people.count_people(one) == 1
    engine.dispose()


def test_having_read_first_does_not_keep_a_transaction_from_writing(sessions: Sessions) -> None:
    with sessions.begin() as slow:
        assert people.count_people(slow) == 0
        with sessions.begin() as quick:
            people.create_person(quick, name="Bert", at=NOON)
        people.create_person(slow, name="Anna", at=NOON)
    with sessions() as one:
        assert people.count_people(one) == 2


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("this is a text, and it is long enough to be read as a header " * 20)
    engine = session.make_engine(f"sqlite:///{tmp_path}/notes.db")
    with pytest.raises(UserError, match="is not a SQLite file"):
        session.schema_state(engine)
    engine.dispose()


def test_a_folder_in_place_of_the_file_says_so(tmp_path: Path) -> None:
    engine = session.make_engine(f"sqlite:///{tmp_path}")
    with pytest.raises(UserError, match="cannot be opened"):
        session.schema_state(engine)
    engine.dispose()


def test_a_naive_time_is_refused(sessions: Sessions) -> None:
    with sessions() as one, pytest.raises(StatementError, match="naive"):
        people.create_person(one, name="Anna", at=NOON.replace(tzinfo=None))


def test_times_come_back_as_the_same_moment_in_utc(sessions: Sessions) -> None:
    elsewhere = datetime(2024, 5, 6, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with sessions.begin() as one:
        people.create_person(one, name="Anna", at=elsewhere)
    with sessions() as one:
        created = one.scalars(select(Person.created_at)).one()
    assert created == elsewhere
    assert created.utcoffset() == timedelta(0)
