"""What is done by the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from attendance import jobs
from attendance.domain.reason import Reason
from attendance.store import settings
from attendance.store.access import events
from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from tests import factories
from tests.fakes import FakeClock


def record_refusal(sessions: Sessions, at: datetime) -> None:
    with sessions.begin() as session:
        events.record_passage(session, factories.make_passage(at, granted=False, reason=Reason.UNKNOWN))


def kept(sessions: Sessions) -> list[datetime]:
    with sessions() as session:
        return [view.passage.at for view in events.list_passages(session)]


def test_old_refusals_of_strangers_are_forgotten(sessions: Sessions) -> None:
    clock = FakeClock()
    record_refusal(sessions, clock.now() - timedelta(days=31))
    record_refusal(sessions, clock.now() - timedelta(days=29))

    assert jobs.forget_strangers(sessions, clock, days=30) == 1
    assert kept(sessions) == [clock.now() - timedelta(days=29)]


def test_zero_days_keeps_them_for_ever(sessions: Sessions) -> None:
    record_refusal(sessions, factories.NOON - timedelta(days=9999))

    assert jobs.forget_strangers(sessions, FakeClock(), days=0) == 0
    assert len(kept(sessions)) == 1


def test_the_scheduler_forgets_at_the_start_already(sessions: Sessions) -> None:
    clock = FakeClock(datetime.now(UTC))
    record_refusal(sessions, clock.now() - timedelta(days=31))

    scheduler = jobs.start(sessions, clock, strangers_days=30)
    try:
        deadline = time.monotonic() + 10
        while kept(sessions):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        scheduler.shutdown()


def test_the_list_of_look_alikes_is_made_at_the_start(sessions: Sessions, keys: Keys) -> None:
    with sessions() as session:
        assert settings.get(session, "look_alikes_of") is None
    clock = FakeClock(datetime.now(UTC))
    scheduler = jobs.start(sessions, clock, strangers_days=0)
    jobs.watch_look_alikes(scheduler, sessions, keys, factories.MODEL, clock)
    try:
        deadline = time.monotonic() + 10
        done = None
        while done is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
            with sessions() as session:
                done = settings.get(session, "look_alikes_of")
    finally:
        scheduler.shutdown()
    assert done[0] == factories.MODEL
