"""A door whose threshold is for attempts pools its looks; an old threshold keeps the old way."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.domain.access.scoring import ATTEMPT_MEAN, BEST_PHOTO
from attendance.domain.faces import Frame
from attendance.domain.reason import Reason
from tests.factories import ANNA, NOBODY, STRANGER, make_probe, near, vector_of
from tests.service.access.moving_pictures import of_anna, show
from tests.service.conftest import Site, compare_by


def dim(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at Anna has a cosine of 0.75 with her photo, each in another way."""
    number = iter(range(1000))
    anna = vector_of(tuple(round(value / 8) for value in ANNA))

    def analyse(frame: Frame, max_faces: int = 5) -> list[object]:
        return [make_probe(near(anna, 0.75, next(number)))]

    monkeypatch.setattr(site.analyser, "analyse", analyse)


def test_looks_that_each_fail_open_the_door_together(staffed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    dim(staffed, monkeypatch)
    (refused,) = staffed.watch(compare_by(staffed, BEST_PHOTO), ANNA)
    assert refused.decision.reason is Reason.UNKNOWN and staffed.door.unlocked == []
    (outcome,) = staffed.watch(compare_by(staffed, ATTEMPT_MEAN), ANNA)
    assert outcome.decision.granted and len(staffed.door.unlocked) == 1
    assert outcome.passage is not None and outcome.passage.frames == 3
    assert outcome.passage.score is not None and outcome.passage.score > 0.85


def test_a_new_threshold_for_attempts_is_taken_up_while_the_door_runs(staffed: Site) -> None:
    check_in = staffed.check_in()
    staffed.watch(check_in, ANNA)
    compare_by(staffed, ATTEMPT_MEAN)
    staffed.watch(check_in, NOBODY, seconds=40)
    (outcome,) = staffed.watch(check_in, ANNA)
    assert outcome.decision.granted and outcome.decision.threshold == 0.85


def test_a_face_that_was_refused_often_waits(staffed: Site) -> None:
    check_in = compare_by(staffed, ATTEMPT_MEAN)
    for _ in range(staffed.rules.refused_attempts):
        (outcome,) = staffed.watch(check_in, STRANGER)
        assert outcome.decision.reason is Reason.UNKNOWN
        staffed.watch(check_in, NOBODY)
    staffed.enrol("Newcomer", STRANGER)
    (outcome,) = staffed.watch(check_in, STRANGER)
    assert outcome.decision.reason is Reason.TOO_MANY_ATTEMPTS
    staffed.watch(check_in, NOBODY)
    (outcome,) = staffed.watch(check_in, ANNA)
    assert outcome.person_name == "Anna"


def test_a_recording_of_different_pictures_opens_once(staffed: Site) -> None:
    """Each picture that counted once counts never again, whoever it showed."""
    check_in = compare_by(staffed, ATTEMPT_MEAN)
    recording: list[np.ndarray] = [of_anna(0.7 * number) for number in range(10)]
    show(staffed, check_in, recording)
    assert len(staffed.door.unlocked) == 1
    for _ in range(10):
        staffed.clock.advance(40)
        show(staffed, check_in, recording)
    assert len(staffed.door.unlocked) <= 2
