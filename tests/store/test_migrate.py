"""The revisions agree with the tables, and a database that does not fit is refused with what to do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from attendance import paths
from attendance.errors import UserError
from attendance.store import migrate, session
from attendance.store.tables.base import Base
from tests.store.revisions import rows, to

UPGRADE = re.escape("run: python manage.py db upgrade")


@pytest.fixture
def unborn(tmp_path: Path) -> Engine:
    return session.make_engine(f"sqlite:///{tmp_path}/new.db")


def set_revision(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))


def test_migrations_and_tables_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_and_tables_agree_about_checks_and_cascades(engine: Engine, tmp_path: Path) -> None:
    """`compare_metadata` looks at neither on SQLite."""
    other = session.make_engine(f"sqlite:///{tmp_path}/from_tables.db")
    Base.metadata.create_all(other)
    migrated, made = inspect(engine), inspect(other)
    for table in Base.metadata.tables:
        assert migrated.get_check_constraints(table) == made.get_check_constraints(table), table
        keys = [sorted(one.get_foreign_keys(table), key=lambda key: str(key["name"])) for one in (migrated, made)]
        assert keys[0] == keys[1], table  # a table that was copied lists them in another order
    other.dispose()


def test_an_empty_database_is_brought_up_to_date(unborn: Engine) -> None:
    assert session.schema_state(unborn) == "empty"
    migrate.upgrade(unborn)
    assert session.schema_state(unborn) == "current"
    assert migrate.current(unborn) == migrate.head()
    session.require_current(unborn)
    unborn.dispose()


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    migrate.upgrade(engine)
    assert session.schema_state(engine) == "current"


def test_asking_for_the_state_does_not_make_the_file(unborn: Engine, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"has not been set up; {UPGRADE}"):
        session.require_current(unborn)
    assert not (tmp_path / "new.db").exists()


def test_an_older_database_says_how_to_upgrade(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    known = migrate.revisions()
    monkeypatch.setattr(migrate, "revisions", lambda: (*known, "next"))
    monkeypatch.setattr(migrate, "head", lambda: "next")
    assert session.schema_state(engine) == "older"
    with pytest.raises(UserError, match=f"older version; {UPGRADE}"):
        session.require_current(engine)


def test_a_newer_database_is_left_alone(engine: Engine) -> None:
    set_revision(engine, "9999")
    assert session.schema_state(engine) == "newer"
    with pytest.raises(UserError, match="made by a newer version"):
        session.require_current(engine)
    with pytest.raises(UserError, match="made by a newer version"):
        migrate.upgrade(engine)
    assert migrate.current(engine) == "9999"


def test_another_programs_database_is_left_alone(unborn: Engine) -> None:
    with unborn.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE recipes (id INTEGER)")
    assert session.schema_state(unborn) == "foreign"
    with pytest.raises(UserError, match="belongs to another program"):
        session.require_current(unborn)
    with pytest.raises(UserError, match="belongs to another program"):
        migrate.upgrade(unborn)
    assert inspect(unborn).get_table_names() == ["recipes"]
    unborn.dispose()


def test_an_upgrade_that_fails_half_way_leaves_nothing(unborn: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_after_the_work(config: Config, revision: str) -> None:
        real(config, revision)
        raise RuntimeError("power cut")

    real = command.upgrade
    monkeypatch.setattr(command, "upgrade", fail_after_the_work)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate.upgrade(unborn)
    assert inspect(unborn).get_table_names() == []
    assert session.schema_state(unborn) == "empty"
    unborn.dispose()


def test_foreign_keys_are_on_again_after_an_upgrade(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_the_migrations_work_from_any_folder(
    unborn: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """As they do inside an installed package; a % in a path is special to Alembic's configuration."""
    elsewhere = tmp_path / "50% off" / "migrations"
    shutil.copytree(paths.migrations_dir(), elsewhere)
    monkeypatch.setattr(paths, "migrations_dir", lambda: elsewhere)
    migrate._revisions.cache_clear()
    request.addfinalizer(migrate._revisions.cache_clear)
    migrate.upgrade(unborn)
    assert session.schema_state(unborn) == "current"
    unborn.dispose()


def test_the_tables_can_be_made_by_postgresql_too() -> None:
    dialect = make_url("postgresql+psycopg://").get_dialect()()
    for table in Base.metadata.sorted_tables:
        statement = str(CreateTable(table).compile(dialect=dialect))
        assert "BLOB" not in statement
        assert "TIMESTAMP WITHOUT TIME ZONE" not in statement


def test_going_back_removes_every_table(engine: Engine) -> None:
    to(engine, "base", back=True)
    left = MetaData()
    left.reflect(engine)
    assert set(left.tables) == {"alembic_version"}


def test_every_revision_says_why() -> None:
    for file in (paths.migrations_dir() / "versions").glob("*.py"):
        assert re.match(r'""".{40,}', file.read_text(encoding="utf-8")), file.name


