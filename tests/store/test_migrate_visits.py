"""The revision of visits: everybody on record stays staff, with their access; numbers are never issued twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from attendance.store.people import people
from attendance.store.session import make_engine, sessions
from tests.factories import NOON
from tests.store.revisions import do, rows, to

WHEN = "2024-05-06 12:00:00"
PERSON = "INSERT INTO people (uid, name, department, active, notes, created_at, updated_at) VALUES "


def test_who_was_on_record_is_not_a_visitor(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/site.db")
    to(engine, "0043")
    for name in ("Anna", "Bert"):
        do(engine, f"{PERSON} ('{name}', '{name}', 'Lab', 1, '', '{WHEN}', '{WHEN}')")
    do(engine, "DELETE FROM people WHERE name = 'Bert'")

    to(engine, "0044")
    assert rows(engine, "SELECT name, department, visitor FROM people") == [("Anna", "Lab", 0)]
    assert rows(engine, "SELECT count(*) FROM visits") == [(0,)]
    visit = "INSERT INTO visits (person_id, begins_at, ends_at, invited_at, invited_by) VALUES "
    with pytest.raises(IntegrityError):
        do(engine, f"{visit} (1, '{WHEN}', '{WHEN}', '{WHEN}', 'ada')")
    do(engine, f"{visit} (1, '{WHEN}', '2024-05-06 13:00:00', '{WHEN}', 'ada')")

    to(engine, "0043", back=True)
    assert rows(engine, "SELECT name, department FROM people") == [("Anna", "Lab")]
    to(engine, "head")
    with sessions(engine).begin() as session:
        added = people.create_person(session, name="Carla", at=NOON)
        assert (added.id, added.visitor) == (3, False)
    engine.dispose()
