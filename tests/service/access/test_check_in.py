"""The story function, and above all: in which direction it fails."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.ports import Pulse
from attendance.store.access import events
from attendance.store.crypto import Keys, WrongMasterKey
from attendance.store.people import people
from attendance.store.tables import access, base, calibration
from attendance.store.tables import people as stored_people
from tests.factories import ANNA, BERT, MODEL, NOBODY, STRANGER, make_frame, make_passage, make_quality
from tests.fakes import FakeAnalyser
from tests.service.conftest import Site


def reasons(site: Site) -> list[Reason]:
    return [view.passage.reason for view in site.log()]


def test_somebody_enrolled_is_let_in_and_written_down(staffed: Site) -> None:
    (outcome,) = staffed.watch(staffed.check_in(), ANNA)
    assert outcome.decision.granted
    assert (outcome.person_name, outcome.repeat) == ("Anna", False)
    assert staffed.door.unlocked == [3.0]
    (view,) = staffed.log()
    assert view.passage == outcome.passage
    assert (view.person_name, view.door, view.passage.camera) == ("Anna", "done", "door")
    assert view.passage.direction is staffed.rules.direction
    assert view.passage.frames >= 3
    assert view.passage.model_id == MODEL
    assert view.passage.score == pytest.approx(1.0, abs=1e-5)


def test_a_stranger_is_refused_as_unknown(staffed: Site) -> None:
    (outcome,) = staffed.watch(staffed.check_in(), STRANGER)
    assert not outcome.decision.granted
    assert staffed.door.unlocked == []
    (view,) = staffed.log()
    assert (view.passage.granted, view.passage.reason, view.passage.person_id) == (False, Reason.UNKNOWN, None)


def test_an_empty_doorway_writes_nothing(staffed: Site) -> None:
    assert staffed.watch(staffed.check_in(), NOBODY) == []
    assert staffed.log() == []


def test_fewer_frames_than_must_agree_let_nobody_in(staffed: Site) -> None:
    assert staffed.watch(staffed.check_in(), ANNA, seconds=0.4) == []
    assert staffed.door.unlocked == []


def test_the_passage_stands_in_the_database_before_the_door_moves(
    staffed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    unlock = staffed.door.unlock

    def counting(seconds: float, passage: str) -> Pulse:
        seen.append(len(staffed.log()))
        return unlock(seconds)

    monkeypatch.setattr(staffed.door, "unlock", counting)
    staffed.watch(staffed.check_in(), ANNA)
    assert seen == [1]


def test_timings_of_every_stage_are_told(staffed: Site) -> None:
    (outcome,) = staffed.watch(staffed.check_in(), ANNA)
    assert {"detect", "embed", "commit", "door"} <= set(outcome.timings)


def test_a_repeat_moves_the_door_again_and_is_a_passage_of_its_own_that_counts_once(staffed: Site) -> None:
    check_in = staffed.check_in()
    (first,) = staffed.watch(check_in, ANNA)
    staffed.watch(check_in, NOBODY, seconds=5)
    (second,) = staffed.watch(check_in, ANNA)
    assert first.passage is not None and second.passage is not None
    assert (second.repeat, second.person_name) == (True, "Anna")
    assert second.passage.id != first.passage.id
    assert (first.passage.repeat_of, second.passage.repeat_of) == (None, first.passage.id)
    assert len(staffed.door.unlocked) == 2
    with staffed.sessions() as session:
        passage_ids = session.scalars(select(access.DoorEvent.passage_id)).all()
    assert set(passage_ids) == {first.passage.id, second.passage.id}


def test_after_the_cooldown_it_is_a_new_passage(staffed: Site) -> None:
    check_in = staffed.check_in()
    staffed.watch(check_in, ANNA)
    staffed.watch(check_in, NOBODY, seconds=31)
    (again,) = staffed.watch(check_in, ANNA)
    assert not again.repeat
    assert len(staffed.log()) == 2


def test_a_repeat_at_another_camera_of_the_same_direction_repeats_the_first(staffed: Site) -> None:
    (first,) = staffed.watch(staffed.check_in(), ANNA)
    staffed.rules = replace(staffed.rules, camera="second door")
    (second,) = staffed.watch(staffed.check_in(), ANNA)
    assert first.passage is not None and second.passage is not None
    assert second.repeat
    assert second.passage.repeat_of == first.passage.id


def test_two_people_at_once_are_two_passages(staffed: Site) -> None:
    check_in = staffed.check_in()
    image = make_frame(ANNA).image.copy()
    image[:, image.shape[1] // 2 :] = BERT
    names = []
    for _ in range(15):
        staffed.clock.advance(0.2)
        frame = replace(make_frame(ANNA, staffed.clock.now()), image=image)
        names += [outcome.person_name for outcome in check_in.process(frame)]
    assert sorted(name or "" for name in names) == ["Anna", "Bert"]


def test_a_door_that_fails_leaves_the_passage_and_a_failed_event(staffed: Site) -> None:
    staffed.door.break_down("no answer from the relay")
    (outcome,) = staffed.watch(staffed.check_in(), ANNA)
    assert outcome.opening is not None
    assert (outcome.opening.done, outcome.opening.detail) == (False, "no answer from the relay")
    (view,) = staffed.log()
    assert (view.passage.granted, view.door, view.door_detail) == (True, "failed", "no answer from the relay")


def test_a_bug_in_a_door_driver_leaves_the_door_unknown_and_is_not_the_end(staffed: Site) -> None:
    staffed.door.broken = ZeroDivisionError("division by zero")
    (outcome,) = staffed.watch(staffed.check_in(), ANNA)
    assert outcome.opening is not None
    assert not outcome.opening.done
    assert staffed.log()[0].door == "unknown"


def test_an_analyser_that_breaks_is_a_recorded_denial_once(staffed: Site, caplog: pytest.LogCaptureFixture) -> None:
    check_in = staffed.check_in()
    staffed.analyser.error = RuntimeError("the network is broken")
    outcomes = staffed.watch(check_in, ANNA)
    assert {outcome.decision.reason for outcome in outcomes} == {Reason.FAULT}
    assert [outcome.repeat for outcome in outcomes] == [False] + [True] * (len(outcomes) - 1)
    assert reasons(staffed) == [Reason.FAULT]
    assert staffed.door.unlocked == []
    assert sum("ended in a fault" in record.message for record in caplog.records) == 1
    staffed.analyser.error = None
    assert [outcome.person_name for outcome in staffed.watch(check_in, ANNA)] == ["Anna"]


def test_frames_that_agreed_before_a_fault_do_not_count_after_it(staffed: Site) -> None:
    check_in = staffed.check_in()
    assert staffed.watch(check_in, ANNA, seconds=0.4) == []
    staffed.analyser.error = RuntimeError("a hiccup")
    staffed.watch(check_in, ANNA, seconds=0.2)
    staffed.analyser.error = None
    assert staffed.watch(check_in, ANNA, seconds=0.4) == []
    assert staffed.door.unlocked == []


def test_a_locked_database_opens_no_door_and_the_person_gets_in_once_it_is_free(staffed: Site, database: Path) -> None:
    check_in = staffed.check_in()
    check_in.start()
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcomes = staffed.watch(check_in, ANNA, seconds=1)
    assert {outcome.decision.reason for outcome in outcomes} == {Reason.FAULT}
    assert {outcome.passage for outcome in outcomes} == {None}
    assert staffed.door.unlocked == []
    other.execute("ROLLBACK")
    other.close()
    assert staffed.log() == []
    assert [outcome.person_name for outcome in staffed.watch(check_in, ANNA)] == ["Anna"]
    assert len(staffed.door.unlocked) == 1


def test_a_crash_between_commit_and_unlock_is_closed_at_the_next_start(
    staffed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(_seconds: float, _passage: str) -> None:
        raise SystemExit

    monkeypatch.setattr(staffed.door, "unlock", power_cut)
    with pytest.raises(SystemExit):
        staffed.watch(staffed.check_in(), ANNA)
    (view,) = staffed.log()
    assert (view.passage.granted, view.door) == (True, None)
    assert [passage.id for passage in staffed.check_in().start()] == [view.passage.id]
    (view,) = staffed.log()
    assert view.door == "unknown", "most of the doors that a crash left open had opened"
    assert "stopped before" in view.door_detail
    assert staffed.check_in().start() == []


def test_another_cameras_open_passage_is_not_touched(staffed: Site) -> None:
    with staffed.sessions.begin() as session:
        events.record_passage(session, make_passage(camera="another"))
    assert staffed.check_in().start() == []
    assert [view.door for view in staffed.log()] == [None]


def test_a_door_event_that_cannot_be_written_does_not_undo_the_passage(
    staffed: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise UserError("disk full")

    monkeypatch.setattr(events, "record_door_event", fail)
    (outcome,) = staffed.watch(staffed.check_in(), ANNA)
    assert outcome.decision.granted
    assert "cannot note what door" in caplog.text
    assert [view.door for view in staffed.log()] == [None]


def test_without_a_threshold_nobody_passes(site: Site) -> None:
    site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        session.execute(update(calibration.OperatingPoint).values(model_id="another-model"))
    site.watch(site.check_in(), ANNA)
    assert reasons(site) == [Reason.NO_OPERATING_POINT]
    assert site.door.unlocked == []


def test_with_nobody_enrolled_the_reason_says_so(site: Site) -> None:
    site.watch(site.check_in(), ANNA)
    assert reasons(site) == [Reason.EMPTY_GALLERY]


def test_people_enrolled_with_another_model_are_told_apart_from_nobody(site: Site) -> None:
    site.analyser.model_id = "old-model"
    site.enrol("Anna", ANNA)
    site.analyser = FakeAnalyser()
    site.watch(site.check_in(), ANNA)
    assert reasons(site) == [Reason.FOREIGN_MODEL]
    assert site.door.unlocked == []


def test_a_poor_picture_is_refused_for_what_is_wrong_with_it(staffed: Site) -> None:
    staffed.analyser.flaws = (Reason.BLURRED, Reason.TOO_DARK)
    staffed.watch(staffed.check_in(), ANNA)
    assert reasons(staffed) == [Reason.BLURRED]
    assert staffed.log()[0].passage.measured == make_quality().sharpness  # for whoever asks why


def test_a_person_enrolled_while_the_daemon_runs_passes_within_a_second(staffed: Site) -> None:
    check_in = staffed.check_in()
    assert [outcome.person_name for outcome in staffed.watch(check_in, STRANGER)] == [None]
    staffed.watch(check_in, NOBODY, seconds=5)
    staffed.enrol("Carl", STRANGER)
    assert [outcome.person_name for outcome in staffed.watch(check_in, STRANGER)] == ["Carl"]
    assert check_in.view.gallery.size == 3


def test_a_new_threshold_counts_without_a_restart(staffed: Site) -> None:
    check_in = staffed.check_in()
    staffed.watch(check_in, NOBODY)
    staffed.set_threshold(0.9)
    staffed.watch(check_in, NOBODY)
    assert check_in.view.point is not None
    assert check_in.view.point.threshold == 0.9


def test_somebody_deactivated_a_moment_ago_does_not_pass_though_the_gallery_still_knows(staffed: Site) -> None:
    staffed.rules = replace(staffed.rules, poll_every=timedelta(hours=1))
    check_in = staffed.check_in()
    check_in.start()
    with staffed.sessions.begin() as session:
        people.set_active(session, 1, False, at=staffed.clock.now())
        people.delete_person(session, 2, at=staffed.clock.now())
    assert [outcome.decision.reason for outcome in staffed.watch(check_in, ANNA)] == [Reason.UNKNOWN]
    staffed.watch(check_in, NOBODY, seconds=5)
    assert [outcome.decision.reason for outcome in staffed.watch(check_in, BERT)] == [Reason.UNKNOWN]
    assert staffed.door.unlocked == []


def test_a_gallery_that_cannot_be_read_for_half_a_minute_is_stale_and_lets_nobody_in(
    staffed: Site, caplog: pytest.LogCaptureFixture
) -> None:
    check_in = staffed.check_in()
    check_in.start()
    with staffed.sessions.begin() as session:  # the daemon cannot read this any more
        session.execute(update(stored_people.Template).values(vector=b"\x01" + bytes(60)))
        session.execute(update(base.Setting).values(value=99).where(base.Setting.key == "gallery_version"))
    assert [outcome.person_name for outcome in staffed.watch(check_in, ANNA)] == [
        "Anna"
    ]  # a short trouble does no harm
    staffed.watch(check_in, NOBODY, seconds=40)
    assert [outcome.decision.reason for outcome in staffed.watch(check_in, ANNA)] == [Reason.STALE_GALLERY]
    assert len(staffed.door.unlocked) == 1
    assert sum("cannot read the gallery" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_jumps_does_not_leave_an_old_gallery_in_use(staffed: Site, hours: int) -> None:
    check_in = staffed.check_in()
    check_in.start()
    with staffed.sessions.begin() as session:
        people.set_active(session, 1, False, at=staffed.clock.now())
    staffed.clock.advance(hours * 3600)
    staffed.watch(check_in, NOBODY, seconds=0.2)
    assert check_in.view.gallery.size == 1
    assert not check_in.view.stale


def test_a_wrong_master_key_ends_the_start_instead_of_refusing_everybody(staffed: Site) -> None:
    staffed.keys = Keys(bytes(32))
    with pytest.raises(WrongMasterKey):
        staffed.check_in().start()


def test_a_daemon_that_never_read_a_gallery_lets_nobody_in(staffed: Site) -> None:
    staffed.keys = Keys(bytes(32))
    staffed.watch(staffed.check_in(), ANNA)
    assert reasons(staffed) == [Reason.STALE_GALLERY]
    assert staffed.door.unlocked == []


def test_nobody_is_logged_by_name_when_refused(staffed: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="attendance"):
        staffed.watch(staffed.check_in(), STRANGER)
    assert "Anna" not in caplog.text
    with staffed.sessions() as session:
        assert session.scalar(select(func.count(access.Passage.person_id))) == 0
