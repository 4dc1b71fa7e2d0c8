"""The revisions of working time keep what was there, on the way up and on the way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from attendance.store.session import make_engine
from tests.postgres import Server
from tests.store.revisions import do, rows, to


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(f"sqlite:///{tmp_path / 'a.db'}")


ANNA = (
    "INSERT INTO people (id, name, department, active, notes, created_at, updated_at) "
    "VALUES (1, 'Anna', '', 1, '', '2024-05-06', '2024-05-06')"
)


def test_written_totals_keep_their_figures_when_premium_hours_come_and_go(engine: Engine) -> None:
    to(engine, "0012")
    do(engine, ANNA,
       "INSERT INTO day_totals (person_id, day, status, worked, expected, overtime, late, flags, computed_at) "
       "VALUES (1, '2024-05-06', 'worked', 28800, 28800, 0, 0, '[]', '2024-05-07')")  # fmt: skip

    to(engine, "0013")

    assert rows(engine, "SELECT worked, night, sunday, holiday FROM day_totals") == [(28800, 0, 0, 0)]
    do(engine, "INSERT INTO premium_rules VALUES ('2024-05-01', '{}', '2024-05-01', 'ada')")
    to(engine, "0012", back=True)
    assert rows(engine, "SELECT worked, flags FROM day_totals") == [(28800, "[]")]
    engine.dispose()


def test_the_edges_of_hours_come_and_go_and_passages_stay(engine: Engine) -> None:
    to(engine, "0011")
    do(engine, ANNA,
       "INSERT INTO passages (id, at, person_id, camera, granted, reason, model_id, gallery_version, frames, "
       "direction, method) VALUES ('p', '2024-05-06', 1, 'door', 1, 'matched', 'm', 1, 3, 'in', 'face')")  # fmt: skip

    to(engine, "0012")

    do(engine, "INSERT INTO hours_edges (person_id, at, undirected) VALUES (1, '2024-05-06', 0)")
    do(engine, "PRAGMA foreign_keys = ON", "DELETE FROM people WHERE id = 1")
    assert rows(engine, "SELECT * FROM hours_edges") == []
    to(engine, "0011", back=True)
    assert rows(engine, "SELECT id FROM passages") == [("p",)]
    engine.dispose()


def test_check_ins_of_other_terminals_leave_with_their_revision_and_no_others_do(engine: Engine) -> None:
    to(engine, "0018")  # punch_imports
    passage = (
        "INSERT INTO passages (id, at, camera, granted, reason, model_id, gallery_version, frames, direction, method) "
        "VALUES ('{0}', '2024-05-06', 'gate', 1, 'matched', '', 0, 0, 'in', '{1}')"
    )
    do(engine, ANNA, passage.format("theirs", "terminal"), passage.format("ours", "face"),
       "INSERT INTO punch_imports VALUES ('i', '2024-05-06', 'ada', 'a.csv', 'gate', 'csv', 'counted', 1, "
       "'2024-05-06', '2024-05-06')",
       "INSERT INTO imported_punches VALUES ('theirs', 'i')")  # fmt: skip

    to(engine, "0017", back=True)  # punch_imports

    assert rows(engine, "SELECT id FROM passages") == [("ours",)]
    engine.dispose()


def test_operators_stay_when_their_address_comes_and_goes(engine: Engine) -> None:
    to(engine, "0018")
    do(engine, "INSERT INTO operators (username, password_hash, role, active, created_at) "
               "VALUES ('ada', 'x', 'admin', 1, '2024-05-06')")  # fmt: skip

    to(engine, "0020")  # operator_email

    assert rows(engine, "SELECT username, email FROM operators") == [("ada", None)]
    to(engine, "0019", back=True)  # operator_email
    assert rows(engine, "SELECT username, role FROM operators") == [("ada", "admin")]
    engine.dispose()


def test_the_holidays_of_a_site_become_its_calendar_and_come_back(engine: Engine) -> None:
    to(engine, "0021")
    do(engine, ANNA, "INSERT INTO holidays VALUES ('2024-05-01', 'Labour Day', 'DE BE')")

    to(engine, "0022")

    query = "SELECT c.name, h.day, h.name, h.source FROM holidays h JOIN holiday_calendars c ON c.id = h.calendar_id"
    assert rows(engine, query) == [("Site", "2024-05-01", "Labour Day", "DE BE")]
    do(engine,
       "INSERT INTO holiday_calendars (name) VALUES ('Bavaria')",
       "INSERT INTO holidays VALUES (2, '2024-08-15', 'Assumption Day', 'DE BY')",
       "INSERT INTO person_calendars VALUES (1, '2024-05-01', 2)")  # fmt: skip
    to(engine, "0021", back=True)
    assert rows(engine, "SELECT day, name, source FROM holidays") == [("2024-05-01", "Labour Day", "DE BE")]
    assert rows(engine, "SELECT name FROM people") == [("Anna",)]
    engine.dispose()


def test_leave_that_is_entered_stays_when_its_kinds_become_rows(engine: Engine) -> None:
    to(engine, "0020")
    do(engine, ANNA,
       "INSERT INTO leave (person_id, first, last, half, kind, paid, note, state, requested_by, requested_at) VALUES "
       "(1, '2024-05-06', '2024-05-08', 'whole', 'vacation', 1, '', 'approved', 'ada', '2024-05-01')")  # fmt: skip
    before = rows(engine, "SELECT * FROM leave")

    to(engine, "0021")

    assert rows(engine, "SELECT * FROM leave") == before
    counts = dict(rows(engine, "SELECT name, counts FROM leave_kinds WHERE paid"))
    assert counts == {"vacation": 1, "sickness": 0, "training": 0, "business trip": 0, "other": 0}
    do(engine, "PRAGMA foreign_keys = ON", "INSERT INTO leave_entitlements VALUES (1, 2024, 30, 2.5)")
    do(engine, "PRAGMA foreign_keys = ON", "DELETE FROM leave", "DELETE FROM people WHERE id = 1")
    assert rows(engine, "SELECT * FROM leave_entitlements") == []
    to(engine, "0020", back=True)
    assert rows(engine, "SELECT * FROM leave") == []
    engine.dispose()


def test_holidays_become_the_sites_calendar_on_postgresql_too(postgres: Server) -> None:
    with postgres.database() as url:
        engine = make_engine(url)
        to(engine, "0021", back=True)
        do(engine, "INSERT INTO holidays VALUES ('2024-05-01', 'Labour Day', 'by hand')")

        to(engine, "0022")

        do(engine, "INSERT INTO holiday_calendars (name) VALUES ('Bavaria')")
        chosen = "FROM holiday_calendars WHERE name = 'Bavaria'"
        do(engine, f"INSERT INTO holidays SELECT id, '2024-08-15', 'Assumption', 'by hand' {chosen}")
        query = "SELECT c.name, h.name FROM holidays h JOIN holiday_calendars c ON c.id = h.calendar_id ORDER BY h.day"
        assert rows(engine, query) == [("Site", "Labour Day"), ("Bavaria", "Assumption")]
        to(engine, "0021", back=True)
        assert rows(engine, "SELECT name FROM holidays") == [("Labour Day",)]
        engine.dispose()
