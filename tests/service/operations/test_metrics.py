"""Numbers for Prometheus, read as Prometheus reads them."""

from __future__ import annotations

import socket
import urllib.request
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from attendance.config import Settings
from attendance.daemon.camera import Health
from attendance.domain.access.gallery import Gallery
from attendance.domain.access.liveness.challenge import Ended
from attendance.domain.access.liveness.fusion import Judgement, Policy, Verdict
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.service.access.check_in import Outcome
from attendance.service.access.edge.deciding import EdgeState
from attendance.service.access.gallery_watch import View, denied
from attendance.service.access.liveness.gate import Ruling
from attendance.service.access.recording import Opening
from attendance.service.alarms.alarms import Recipients, raise_and_notify
from attendance.service.operations.metrics import DaemonNumbers, SiteNumbers, serve, time_writes
from attendance.service.operations.readiness import Readiness
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON
from tests.fakes import FakeClock


def scraped(port: int) -> dict[tuple[str, ...], float]:
    """Return (name, label values…) → value of all samples."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_daemon_counts_decisions_stages_and_doors() -> None:
    view = View(Gallery([], [], MODEL, 1), OperatingPoint(0.5, 0.05, MODEL, "test", NOON), foreign=False, stale=False)
    numbers = DaemonNumbers("1.2")
    first = numbers.of("front", "gate", lambda: Health(frames=5, seen_at=NOON), lambda: view)
    second = numbers.of("back", "yard", lambda: Health(frames=7, trouble="no answer"), lambda: view)
    for one in (first, second):
        one.start()
    observe = first.observe
    refused = Outcome(None, denied(Reason.UNKNOWN), None, False)
    judgement = Judgement(Verdict.ATTACK, -4.0, 1, -1.0, 0.8, None)
    ruling = Ruling(Policy.STEP_UP, judgement, False, Reason.LIVENESS_STEP_UP, "m", "card")
    held = Outcome(None, denied(Reason.LIVENESS_STEP_UP), None, False, ruling=ruling)
    watched = replace(held, ruling=replace(ruling, policy=Policy.WATCH, passes=True, reason=None))
    moved = Outcome(None, denied(Reason.AMBIGUOUS), None, False, opening=Opening("done"))
    observe([refused], {"detect": 10.0, "whole": 30.0})
    observe([refused, moved], {"detect": 12.0, "whole": 30.0})
    asked = Outcome(None, denied(Reason.CHALLENGE_FAILED), None, False, challenge=Ended.TOO_LATE)
    ends = [replace(asked, challenge=ended) for ended in (Ended.TOO_LATE, Ended.PASSED, Ended.OTHER_MOVE)]
    observe([held, watched, asked, *ends], {})
    second.observe([refused], {"detect": 9.0})
    port = free_port()
    stop = serve(numbers.registry, "127.0.0.1", port)
    found = scraped(port)
    first.stop()
    later = scraped(port)
    stop()

    assert ("attendance_camera_up", "front") not in later and ("attendance_camera_up", "back") in later
    assert found["attendance_decisions_total", "gate", "denied", "unknown"] == 2
    assert found["attendance_relay_actuations_total", "gate", "done"] == 1
    assert found["attendance_pad_rejections_total", "still picture"] == 1
    challenges = {
        tuple(labels): count for (name, *labels), count in found.items() if name == "attendance_challenges_total"
    }
    assert challenges == {("gate", "too_late"): 2, ("gate", "passed"): 1, ("gate", "other_move"): 1}
    assert found["attendance_stage_duration_seconds_count", "detect"] == 3
    assert found["attendance_decision_duration_seconds_count",] == 3
    assert found["attendance_frames_dropped_total", "front"] == 2
    assert found["attendance_frames_looked_at_total", "front"] == 3
    assert (found["attendance_camera_up", "front"], found["attendance_camera_up", "back"]) == (1, 0)
    assert found["attendance_decisions_total", "yard", "denied", "unknown"] == 1
    assert found["attendance_frames_dropped_total", "back"] == 6
    assert found["attendance_camera_last_frame_timestamp_seconds", "front"] == NOON.timestamp()
    assert found["attendance_threshold",] == 0.5
    assert found["attendance_build_info", "1.2"] == 1


@pytest.mark.parametrize("order", [("front", "side"), ("side", "front")])
def test_a_door_is_offline_as_soon_as_one_of_its_cameras_decides_by_its_copy(order: tuple[str, str]) -> None:
    view = View(Gallery([], [], MODEL, 1), None, foreign=False, stale=False)
    away = {"front": EdgeState(timedelta(minutes=5), NOON, 2), "side": EdgeState(timedelta(minutes=5), None, 1)}
    numbers = DaemonNumbers("1.2")
    for camera in order:
        numbers.of(camera, "gate", Health, lambda: view, lambda camera=camera: away[camera]).start()  # type: ignore[misc]

    assert numbers.registry.get_sample_value("attendance_door_offline", {"door": "gate"}) == 1
    assert numbers.registry.get_sample_value("attendance_offline_records", {"door": "gate"}) == 3


def test_the_site_knows_cameras_alarms_and_the_database(sessions: Sessions, engine: Engine, keys: Keys) -> None:
    clock = FakeClock()
    readiness = Readiness(sessions, keys, clock)
    readiness.probe()
    numbers = SiteNumbers(sessions, engine, clock, Settings(), readiness, "1.2")
    time_writes(engine, numbers.registry)
    with sessions.begin() as session:
        for name, at in (("front", NOON), ("back", NOON - timedelta(hours=1))):
            cameras.claim(session, name, source="0", direction=Direction.IN, owner="me", at=at)
            cameras.heartbeat(session, name, owner="me", at=at, seen_at=at)
        raise_and_notify(session, "disk", "", {"free_mb": 1}, NOON, Recipients(webhook=True))
    port = free_port()
    stop = serve(numbers.registry, "127.0.0.1", port)
    found = scraped(port)
    stop()

    assert (found["attendance_camera_up", "front"], found["attendance_camera_up", "back"]) == (1, 0)
    assert found["attendance_alarms_open", "disk"] == 1
    assert found["attendance_event_queue_depth",] == 1
    assert found["attendance_ready",] == 1
    assert found["attendance_db_bytes",] > 10_000
    assert found["attendance_write_transaction_seconds_count",] == 1
    assert not any("person" in label for key in found for label in key)
