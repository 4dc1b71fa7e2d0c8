"""The revision of alarms on a database with passages."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from attendance.store.session import make_engine
from tests.store.revisions import to


def test_alarms_come_and_go_and_people_stay(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0014")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO people (id, name, department, active, notes, created_at, updated_at) "
            "VALUES (1, 'Anna', '', 1, '', '2024-05-06', '2024-05-06')"
        )
    to(engine, "0015")
    add = (
        "INSERT INTO alarms (id, kind, subject, severity, raised_at, count, detail, cleared_at) "
        "VALUES (?, 'camera lost', 'front', ?, '2024-05-06', 1, '{}', ?)"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(add, ("a", "fault", None))
        connection.exec_driver_sql(add, ("b", "fault", "2024-05-06"))  # one that is over
    for row in (("c", "fault", None), ("c", "grave", "2024-05-06")):  # a second open one; no such severity
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.exec_driver_sql(add, row)

    to(engine, "0014", back=True)

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM people").all() == [("Anna",)]
    engine.dispose()
