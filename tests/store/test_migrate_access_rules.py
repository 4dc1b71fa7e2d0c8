"""The revision of the rules of doors: a site that is used goes on as it was, a new one waits for a choice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from attendance.domain.access.rules.decide import Request, decide
from attendance.domain.access.rules.factors import Factor
from attendance.domain.access.rules.state import State
from attendance.domain.reason import Reason
from attendance.store import migrate
from attendance.store.access import policies
from attendance.store.people import people
from attendance.store.session import make_engine, sessions
from tests import factories
from tests.factories import NOON
from tests.store.revisions import do, rows, to

_ZONE = factories.NOON.tzinfo
# As SQLite keeps it; a statement in plain text converts nothing.
WHEN = "2024-05-06 12:00:00"


@pytest.fixture(params=["sqlite", "postgresql"])
def unborn(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path}/site.db")
        yield engine
        engine.dispose()
        return
    with request.getfixturevalue("postgres").database() as url:
        engine = make_engine(url)
        to(engine, "0024", back=True)  # the server hands out upgraded ones
        yield engine
        engine.dispose()


def person(engine: Engine, name: str, active: bool) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO people (uid, name, department, active, notes, created_at, updated_at, consent_at) "
                "VALUES (:name, :name, '', :active, '', :at, :at, :at)"
            ),
            {"name": name, "active": active, "at": WHEN},
        )


def verdict(engine: Engine, name: str, camera: str) -> str:
    """What the rules say about this person's face at this camera on a Sunday night."""
    with sessions(engine)() as session:
        found = people.search_people(session, name)[0]
        rules = policies.for_person(session, policies.load_rules(session, _ZONE), found.id)
        request = Request(camera, Reason.MATCHED, found.id, frozenset({Factor.FACE}))
        return decide(rules, State(), request, NOON).reason.value


def test_a_site_in_use_goes_on_as_it_was(unborn: Engine) -> None:
    to(unborn, "0024")
    person(unborn, "Anna", True)
    person(unborn, "Bert", False)
    with unborn.begin() as connection:
        for camera in ("entrance", "yard"):
            connection.execute(
                text("INSERT INTO cameras (name, source, direction, active) VALUES (:name, '0', 'in', :yes)"),
                {"name": camera, "yes": True},
            )
        for number, name in enumerate(("old door", "mill gate")):
            connection.execute(
                text(
                    "INSERT INTO door_events (id, at, door, action, outcome, detail) "
                    "VALUES (:id, :at, :name, 'unlock', 'done', '')"
                ),
                {"id": str(number), "at": WHEN, "name": name},
            )

    to(unborn, "0025")

    assert rows(unborn, "SELECT name, driver, release_s FROM doors") == [("mill gate", "null", 3.0)]
    assert rows(unborn, "SELECT name FROM access_points ORDER BY id") == [("entrance",), ("yard",)]
    assert rows(unborn, "SELECT name FROM schedules") == [("always",)]
    assert rows(unborn, "SELECT name FROM access_levels") == [("everybody",)]
    to(unborn, "head")  # the program reads the newest tables only
    assert verdict(unborn, "Anna", "yard") == "matched"
    assert verdict(unborn, "Bert", "yard") == "not_active"
    assert rows(unborn, "SELECT person_id, created_by FROM access_grants") == [(1, "upgrade")]
    with sessions(unborn).begin() as session:
        later = people.create_person(session, name="Cleo", at=NOON, consent_at=NOON, consent_text="Yes.")
        people.set_active(session, 2, True, at=NOON)
        assert later.id == 3
    assert verdict(unborn, "Cleo", "entrance") == "matched"
    assert verdict(unborn, "Bert", "entrance") == "matched"


def test_a_new_site_waits_until_somebody_chooses_who_passes(unborn: Engine) -> None:
    to(unborn, "head")
    with sessions(unborn).begin() as session:
        people.create_person(session, name="Anna", at=NOON, consent_at=NOON, consent_text="Yes.")
        assert policies.default_level(session) is None

    assert rows(unborn, "SELECT name FROM access_levels") == [("everybody",)]
    assert rows(unborn, "SELECT name FROM doors") == [("door",)]
    assert rows(unborn, "SELECT id FROM access_grants") == []


def test_going_back_keeps_passages_and_people(unborn: Engine) -> None:
    to(unborn, "0024")
    person(unborn, "Anna", True)
    to(unborn, "0025")
    with unborn.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO passages (id, at, camera, granted, reason, model_id, gallery_version, frames, direction, "
                "rule, marks, phase) "
                "VALUES ('p', :at, 'door', :yes, 'matched', '', 1, 1, 'in', '9 schedule', 'duress', 'taken')"
            ),
            {"at": WHEN, "yes": True},
        )

    to(unborn, "0024", back=True)

    assert rows(unborn, "SELECT id, reason FROM passages") == [("p", "matched")]
    assert rows(unborn, "SELECT name FROM people") == [("Anna",)]
    assert rows(unborn, "SELECT key FROM settings WHERE key IN ('policy_version', 'default_level')") == []
    to(unborn, "0025")
    [(value,)] = rows(unborn, "SELECT value FROM settings WHERE key = 'default_level'")
    assert json.loads(value) == 1 if isinstance(value, str) else value == 1


def test_points_from_before_are_for_access_and_working_time(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0037")
    do(
        engine,
        "INSERT INTO access_points (name, door_id, source) SELECT 'back', min(id), 'kiosk' FROM doors",
    )
    before = rows(engine, "SELECT name, door_id, source, factors, enabled FROM access_points ORDER BY id")

    migrate.upgrade(engine, "0038")

    assert rows(engine, "SELECT name, door_id, source, factors, enabled FROM access_points ORDER BY id") == before
    assert set(rows(engine, "SELECT purposes FROM access_points")) == {("access+attendance",)}
    for wrong in ("purposes = 'fun'", "source = 'window'"):
        with pytest.raises(IntegrityError):
            do(engine, f"UPDATE access_points SET {wrong}")
    do(engine, "UPDATE access_points SET purposes = 'access' WHERE name = 'back'")

    to(engine, "0037", back=True)

    assert rows(engine, "SELECT name, door_id, source, factors, enabled FROM access_points ORDER BY id") == before
    engine.dispose()