def test_operators_stay_who_they_are_when_supervisors_come_and_go(unborn: Engine) -> None:
    """The revision copies their table on SQLite; whoever could sign in before must be able to afterwards."""

    query = "SELECT username, role, active FROM operators"
    to(unborn, "0006")
    add = (
        "INSERT INTO operators (username, password_hash, role, active, created_at) VALUES (?, 'x', ?, 1, '2024-05-06')"
    )
    with unborn.begin() as connection:
        connection.exec_driver_sql(add, ("ada", "admin"))
    to(unborn, "0007")
    with unborn.begin() as connection:
        connection.exec_driver_sql(add, ("sue", "supervisor"))
    with pytest.raises(IntegrityError), unborn.begin() as connection:
        connection.exec_driver_sql(add, ("eve", "king"))
    assert rows(unborn, query) == [("ada", "admin", 1), ("sue", "supervisor", 1)]
    to(unborn, "0006", back=True)
    assert rows(unborn, query) == [("ada", "admin", 1), ("sue", "viewer", 1)]
    with pytest.raises(IntegrityError), unborn.begin() as connection:
        connection.exec_driver_sql(add, ("eve", "supervisor"))
    unborn.dispose()


def test_a_repeat_leaves_with_the_revision_and_its_door_event_goes_to_the_first(unborn: Engine) -> None:
    add = (
        "INSERT INTO passages (id, at, camera, granted, reason, model_id, gallery_version, frames, direction, method) "
        "VALUES (?, '2024-05-06', 'door', 1, 'matched', 'm', 1, 3, 'in', 'face')"
    )
    to(unborn, "0008")
    with unborn.begin() as connection:
        connection.exec_driver_sql(add, ("first",))
    to(unborn, "0009")
    assert rows(unborn, "SELECT id, repeat_of FROM passages") == [("first", None)]
    with unborn.begin() as connection:
        connection.exec_driver_sql(add, ("again",))
        connection.exec_driver_sql("UPDATE passages SET repeat_of = 'first' WHERE id = 'again'")
        connection.exec_driver_sql(
            "INSERT INTO door_events (id, passage_id, at, door, action, outcome, detail) "
            "VALUES ('event', 'again', '2024-05-06', 'door', 'unlock', 'done', '')"
        )
    to(unborn, "0008", back=True)
    assert rows(unborn, "SELECT id FROM passages") == [("first",)]
    assert rows(unborn, "SELECT id, passage_id FROM door_events") == [("event", "first")]
    unborn.dispose()


def test_doors_that_a_crash_left_open_become_unknown_and_nothing_else_does(unborn: Engine) -> None:
    query = "SELECT id, outcome FROM door_events ORDER BY id"
    add = (
        "INSERT INTO door_events (id, passage_id, at, door, action, outcome, detail) "
        "VALUES (?, NULL, '2024-05-06', 'door', ?, ?, ?)"
    )
    to(unborn, "0010")
    with unborn.begin() as connection:
        connection.exec_driver_sql(add, ("a", "unlock", "done", ""))
        connection.exec_driver_sql(add, ("b", "unlock", "failed", "no answer from the relay"))
        stopped = "the program stopped before it noted what the door did"
        connection.exec_driver_sql(add, ("c", "unlock", "failed", stopped))
    to(unborn, "0011")
    assert rows(unborn, query) == [("a", "done"), ("b", "failed"), ("c", "unknown")]
    with pytest.raises(IntegrityError), unborn.begin() as connection:
        connection.exec_driver_sql(add, ("d", "unlock", "perhaps", ""))
    with pytest.raises(IntegrityError), unborn.begin() as connection:
        connection.exec_driver_sql(add, ("d", "smash", "done", ""))
    to(unborn, "0010", back=True)
    assert rows(unborn, query) == [("a", "done"), ("b", "failed"), ("c", "failed")]
    with pytest.raises(IntegrityError), unborn.begin() as connection:
        connection.exec_driver_sql(add, ("d", "unlock", "unknown", ""))
    unborn.dispose()


def test_leave_of_several_half_days_counts_after_the_upgrade_what_it_counted(unborn: Engine) -> None:
    to(unborn, "0013")
    with unborn.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO people (id, name, department, active, notes, created_at, updated_at) "
            "VALUES (1, 'Anna', '', 1, '', '2024-05-06', '2024-05-06')"
        )
        for first, last, half in (("2024-05-06", "2024-05-08", "second"), ("2024-06-03", "2024-06-07", "whole")):
            connection.exec_driver_sql(
                "INSERT INTO leave (person_id, kind, first, last, half, paid, note, state, requested_by, requested_at) "
                "VALUES (1, 'vacation', ?, ?, ?, 1, '', 'approved', 'ada', '2024-05-01')",
                (first, last, half),
            )
    to(unborn, "0014")
    assert rows(unborn, "SELECT first, last, half, last_half FROM leave ORDER BY first") == [
        ("2024-05-06", "2024-05-06", "second", "whole"),
        ("2024-05-07", "2024-05-07", "second", "whole"),
        ("2024-05-08", "2024-05-08", "second", "whole"),
        ("2024-06-03", "2024-06-07", "whole", "whole"),
    ]
    to(unborn, "0013", back=True)
    assert len(rows(unborn, "SELECT * FROM leave")) == 4
    unborn.dispose()


def test_the_upgrade_takes_the_last_change_of_an_inactive_person_for_the_last_day(unborn: Engine) -> None:
    to(unborn, "0015")
    with unborn.begin() as connection:
        for number, active in ((1, 1), (2, 0)):
            connection.exec_driver_sql(
                "INSERT INTO people (id, name, department, active, notes, created_at, updated_at) "
                "VALUES (?, 'Anna', '', ?, '', '2024-01-06 08:00:00', '2024-05-17 08:00:00')",
                (number, active),
            )
    to(unborn, "0016")
    assert rows(unborn, "SELECT person_id, first, last FROM employments") == [(2, None, "2024-05-17")]
    unborn.dispose()
