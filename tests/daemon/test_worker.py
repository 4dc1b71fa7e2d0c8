"""The loop: pictures become passages, the camera's row tells how it is, one daemon a camera."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from attendance.config import CameraSettings
from attendance.daemon import worker as worker_module
from attendance.daemon.camera import open_camera
from attendance.daemon.worker import Worker
from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.store.cameras import cameras
from tests.daemon.conftest import PATIENCE_S, Lateness, camera_settings, make_pictures, wait_for
from tests.daemon.watched import FakeCamera, row, worker_at
from tests.factories import ANNA, NOBODY, NOON, STRANGER, make_frame
from tests.service.conftest import Site, site, staffed

__all__ = ["site", "staffed"]


STORY = [NOBODY] * 2 + [ANNA] * 6 + [NOBODY] * 15 + [STRANGER] * 12 + [NOBODY] * 15 + [ANNA] * 6


def test_a_folder_of_pictures_becomes_passages_and_the_daemon_ends_with_it(staffed: Site, tmp_path: Path) -> None:
    settings = camera_settings(make_pictures(tmp_path / "clip", STORY), direction="in")
    camera = open_camera(settings, staffed.clock, paced=False)
    Worker(camera, staffed.check_in(), staffed.sessions, staffed.clock, settings).run(threading.Event())

    views = list(reversed(staffed.log()))
    decided = [(view.passage.reason, view.person_name, view.door) for view in views]
    assert decided == [(Reason.MATCHED, "Anna", "done"), (Reason.UNKNOWN, None, None), (Reason.MATCHED, "Anna", "done")]
    assert views[2].passage.repeat_of == views[0].passage.id  # a passage of its own, which hours count once
    assert len(staffed.door.unlocked) == 2
    assert row(staffed).owner is None


def test_each_decision_is_one_line_in_the_log(staffed: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    worker, _ = worker_at(staffed, STORY)
    worker.run(threading.Event())

    lines = [line.partition(" (")[0] for line in caplog.messages if "passes" in line or "refused" in line]
    assert lines == [
        "camera door: Anna passes",
        "camera door: refused: not recognised",
        "camera door: Anna passes again",
    ]
    assert any("score 1.000" in line and "threshold 0.500" in line and "frames" in line for line in caplog.messages)


def test_a_door_that_fails_is_said(staffed: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    staffed.door.break_down("no answer from the relay")
    worker, _ = worker_at(staffed, STORY[:8])
    worker.run(threading.Event())

    assert any("Anna passes, but the door failed: no answer from the relay" in line for line in caplog.messages)


def test_a_lasting_fault_is_said_once(staffed: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    staffed.analyser.error = RuntimeError("the network is broken")
    worker, _ = worker_at(staffed, STORY[:8])
    worker.run(threading.Event())

    assert sum("refused: system fault" in line for line in caplog.messages) == 1
    assert staffed.door.unlocked == []


def test_how_long_each_stage_took_is_said_at_the_end(staffed: Site) -> None:
    worker, _ = worker_at(staffed, STORY[:8])
    worker.run(threading.Event())
    counted, stages = worker.summary()

    assert counted == "8 of 8 pictures looked at, 0 broken, lost 0 times"
    assert "read 1.5/1.5, detect 1.0/1.0, embed 2.0/2.0" in stages
    assert "whole " in stages


def test_one_picture_is_enough_when_asked_for_one(site: Site) -> None:
    worker, camera = worker_at(site, STORY)
    worker.run(threading.Event(), once=True)

    assert worker.frames == 1
    assert camera.closed


def test_it_ends_when_its_time_is_over_and_when_it_is_told_to(site: Site) -> None:
    worker, _ = worker_at(site, [NOBODY], endless=True)
    with Lateness() as late:
        begun = time.monotonic()
        worker.run(threading.Event(), max_seconds=0.3)
        took = time.monotonic() - begun
    assert 0.3 <= took < 1 + late.seconds
    worker, camera = worker_at(site, [NOBODY], endless=True)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    worker.run(stop)

    assert camera.closed
    assert row(site).owner is None


def test_no_more_frames_are_looked_at_than_allowed(site: Site) -> None:
    camera = FakeCamera([make_frame(NOBODY)], site.clock, endless=True)
    camera.paced = True
    settings = CameraSettings(name="door", max_fps=20)
    worker = Worker(camera, site.check_in(), site.sessions, site.clock, settings)
    with Lateness() as late:
        worker.run(threading.Event(), max_seconds=1)

    assert 12 - 20 * late.seconds <= worker.frames <= 21


def test_a_camera_that_another_daemon_holds_is_refused_and_left_alone(site: Site) -> None:
    first, _ = worker_at(site, [NOBODY], endless=True)
    stop = threading.Event()
    thread = threading.Thread(target=first.run, args=(stop,))
    thread.start()
    try:
        wait_for(lambda: first.frames)
        second, camera = worker_at(site, [NOBODY])
        with pytest.raises(UserError, match=r"the camera door is held by process .*: stop that daemon"):
            second.run(threading.Event())
        assert camera.frames  # not one picture was read
        assert row(site).owner is not None
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    worker_at(site, [NOBODY])[0].run(threading.Event())


def test_a_dead_daemons_camera_is_taken_at_once(site: Site) -> None:
    with site.sessions.begin() as session:
        cameras.claim(
            session, "door", source="0", direction=Direction.IN, owner="process 1 on kiosk", at=site.clock.now()
        )
    worker, _ = worker_at(site, [NOBODY])
    worker.run(threading.Event())

    assert worker.frames == 1


def test_the_cameras_row_tells_when_it_was_seen_and_what_is_wrong(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "HEARTBEAT_S", 0.0)
    worker, camera = worker_at(site, [NOBODY, NOBODY])
    rows = []

    def step_and_look() -> None:
        worker.step()
        rows.append(row(site))

    with worker._held():
        step_and_look()
        camera.health = replace(camera.health, trouble="no answer for 6 s")
        step_and_look()

    assert rows[0].last_seen_at is not None
    assert (rows[0].last_error, rows[1].last_error) == (None, "no answer for 6 s")
    assert rows[1].heartbeat_at is not None


def test_heartbeats_come_every_few_seconds_and_not_with_every_picture(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, _ = worker_at(site, [NOBODY] * 30)
    beats: list[object] = []
    monkeypatch.setattr(worker, "_beat", lambda: beats.append(None) or setattr(worker, "_beaten_at", time.monotonic()))
    for _ in range(30):
        worker.step()

    assert len(beats) == 1


def test_a_daemon_whose_camera_was_taken_over_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "HEARTBEAT_S", 0.0)
    worker, _ = worker_at(site, [NOBODY] * 3)
    with worker._held():
        worker.step()
        with site.sessions.begin() as session:
            session.execute(text("UPDATE cameras SET owner = 'somebody else'"))
        with pytest.raises(UserError, match="was taken over by another daemon"):
            worker.step()
    assert row(site).owner == "somebody else"


def test_a_camera_that_was_removed_is_given_back_without_a_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    worker, _ = worker_at(site, [NOBODY])
    with worker._held(), site.sessions.begin() as session:
        (there,) = cameras.list_cameras(session)
        cameras.remove(session, there, NOON)

    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
    with site.sessions() as session:
        assert [one.owner for one in cameras.list_cameras(session, removed=True)] == [None]


def test_a_database_that_cannot_be_written_does_not_end_the_daemon(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "HEARTBEAT_S", 0.0)
    caplog.set_level(logging.INFO)
    worker, _ = worker_at(site, [NOBODY] * 4)
    with worker._held():
        with site.sessions() as blocker:
            blocker.execute(text("UPDATE cameras SET active = 1"))  # holds the write lock
            worker.step()
            worker.step()
            blocker.rollback()
        worker.step()

    assert sum("no heartbeat can be written" in line for line in caplog.messages) == 1
    assert sum("heartbeats are written again" in line for line in caplog.messages) == 1


def test_a_streams_password_is_in_neither_row_nor_log(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "HEARTBEAT_S", 0.0)
    caplog.set_level(logging.DEBUG)
    said: set[str | None] = set()
    settings = camera_settings("http://me:secret@127.0.0.1:9/a.mjpg?pwd=secret")
    camera = open_camera(settings, site.clock)
    turns = (lambda: said.add(row(site).last_error),)
    Worker(camera, site.check_in(), site.sessions, site.clock, settings, turns).run(threading.Event(), max_seconds=0.7)

    assert row(site).source == "http://…@127.0.0.1:9/a.mjpg?…"
    assert said == {None, "it cannot be opened"}
    assert "secret" not in caplog.text
