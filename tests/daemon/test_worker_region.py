"""Where to look, and a picture for the administrator who draws on it: applied from the database without a restart."""

from __future__ import annotations

from datetime import timedelta

import cv2
import numpy as np
import pytest

from attendance.daemon import worker as worker_module
from attendance.domain.faces import Frame, Probe, Region
from attendance.domain.passage import Direction
from attendance.service.access.check_in import Outcome
from attendance.store.cameras import cameras
from tests.daemon.watched import row, worker_at
from tests.factories import ANNA, NOBODY
from tests.service.conftest import Site, site, staffed

__all__ = ["site", "staffed"]

LEFT = Region(0.0, 0.0, 0.5, 1.0)


@pytest.fixture(autouse=True)
def heartbeats_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "HEARTBEAT_S", 0.0)


def regions_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[Region | None]:
    seen: list[Region | None] = []
    real = site.analyser.analyse

    def analyse(frame: Frame, max_faces: int = 5) -> list[Probe]:
        seen.append(frame.region)
        return real(frame, max_faces)

    monkeypatch.setattr(site.analyser, "analyse", analyse)
    return seen


def change(site: Site, region: Region | None) -> None:
    with site.sessions.begin() as session:
        assert cameras.set_region(session, "door", region)


def test_a_changed_region_counts_from_the_next_heartbeat_and_can_be_taken_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = regions_seen(site, monkeypatch)
    worker, _ = worker_at(site, [ANNA] * 6)
    with worker._held():
        worker.step()
        change(site, LEFT)
        worker.step()  # the heartbeat after this picture reads it
        worker.step()
        change(site, None)
        worker.step()
        worker.step()

    assert seen == [None, None, LEFT, LEFT, None]


def test_a_region_drawn_before_counts_from_the_first_picture(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = regions_seen(site, monkeypatch)
    worker, _ = worker_at(site, [ANNA])
    with worker._held():
        worker.step()
    change(site, LEFT)
    worker, _ = worker_at(site, [ANNA])
    with worker._held():
        worker.step()

    assert seen == [None, LEFT]


def test_what_no_page_ever_wrote_is_the_whole_picture(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = regions_seen(site, monkeypatch)
    worker, _ = worker_at(site, [ANNA] * 3)
    with worker._held():
        worker.step()
        with site.sessions.begin() as session:
            camera = cameras.get_camera(session, "door")
            assert camera is not None
            camera.roi = [0.9, 0.1, 0.2, 1.0]
        worker.step()
        worker.step()

    assert seen == [None, None, None]


def test_a_picture_is_taken_when_asked_for_only_and_taken_away_again(site: Site) -> None:
    worker, _ = worker_at(site, [ANNA] * 8)
    with worker._held():
        worker.step()
        assert row(site).snapshot_at is None
        with site.sessions.begin() as session:
            cameras.want_snapshot(session, "door", at=site.clock.now())
        worker.step()
        with site.sessions() as session:
            found = cameras.snapshot_of(session, "door", at=site.clock.now())
        assert found is not None
        picture = cv2.imdecode(np.frombuffer(found[0], np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (48, 64, 3)
        site.clock.advance(cameras.SNAPSHOT_LIVES.total_seconds() + 1)
        with site.sessions() as session:  # before the daemon takes it away, it is not shown any more
            assert cameras.snapshot_of(session, "door", at=site.clock.now()) is None
        worker.step()
        assert row(site).snapshot_at is None


def test_who_asked_long_ago_has_gone(site: Site) -> None:
    worker, _ = worker_at(site, [ANNA] * 3)
    with worker._held():
        worker.step()
        with site.sessions.begin() as session:
            cameras.want_snapshot(session, "door", at=site.clock.now() - timedelta(minutes=5))
        worker.step()
        assert row(site).snapshot_at is None


def test_no_picture_stays_behind_when_the_daemon_ends(site: Site) -> None:
    worker, _ = worker_at(site, [NOBODY] * 3)
    with worker._held():
        worker.step()
        with site.sessions.begin() as session:
            cameras.want_snapshot(session, "door", at=site.clock.now())
        worker.step()
        assert row(site).snapshot_at is not None
    assert row(site).snapshot_at is None


def test_a_large_picture_is_made_small_for_the_page() -> None:
    jpeg = worker_module._small_jpeg(np.zeros((1080, 1920, 3), np.uint8))

    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (540, 960, 3)


def test_direction_and_use_that_the_admin_site_changes_are_taken_over(staffed: Site) -> None:
    """Anna comes in; then the camera leads out, she passes again; switched off, nobody does."""
    worker, _ = worker_at(staffed, [ANNA] * 5 + [NOBODY] * 20 + [ANNA] * 6 + [NOBODY] * 20 + [ANNA] * 8)

    def edit(direction: Direction, active: bool) -> None:
        with staffed.sessions.begin() as session:
            camera = cameras.get_camera(session, "door")
            assert camera is not None
            cameras.edit(session, camera.id, title="Yard", direction=direction, active=active)

    def steps(count: int) -> list[Outcome]:
        return [outcome for _ in range(count) for outcome in worker.step()]

    with worker._held():
        first = steps(24)
        edit(Direction.OUT, True)
        second = steps(22)
        edit(Direction.OUT, False)
        steps(1)
        opened = len(staffed.door.unlocked)
        third = steps(12)

    ways = [one.passage.direction for one in (*first, *second) if one.passage is not None]
    assert ways == [Direction.IN, Direction.OUT]
    assert third == []
    assert len(staffed.door.unlocked) == opened
