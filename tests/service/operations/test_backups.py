"""Backups: whole, with a card, deleted in time."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from attendance.errors import UserError
from attendance.service.operations import backups
from attendance.store import settings
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import NOON


def add(sessions: Sessions, name: str) -> int:
    with sessions.begin() as session:
        return people.create_person(session, name=name, at=NOON).id


def test_a_backup_holds_what_was_committed_and_stands_by_itself(
    sessions: Sessions, engine: Engine, tmp_path: Path
) -> None:
    add(sessions, "Anna")  # still in the log, not in the file

    made, contents = backups.make(engine, tmp_path / "backups", NOON)

    assert made.path.name == "attendance-20240506T120000Z.db"
    assert contents.people == 1
    assert sorted(path.name for path in made.path.parent.iterdir()) == [made.path.name, f"{made.path.name}.json"]
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert backups.check(made.path) == contents
    connection = sqlite3.connect(made.path)
    assert connection.execute("SELECT name FROM people").fetchall() == [("Anna",)]
    connection.close()


def test_a_backup_is_one_instant_of_a_database_that_is_written(
    sessions: Sessions, engine: Engine, tmp_path: Path
) -> None:
    """Two values that always change together must be alike in each copy."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with sessions.begin() as session:
                settings.put(session, "left", number, NOON)
                settings.put(session, "right", number, NOON)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for minute in range(5):
            made, _ = backups.make(engine, tmp_path / "backups", NOON + timedelta(minutes=minute))
            connection = sqlite3.connect(made.path)
            rows = connection.execute("SELECT value FROM settings WHERE key IN ('left', 'right')").fetchall()
            connection.close()
            assert len(set(rows)) <= 1
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign", "text"])
def test_a_damaged_backup_is_refused(engine: Engine, tmp_path: Path, damage: str) -> None:
    made, _ = backups.make(engine, tmp_path / "backups", NOON)
    content = made.path.read_bytes()
    card = made.path.with_name(f"{made.path.name}.json")
    if damage == "cut":
        card.unlink()
        made.path.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        made.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "text":
        card.unlink()
        made.path.write_bytes(b"this is not a database" * 100)
    else:
        card.unlink()
        made.path.unlink()
        connection = sqlite3.connect(made.path)
        connection.execute("CREATE TABLE other (x)")
        connection.close()

    with pytest.raises(UserError, match=r"take another|choose another"):
        backups.check(made.path)


def test_a_file_whose_newest_entries_lie_beside_it_is_refused(database: Path, sessions: Sessions) -> None:
    add(sessions, "Anna")

    with pytest.raises(UserError, match="part of a database in use"):
        backups.check(database)


def test_old_backups_go_and_the_newest_stays(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    for days in (100, 50, 40):
        backups.make(engine, folder, NOON - timedelta(days=days))

    assert backups.prune(folder, 30, NOON) == 2
    assert [one.made_at for one in backups.list_backups(folder)] == [NOON - timedelta(days=40)]
    assert backups.prune(folder, 30, NOON) == 0
    assert len(list(folder.glob("*.json"))) == 1


def test_without_room_nothing_is_begun(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "_SPARE_BYTES", 1 << 60)

    with pytest.raises(UserError, match="no room for a backup"):
        backups.make(engine, tmp_path / "backups", NOON)
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_folder_that_may_not_be_made_is_named(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match="check its rights"):
        backups.make(engine, tmp_path / "file" / "backups", NOON)
