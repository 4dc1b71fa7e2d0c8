"""A frozen camera and a recording open nothing, across reconnects too, and somebody hears of it."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from sqlalchemy import select

from attendance.domain.passage import Direction
from attendance.service.alarms.alarms import Recipients
from attendance.store.alarms import alarms, outbox
from attendance.store.tables.audit import AuditEntry
from tests.factories import NOBODY, coded, make_frame
from tests.service.access.moving_pictures import of_anna, show
from tests.service.conftest import Site


def gap(site: Site, seconds: float) -> None:
    """The camera is lost: no pictures at all."""
    site.clock.advance(seconds)


def suspicions(site: Site) -> list[tuple[str, str | None]]:
    with site.sessions() as session:
        query = select(AuditEntry).where(AuditEntry.action == "suspect_pictures")
        return [(row.detail["suspicion"], row.subject_id) for row in session.scalars(query)]


def open_alarms(site: Site) -> list[tuple[str, str, str]]:
    with site.sessions() as session:
        return [(alarm.kind, alarm.subject, alarm.severity) for alarm in alarms.open_alarms(session)]


def test_somebody_who_lives_passes_again_and_again(staffed: Site) -> None:
    check_in = staffed.check_in()
    for visit in range(3):
        show(staffed, check_in, [of_anna(0.7 * number + visit * 20) for number in range(10)])
        gap(staffed, 10)

    assert len(staffed.door.unlocked) == 3
    assert suspicions(staffed) == []
    assert open_alarms(staffed) == []


def test_a_picture_that_froze_opens_nothing_however_often_the_camera_connects_anew(staffed: Site) -> None:
    check_in = staffed.check_in()
    for quality in [90, 60] * 20:
        show(staffed, check_in, [coded(of_anna(), quality)] * 15)
        gap(staffed, 12)

    assert staffed.door.unlocked == []
    assert [view.passage for view in staffed.log() if view.passage.granted] == []


@pytest.mark.long
def test_a_picture_that_froze_while_somebody_passed_opens_nothing_further(staffed: Site) -> None:
    check_in = staffed.check_in()
    walk = [of_anna(0.7 * number) for number in range(6)]
    show(staffed, check_in, walk)
    assert len(staffed.door.unlocked) == 1
    for _ in range(20):
        gap(staffed, 12)
        show(staffed, check_in, [walk[-1]] * 15)

    assert len(staffed.door.unlocked) == 1


def test_a_fault_or_a_new_direction_does_not_make_an_old_picture_new(staffed: Site) -> None:
    check_in = staffed.check_in()
    walk = [of_anna(0.7 * number) for number in range(6)]
    show(staffed, check_in, walk)
    staffed.analyser.error = RuntimeError("once")
    show(staffed, check_in, walk[:1])
    staffed.analyser.error = None
    show(staffed, check_in, walk)
    check_in.set_direction(Direction.OUT)
    show(staffed, check_in, walk)

    assert len(staffed.door.unlocked) == 1


def test_a_recording_is_told_once_and_lapses_when_nobody_is_there(
    staffed: Site, caplog: pytest.LogCaptureFixture
) -> None:
    check_in, walk = staffed.check_in(), [of_anna(0.7 * number) for number in range(10)]
    show(staffed, check_in, walk)
    with caplog.at_level(logging.ERROR):
        for _ in range(6):
            show(staffed, check_in, walk)
            gap(staffed, 5)

    assert len(staffed.door.unlocked) == 1
    assert suspicions(staffed) == [("repeated sequence", "door")]
    assert open_alarms(staffed) == [("repeated sequence", "door", "security")]
    assert [record.message.count("playing a recording") for record in caplog.records] == [1]
    assert "playing a recording" in check_in.trouble
    staffed.clock.advance(61)
    show(staffed, check_in, [make_frame(NOBODY).image])
    assert check_in.trouble == ""
    assert open_alarms(staffed) == []


def test_somebody_hears_of_a_frozen_face_until_a_new_start_looks_anew(staffed: Site) -> None:
    staffed.rules = replace(staffed.rules, alarms_to=Recipients(mail="desk@example.org"))
    show(staffed, staffed.check_in(), [of_anna()] * 200)

    assert open_alarms(staffed) == [("frozen face", "door", "security")]
    with staffed.sessions() as session:
        assert outbox.count_waiting(session) == 1
    staffed.check_in().start()
    assert open_alarms(staffed) == []
    with staffed.sessions() as session:
        assert outbox.count_waiting(session) == 2
