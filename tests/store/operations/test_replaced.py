"""A database that is exchanged, deleted or overwritten under a running program."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from attendance.store import settings
from attendance.store.faults import DatabaseReplaced
from attendance.store.operations import backup_files, in_use
from attendance.store.operations.replaced import ReplacedWatch, begin_history, ensure_history
from attendance.store.session import Sessions, make_engine
from attendance.store.session import sessions as sessions_of
from tests.factories import NOON


@pytest.fixture
def watch(sessions: Sessions, engine: Engine) -> Iterator[ReplacedWatch]:
    put(sessions, 0)
    watch = ReplacedWatch(engine, every_s=0)
    yield watch
    engine.dispose()
    watch.close()


def put(sessions: Sessions, number: int) -> None:
    with sessions.begin() as session:
        settings.put(session, "number", number, NOON)


def test_a_database_in_use_is_never_taken_for_another(sessions: Sessions, engine: Engine, watch: ReplacedWatch) -> None:
    for number in range(200):
        put(sessions, number)
        if number % 50 == 0:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA wal_checkpoint({'PASSIVE' if number % 100 else 'TRUNCATE'})")
        if number % 100 == 50:
            engine.dispose()  # every connection but the watch's own is closed
        with sessions.begin() as session:
            settings.put(session, f"many {number}", "x" * 3000, NOON)  # the file grows
        watch.check()


def replaced_by_rename(database: Path, other: Path) -> None:
    other.replace(database)


def deleted(database: Path, _other: Path) -> None:
    database.unlink()


def copied_over(database: Path, other: Path) -> None:
    shutil.copyfile(other, database)


def log_deleted(database: Path, _other: Path) -> None:
    Path(f"{database}-wal").unlink()


def log_replaced(database: Path, other: Path) -> None:
    shutil.copyfile(other, f"{database}-wal.new")
    Path(f"{database}-wal.new").replace(f"{database}-wal")


def log_overwritten(database: Path, other: Path) -> None:
    shutil.copyfile(other, f"{database}-wal")


def index_deleted(database: Path, _other: Path) -> None:
    Path(f"{database}-shm").unlink()


def overwritten_by_a_text(database: Path, _other: Path) -> None:
    database.write_bytes(b"not a database" * 1000)


@pytest.mark.parametrize(
    "accident",
    [replaced_by_rename, deleted, copied_over, log_deleted, log_replaced, log_overwritten, index_deleted,
     overwritten_by_a_text],
)  # fmt: skip
def test_an_exchanged_file_is_noticed(
    database: Path, sessions: Sessions, watch: ReplacedWatch, tmp_path: Path, accident: Callable[[Path, Path], None]
) -> None:
    backup = tmp_path / "backup.db"
    backup_files.copy_sqlite(database, backup)
    put(sessions, 1)
    watch.check()

    accident(database, backup)

    with pytest.raises(DatabaseReplaced, match="put the right database back"):
        watch.check()


def test_the_database_of_another_program_is_noticed(
    database: Path, blank_database: Path, watch: ReplacedWatch, tmp_path: Path
) -> None:
    other = Path(shutil.copy(blank_database, tmp_path / "other.db"))
    foreign = make_engine(f"sqlite:///{other}")
    with sessions_of(foreign).begin() as session:
        session.execute(text("CREATE TABLE foreign_table (x)"))
    foreign.dispose()

    shutil.copyfile(other, database)

    with pytest.raises(DatabaseReplaced):
        watch.check()


def test_a_restore_that_waits_ends_the_program(database: Path, watch: ReplacedWatch) -> None:
    watch.check()
    request = in_use.request_file(database)
    request.touch()

    with request.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(DatabaseReplaced, match="about to be restored"):
            watch.check()


def test_a_restored_postgresql_is_noticed(request: pytest.FixtureRequest) -> None:
    with request.getfixturevalue("postgres").database() as url:
        engine = make_engine(url)
        factory = sessions_of(engine)
        with factory.begin() as session:
            name = ensure_history(session, NOON)
            assert ensure_history(session, NOON) == name
        watch = ReplacedWatch(engine, every_s=0)
        watch.check()
        with factory.begin() as session:
            begin_history(session, NOON)

        with pytest.raises(DatabaseReplaced, match="was restored"):
            watch.check()
        engine.dispose()
