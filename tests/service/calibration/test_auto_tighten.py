"""A growing gallery keeps to the risk that was chosen, without anybody asking."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from attendance import jobs
from attendance.config import Settings
from attendance.service.calibration import impostors
from attendance.service.calibration.auto_tighten import after_enrolment, tighten, unknown
from attendance.store.crypto import Keys
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON
from tests.fakes import FakeClock
from tests.service.calibration.conftest import default, enrol, in_force, known, put, reference


def keep(sessions: Sessions, keys: Keys, settings: Settings) -> bool:
    return tighten(sessions, keys, settings, MODEL, FakeClock()) is not None


def test_a_growing_gallery_raises_the_threshold_and_never_lowers_it(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    enrol(sessions, keys, 20)
    put(sessions, known(sessions, keys, reference()))
    first = in_force(sessions)
    assert not keep(sessions, keys, settings)
    enrol(sessions, keys, 40, seed=2)
    assert keep(sessions, keys, settings)
    second = in_force(sessions)
    assert second.threshold > first.threshold
    assert (second.target, second.gallery_size, second.covers, second.created_by) == (0.01, 60, 66, None)
    assert "60 people" in (second.reason or "")
    assert not keep(sessions, keys, settings)
    with sessions.begin() as session:  # most people leave
        for person in people.search_people(session, active=True, limit=100)[:45]:
            people.set_active(session, person.id, False, at=NOON)
    assert not keep(sessions, keys, settings)
    assert in_force(sessions).id == second.id


def test_a_few_more_people_within_the_room_change_nothing(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    enrol(sessions, keys, 20)
    put(sessions, known(sessions, keys, reference()))
    enrol(sessions, keys, 1, seed=2)
    assert keep(sessions, keys, settings)
    assert in_force(sessions).covers == 24
    enrol(sessions, keys, 3, seed=3)
    assert not keep(sessions, keys, settings)


@pytest.mark.parametrize("source", ["administrator", "card default"])
def test_a_threshold_that_somebody_chose_is_left_alone(
    sessions: Sessions, keys: Keys, settings: Settings, source: str
) -> None:
    default(sessions, 0.2, source=source)
    enrol(sessions, keys, 30)
    with sessions() as session:
        assert not unknown(session, MODEL, NOON)
    assert not keep(sessions, keys, settings)


def test_it_can_be_switched_off_and_the_page_still_knows(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    enrol(sessions, keys, 20)
    put(sessions, known(sessions, keys, reference()))
    enrol(sessions, keys, 10, seed=2)
    off = settings.model_copy(update={"calibration": settings.calibration.model_copy(update={"tighten": False})})
    assert not keep(sessions, keys, off)
    with sessions() as session:
        assert unknown(session, MODEL, NOON).people == 30


def test_where_nothing_can_be_said_any_more_the_default_stays(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    enrol(sessions, keys, 20)
    default(sessions, 0.98)
    put(sessions, known(sessions, keys, reference()))
    assert in_force(sessions).threshold == 0.98  # an estimate from few people never loosens the weights' own
    impostors.file_of(settings.models.weights, MODEL).unlink()
    enrol(sessions, keys, 10, seed=2)
    assert keep(sessions, keys, settings)
    assert (in_force(sessions).threshold, in_force(sessions).fpir) == (0.98, None)
    assert not keep(sessions, keys, settings)


def test_the_job_keeps_to_the_risk_without_anybody_asking(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    clock = FakeClock(datetime.now(UTC))
    enrol(sessions, keys, 15)
    put(sessions, known(sessions, keys, reference()))
    enrol(sessions, keys, 15, seed=2)
    settings = settings.model_copy(
        update={"models": settings.models.model_copy(update={"recogniser": MODEL})},
    )
    table = [job for job in jobs.jobs_of(sessions, keys, settings, clock) if job.name == "risk"]
    scheduler = jobs.start(table, clock)
    try:
        deadline = time.monotonic() + 60
        while in_force(sessions).covers == 15:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        scheduler.shutdown()
    assert in_force(sessions).gallery_size == 30


def test_an_enrolment_stands_whatever_comes_of_the_threshold(
    sessions: Sessions, keys: Keys, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    enrol(sessions, keys, 15)
    put(sessions, known(sessions, keys, reference()))
    enrol(sessions, keys, 15, seed=2)
    after_enrolment(sessions, Keys(bytes(32)), settings, MODEL, FakeClock())  # another master key: nothing can be read
    assert "was not checked after an enrolment" in caplog.text
    assert in_force(sessions).covers == 15
    after_enrolment(sessions, keys, settings, MODEL, FakeClock())
    assert in_force(sessions).covers == 33
