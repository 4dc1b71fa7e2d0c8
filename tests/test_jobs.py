"""What is done by the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from attendance import jobs
from attendance.config import Settings
from attendance.domain.reason import Reason
from attendance.store import settings
from attendance.store.access import events
from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from tests import factories
from tests.fakes import FakeClock

UTC_ZONE = ZoneInfo("UTC")


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


def test_zero_days_keeps_them_forever(sessions: Sessions) -> None:
    record_refusal(sessions, factories.NOON - timedelta(days=9999))

    assert jobs.forget_strangers(sessions, FakeClock(), days=0) == 0
    assert len(kept(sessions)) == 1


def settings_of_a_site() -> Settings:
    plain = Settings()
    return plain.model_copy(update={"models": plain.models.model_copy(update={"recogniser": factories.MODEL})})


def test_every_job_has_its_own_name_and_a_time(sessions: Sessions, keys: Keys) -> None:
    table = jobs.jobs_of(sessions, keys, Settings(), FakeClock())

    assert [job.name for job in table] == [
        "forget strangers",
        "forget refusals",
        "forget passages",
        "forget musters",
        "faces of leavers",
        "forget visitors",
        "end of employment",
        "nightly roll-up",
        "weekly e-mail",
        "weekly e-mail to supervisors",
        "backup",
        "audit trail",
        "forget undecided photos",
        "finish erasures",
        "photo digests",
        "grown templates",
        "look-alikes",
        "risk",
    ]
    assert all(timedelta(0) <= job.first <= job.every <= timedelta(hours=1) for job in table)


def test_a_job_that_fails_runs_again(sessions: Sessions) -> None:
    runs: list[int] = []

    def work() -> None:
        runs.append(len(runs))
        raise RuntimeError("out of order")

    scheduler = jobs.start([jobs.Job("broken", work, timedelta(seconds=0.05))], FakeClock(datetime.now(UTC)))
    try:
        deadline = time.monotonic() + 20
        while len(runs) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        scheduler.shutdown()


def test_the_scheduler_forgets_at_the_start_already(sessions: Sessions, keys: Keys) -> None:
    clock = FakeClock(datetime.now(UTC))
    record_refusal(sessions, clock.now() - timedelta(days=31))

    scheduler = jobs.start(jobs.jobs_of(sessions, keys, settings_of_a_site(), clock), clock)
    try:
        deadline = time.monotonic() + 60
        while kept(sessions):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        scheduler.shutdown()


def test_the_list_of_look_alikes_is_made_at_the_start(sessions: Sessions, keys: Keys) -> None:
    with sessions() as session:
        assert settings.get(session, "look_alikes_of") is None
    clock = FakeClock(datetime.now(UTC))
    scheduler = jobs.start(jobs.jobs_of(sessions, keys, settings_of_a_site(), clock), clock)
    try:
        deadline = time.monotonic() + 60
        done = None
        while done is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
            with sessions() as session:
                done = settings.get(session, "look_alikes_of")
    finally:
        scheduler.shutdown()
    assert done[0] == factories.MODEL


def test_a_backup_is_made_when_it_is_due_and_not_before(sessions: Sessions, tmp_path: Path) -> None:
    folder, clock = tmp_path / "backups", FakeClock()
    settings = Settings.model_validate({"backup": {"folder": str(folder), "every_hours": 24, "keep_days": 2}})

    assert jobs.back_up(sessions, clock, settings)
    clock.advance(23 * 3600)
    assert not jobs.back_up(sessions, clock, settings)
    for _ in range(4):
        clock.advance(24 * 3600)
        assert jobs.back_up(sessions, clock, settings)
    assert len(list(folder.glob("*.db"))) == 3  # of now, a day ago and two days ago


def test_no_backup_is_deleted_while_the_clock_is_in_doubt(sessions: Sessions, tmp_path: Path) -> None:
    folder, clock = tmp_path / "backups", FakeClock()
    settings = Settings.model_validate({"backup": {"folder": str(folder), "every_hours": 24, "keep_days": 2}})
    jobs.back_up(sessions, clock, settings)
    clock.advance(365 * 86_400)
    clock.doubt = "it jumped"

    assert jobs.back_up(sessions, clock, settings)
    assert len(list(folder.glob("*.db"))) == 2


def test_without_a_folder_or_an_interval_no_backup_is_made(sessions: Sessions, tmp_path: Path) -> None:
    for section in ({"folder": ""}, {"folder": str(tmp_path / "x"), "every_hours": 0}):
        assert not jobs.back_up(sessions, FakeClock(), Settings.model_validate({"backup": section}))
    assert not (tmp_path / "x").exists()


def test_a_backup_that_fails_is_an_error_in_the_log(
    sessions: Sessions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    settings = Settings.model_validate({"backup": {"folder": str(tmp_path / "file" / "x")}})

    assert not jobs.back_up(sessions, FakeClock(), settings)
    assert "no backup was made" in caplog.text


def test_nothing_is_forgotten_or_written_down_while_the_clock_is_in_doubt(
    sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock(factories.NOON + timedelta(days=365))  # a clock that jumped by a year
    clock.doubt = "the computer's clock jumped by 31536000 seconds"
    record_refusal(sessions, factories.NOON)
    mail = Settings.model_validate({"mail": {"host": "127.0.0.1", "to": "a@example.org", "sender": "b@example.org"}})

    assert jobs.forget_strangers(sessions, clock, days=30) == 0
    assert jobs.forget_passages(sessions, clock, 30, UTC_ZONE) == 0
    assert jobs.nightly(sessions, clock, Settings()) is None
    assert jobs.weekly(sessions, clock, mail) is False
    assert len(kept(sessions)) == 1
    assert sum("waits: the computer's clock jumped" in record.message for record in caplog.records) == 4
    clock.doubt = ""
    assert jobs.forget_strangers(sessions, clock, days=30) == 1
