"""The site's own test, on a full, a read-only, a locked and a foreign database."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from attendance.service.operations import readiness as module
from attendance.service.operations.readiness import Readiness, Trouble, trouble_of
from attendance.store import settings
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from tests.factories import NOON, make_template
from tests.fakes import FakeClock


@pytest.fixture
def readiness(sessions: Sessions, keys: Keys) -> Readiness:
    return Readiness(sessions, keys, FakeClock())


def test_before_the_first_test_the_site_is_not_ready(readiness: Readiness) -> None:
    assert readiness.troubles == [Trouble("starting")]
    assert readiness.probe() is None
    assert readiness.troubles == []


def test_a_full_disk_is_named(readiness: Readiness, engine: Engine, sessions: Sessions) -> None:
    """SQLite's own limit on its pages gives the error of a full disk."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    readiness._clock.time = NOON  # type: ignore[attr-defined]
    assert readiness.probe() is None  # a value of the same size needs no page
    with pytest.raises(Exception, match="disk is full") as caught, sessions.begin() as session:
        settings.put(session, "large", "x" * 100_000, NOON)

    assert trouble_of(caught.value) == Trouble("disk full")
    assert trouble_of(OSError(errno.ENOSPC, "no space")) == Trouble("disk full")
    assert trouble_of(ValueError()) is None


def test_a_database_that_may_not_be_written_is_named(readiness: Readiness, engine: Engine) -> None:
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))

    assert readiness.probe() == Trouble("read-only")
    assert "rights" in readiness.troubles[0].advice


def test_a_locked_database_is_named(readiness: Readiness, database: Path) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert readiness.probe() == Trouble("locked")
    other.execute("ROLLBACK")
    assert readiness.probe() is None
    other.close()


def test_another_master_key_is_named(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        person = people.create_person(session, name="Anna", at=NOON)
        templates.add_template(session, keys, person.id, make_template(), "upload", {}, None, at=NOON)

    assert Readiness(sessions, Keys(bytes(32)), FakeClock()).probe() == Trouble("wrong key")


def test_a_test_that_never_comes_back_is_not_taken_for_health(
    readiness: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    readiness.probe()
    monkeypatch.setattr(module, "STALE_S", -1.0)

    assert readiness.troubles == [Trouble("stuck")]


def test_every_trouble_has_words_and_advice(sessions: Sessions) -> None:
    for key in module.TEXTS:
        assert Trouble(key).words
        assert Trouble(key).advice.endswith(".")
    with sessions() as session:
        assert session.scalar(text("SELECT 1")) == 1
