"""The revision of live states on a database with door events."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from attendance.store.session import make_engine
from tests.store.revisions import to


def test_states_come_and_go_and_door_events_stay(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0022")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO door_events (id, at, door, action, outcome, detail) "
            "VALUES ('a', '2024-05-06', 'front', 'unlock', 'done', '')"
        )
    to(engine, "0023")
    add = (
        "INSERT INTO door_states (door, updated_at, since, contact, alarms, pulse_in_device, notes) "
        "VALUES (?, '2024-05-06', '2024-05-06', ?, '[]', 1, '[]')"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(add, ("front", "open"))
    for row in (("front", "closed"), ("back", "ajar")):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.exec_driver_sql(add, row)
    to(engine, "0022", back=True)

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT door, outcome FROM door_events").all() == [("front", "done")]
    engine.dispose()
