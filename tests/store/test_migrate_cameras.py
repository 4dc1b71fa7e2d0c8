"""The revision of cameras that the site has, on a database with a camera of an older version."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from attendance.config import CameraSettings
from attendance.service.cameras import watching
from attendance.store import migrate
from attendance.store.crypto import Keys
from attendance.store.session import make_engine, sessions
from tests.factories import NOON
from tests.store.revisions import rows, to

OLD = (
    "INSERT INTO cameras (name, source, direction, active, title, wanted_direction, roi) "
    "VALUES ('entrance', '0', 'out', 1, 'Front', 'out', '[0.1, 0.1, 0.9, 0.9]')"
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0038")
    with engine.begin() as connection:
        connection.exec_driver_sql(OLD)
    return engine


def test_a_camera_stays_as_it_was_and_its_settings_file_is_taken_over_once(engine: Engine) -> None:
    migrate.upgrade(engine)
    keys, file = Keys(bytes(range(32))), CameraSettings(name="entrance", source="0", direction="in")
    with sessions(engine).begin() as session:
        assert watching.plans(session, keys, "here") == {}
        assert watching.import_file(session, keys, file, "here", NOON)
    with sessions(engine).begin() as session:
        assert not watching.import_file(session, keys, file, "here", NOON)
        assert watching.plans(session, keys, "here")["entrance"].settings.direction == "out", "the page's word stays"
    assert rows(engine, "SELECT title, roi FROM cameras") == [("Front", "[0.1, 0.1, 0.9, 0.9]")]
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE cameras SET direction = 'sideways'")
    engine.dispose()


def test_going_back_keeps_the_camera(engine: Engine) -> None:
    migrate.upgrade(engine)
    to(engine, "0038", back=True)

    assert rows(engine, "SELECT name, source, active FROM cameras") == [("entrance", "0", 1)]
    engine.dispose()


def test_a_camera_that_was_removed_is_none_again_in_an_older_version(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'later.db'}")
    to(engine, "0044")
    with engine.begin() as connection:
        connection.exec_driver_sql(OLD)
        connection.exec_driver_sql(OLD.replace("entrance", "yard"))
    to(engine, "0045")
    assert rows(engine, "SELECT name, removed_at, title FROM cameras ORDER BY name") == [
        ("entrance", None, "Front"), ("yard", None, "Front"),
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE cameras SET removed_at = '2024-05-06 12:00:00' WHERE name = 'yard'")

    to(engine, "0044", back=True)
    assert rows(engine, "SELECT name, title FROM cameras") == [("entrance", "Front")]
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE cameras SET direction = 'sideways'")
    engine.dispose()
