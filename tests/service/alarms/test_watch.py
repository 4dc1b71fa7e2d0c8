"""The watch over a site: what is raised, what ends, who is told."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from attendance.config import Settings
from attendance.domain.passage import Direction
from attendance.service.alarms import watch as module
from attendance.service.alarms.alarms import Recipients
from attendance.service.alarms.delivery import Channels
from attendance.service.alarms.watch import AlarmWatch
from attendance.service.operations import backups
from attendance.service.operations.readiness import Readiness
from attendance.store.access import events
from attendance.store.alarms import alarms
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from tests.factories import NOON, make_passage
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watch(sessions: Sessions, keys: Keys, clock: FakeClock, database: Path, tmp_path: Path) -> AlarmWatch:
    settings = Settings.model_validate({"backup": {"folder": str(tmp_path / "backups")}, "alarms": {"disk_free_mb": 0}})
    readiness = Readiness(sessions, keys, clock)
    readiness.probe()
    return AlarmWatch(sessions, clock, settings, readiness, database, Channels(None, "", "", "Mill"), clock.now())


def open_kinds(sessions: Sessions) -> list[tuple[str, str]]:
    with sessions() as session:
        return sorted((alarm.kind, alarm.subject) for alarm in alarms.open_alarms(session))


def camera(sessions: Sessions, clock: FakeClock, **beat: Any) -> None:
    with sessions.begin() as session:
        cameras.claim(session, "front", source="0", direction=Direction.IN, owner="me", at=clock.now())
        cameras.heartbeat(session, "front", owner="me", at=clock.now(), **beat)


def test_a_healthy_site_writes_nothing(watch: AlarmWatch, sessions: Sessions, clock: FakeClock, engine: Engine) -> None:
    camera(sessions, clock, seen_at=clock.now())
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    watch.look()

    assert open_kinds(sessions) == []
    assert [one for one in statements if not one.startswith("SELECT")] == []


def test_a_daemon_that_is_gone_is_an_alarm_until_it_is_back(
    watch: AlarmWatch, sessions: Sessions, clock: FakeClock
) -> None:
    camera(sessions, clock, seen_at=clock.now())
    clock.advance(40)
    watch.look()
    assert open_kinds(sessions) == []  # a restart takes less than the patience of the settings
    clock.advance(40)
    watch.look()
    watch.look()
    assert open_kinds(sessions) == [("no heartbeat", "front")]

    camera(sessions, clock, seen_at=clock.now())
    watch.look()

    assert open_kinds(sessions) == []
    with sessions() as session:
        (past,) = alarms.past_alarms(session)
        assert (past.count, past.cleared_at) == (1, clock.now())


def test_a_camera_without_pictures_is_an_alarm(watch: AlarmWatch, sessions: Sessions, clock: FakeClock) -> None:
    camera(sessions, clock, seen_at=clock.now())
    clock.advance(90)
    camera(sessions, clock, error="no route to the camera")
    watch.look()

    assert open_kinds(sessions) == [("camera lost", "front")]


def test_a_camera_that_is_switched_off_is_none(watch: AlarmWatch, sessions: Sessions, clock: FakeClock) -> None:
    camera(sessions, clock, seen_at=clock.now())
    with sessions.begin() as session:
        session.execute(text("UPDATE cameras SET active = 0"))
    clock.advance(900)
    watch.look()

    assert open_kinds(sessions) == []


def test_old_backups_are_an_alarm_and_a_new_site_has_time(
    watch: AlarmWatch, sessions: Sessions, clock: FakeClock, engine: Engine, tmp_path: Path
) -> None:
    clock.advance(47 * 3600)
    watch.look()
    assert open_kinds(sessions) == []
    clock.advance(3 * 3600)
    watch.look()
    assert open_kinds(sessions) == [("backup", "")]

    backups.make(engine, tmp_path / "backups", clock.now())
    watch.look()
    assert open_kinds(sessions) == []


def test_a_disk_that_fills_is_an_alarm_with_its_number(
    watch: AlarmWatch, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.settings = Settings.model_validate({"alarms": {"disk_free_mb": 500}, "backup": {"folder": ""}})
    monkeypatch.setattr(module, "free_mb", lambda _folder: 120)
    watch.look()

    assert open_kinds(sessions) == [("disk", "")]
    with sessions() as session:
        assert alarms.open_alarms(session)[0].detail == {"free_mb": 120}


def test_a_clock_before_the_newest_passage_is_an_alarm(watch: AlarmWatch, sessions: Sessions) -> None:
    with sessions.begin() as session:
        events.record_passage(session, make_passage(NOON + timedelta(hours=1)))
    watch.look()

    assert open_kinds(sessions) == [("clock", "")]


def test_what_nobody_acknowledges_is_told_once_more(
    watch: AlarmWatch, sessions: Sessions, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch._to = Recipients(mail="desk@example.org", escalation="boss@example.org")
    camera(sessions, clock, seen_at=clock.now())
    clock.advance(90)
    for _ in range(3):
        watch.look()
        clock.advance(31 * 60)

    with sessions() as session:
        rows = session.execute(text("SELECT type, target FROM outbox ORDER BY created_at")).all()
    assert [tuple(row) for row in rows] == [
        ("alarm.raised", "desk@example.org"),
        ("alarm.escalated", "boss@example.org"),
    ]


def test_that_the_database_cannot_be_written_is_told_past_it_and_noted_later(
    watch: AlarmWatch, sessions: Sessions, clock: FakeClock, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(module, "deliver", lambda _channels, channel, *more: sent.append(json.dumps(more[3])))
    watch._to = Recipients(webhook=True)
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
    watch.readiness.probe()
    watch.look()
    watch.look()
    assert len(sent) == 1
    assert "cannot be written" in sent[0]

    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = OFF"))
    clock.advance(60)
    watch.readiness.probe()
    watch.look()

    with sessions() as session:
        (past,) = alarms.past_alarms(session)
    assert (past.kind, past.raised_at, past.cleared_at) == ("cannot write", NOON, NOON + timedelta(seconds=60))
