"""Restoring: checked first, alone, whole or not at all."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from attendance.errors import UserError
from attendance.service.audit.audit import Actor
from attendance.service.operations import backups
from attendance.service.operations.restore import Apart, Restored, restore
from attendance.store import settings
from attendance.store.audit.signatures import Signer
from attendance.store.crypto import Keys, WrongMasterKey
from attendance.store.operations.replaced import HISTORY, ensure_history
from attendance.store.people import people, templates
from attendance.store.privacy.ledger import Ledger
from attendance.store.session import Sessions, database_file, make_engine
from attendance.store.session import sessions as sessions_of
from tests.factories import MODEL, NOON, make_template

ACTOR = Actor("command line", "test")
LATER = NOON + timedelta(days=3)


def add(factory: Sessions, keys: Keys, name: str) -> int:
    with factory.begin() as session:
        ensure_history(session, NOON)
        person = people.create_person(session, name=name, at=NOON)
        templates.add_template(session, keys, person.id, make_template(person.id), "upload", {}, None, at=NOON)
        return person.id


def names(factory: Sessions) -> list[str]:
    with factory() as session:
        return [str(row[0]) for row in session.execute(text("SELECT name FROM people ORDER BY id"))]


def put_back(engine: Engine, keys: Keys, backup: Path) -> Restored:
    apart = Apart(ledger_beside(engine, keys, backup.parent))
    return restore(engine, keys, backup, backup.parent, LATER, ACTOR, 0.2, apart=apart)


def ledger_beside(engine: Engine, keys: Keys, folder: Path) -> Ledger:
    database = database_file(engine)
    return Ledger((database.parent if database else folder) / "erasures.ledger", Signer(keys))


def test_what_came_after_the_backup_is_gone_and_kept_elsewhere(
    engine: Engine, sessions: Sessions, keys: Keys, database: Path, tmp_path: Path
) -> None:
    add(sessions, keys, "Anna")
    backup, _ = backups.make(engine, tmp_path / "backups", NOON)
    with sessions.begin() as session:
        people.update_person(session, 1, at=NOON, name="Bert")
        history = settings.get(session, HISTORY)

    done = put_back(engine, keys, backup.path)

    assert names(sessions) == ["Anna"]
    with sessions() as session:
        assert settings.get(session, HISTORY) != history
        assert templates.load_gallery(session, keys, MODEL).size == 1
        assert session.scalar(text("SELECT action FROM audit_entries")) == "restore_backup"
    assert done.kept is not None
    assert backups.check(done.kept).people == 1
    assert {path.name for path in database.parent.glob(".attendance*")} == set()


def test_people_erased_since_are_erased_again_and_their_numbers_stay_theirs(
    engine: Engine, sessions: Sessions, keys: Keys, tmp_path: Path
) -> None:
    anna, bert = add(sessions, keys, "Anna"), add(sessions, keys, "Bert")
    backup, _ = backups.make(engine, tmp_path / "backups", NOON)
    later = add(sessions, keys, "Carl")
    with sessions.begin() as session:
        people.delete_person(session, bert, at=NOON)

    done = put_back(engine, keys, backup.path)

    assert (done.erased, names(sessions)) == (1, ["Anna"])
    with sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM person_keys")) == 1
    assert add(sessions, keys, "Dora") > later > anna


def test_a_new_empty_database_erases_nobody(keys: Keys, engine: Engine, sessions: Sessions, tmp_path: Path) -> None:
    """After a lost disk: init, then restore."""
    add(sessions, keys, "Anna")
    backup, _ = backups.make(engine, tmp_path / "backups", NOON)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM people"))
        session.execute(text("DELETE FROM settings"))
        ensure_history(session, LATER)

    assert put_back(engine, keys, backup.path).erased == 0
    assert names(sessions) == ["Anna"]


@pytest.mark.parametrize("left", ["-wal", "-shm"])
def test_a_log_that_was_left_behind_is_not_applied(
    engine: Engine, sessions: Sessions, keys: Keys, database: Path, tmp_path: Path, left: str
) -> None:
    add(sessions, keys, "Anna")
    backup, _ = backups.make(engine, tmp_path / "backups", NOON)
    other = sqlite3.connect(database)
    other.execute("UPDATE people SET name = 'Eve'")
    other.commit()
    content = Path(f"{database}{left}").read_bytes()
    other.close()
    engine.dispose()
    Path(f"{database}{left}").write_bytes(content)

    put_back(engine, keys, backup.path)

    assert names(sessions) == ["Anna"]


def test_a_damaged_or_missing_database_is_replaced_too(
    engine: Engine, sessions: Sessions, keys: Keys, database: Path, tmp_path: Path
) -> None:
    add(sessions, keys, "Anna")
    backup, _ = backups.make(engine, tmp_path / "backups", NOON)
    engine.dispose()
    database.write_bytes(b"ruined" * 5000)

    done = put_back(engine, keys, backup.path)

    assert (names(sessions), done.erased) == (["Anna"], 0)
    assert done.kept is not None
    assert done.kept.read_bytes() == b"ruined" * 5000
    engine.dispose()
    database.unlink()
    assert put_back(engine, keys, backup.path).kept is None
    assert names(sessions) == ["Anna"]


def test_another_master_key_changes_nothing(engine: Engine, sessions: Sessions, keys: Keys, tmp_path: Path) -> None:
    add(sessions, keys, "Anna")
    backup, _ = backups.make(engine, tmp_path / "backups", NOON)
    add(sessions, keys, "Bert")

    with pytest.raises(WrongMasterKey):
        put_back(engine, Keys(bytes(32)), backup.path)
    assert names(sessions) == ["Anna", "Bert"]


def test_a_program_that_does_not_end_keeps_its_database(
    engine: Engine, sessions: Sessions, keys: Keys, database: Path, tmp_path: Path
) -> None:
    add(sessions, keys, "Anna")
    backup, _ = backups.make(engine, tmp_path / "backups", NOON)
    other = make_engine(f"sqlite:///{database}")
    with other.connect() as connection:
        connection.execute(text("SELECT 1"))

        with pytest.raises(UserError, match="still used"):
            put_back(engine, keys, backup.path)
    other.dispose()
    assert names(sessions) == ["Anna"]


def test_a_backup_of_a_newer_version_is_refused(engine: Engine, keys: Keys, tmp_path: Path) -> None:
    backup, _ = backups.make(engine, tmp_path / "backups", NOON)
    connection = sqlite3.connect(backup.path)
    connection.execute("UPDATE alembic_version SET version_num = 'ffff'")
    connection.commit()
    connection.close()
    backup.path.with_name(f"{backup.path.name}.json").unlink()

    with pytest.raises(UserError, match="newer version"):
        put_back(engine, keys, backup.path)


def test_postgresql_is_dumped_and_restored(keys: Keys, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with request.getfixturevalue("postgres").database() as url:
        engine = make_engine(url)
        factory = sessions_of(engine)
        add(factory, keys, "Anna")
        bert = add(factory, keys, "Bert")
        backup, contents = backups.make(engine, tmp_path, NOON)
        assert (backup.path.suffix, contents.people) == (".dump", 2)
        assert backups.check(backup.path) == contents
        with factory.begin() as session:
            people.delete_person(session, bert, at=NOON)
        add(factory, keys, "Carl")
        with factory.begin() as session:
            session.execute(text("CREATE TABLE of_a_newer_version (x int)"))

        done = put_back(engine, keys, backup.path)

        assert (done.erased, names(factory)) == (1, ["Anna"])
        assert done.kept is not None
        assert backups.check(done.kept).people == 2
        assert add(factory, keys, "Dora") > 0
        backup.path.write_bytes(backup.path.read_bytes()[:2000])
        with pytest.raises(UserError):
            put_back(engine, keys, backup.path)
        engine.dispose()
