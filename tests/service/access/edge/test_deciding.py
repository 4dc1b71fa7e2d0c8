"""A door without its database: who passes then, what is kept, and what comes back exactly once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from attendance.domain.access.rules.doors import Mode
from attendance.domain.passage import Passage
from attendance.domain.reason import Reason
from attendance.service.access.check_in import CheckIn, Outcome
from attendance.service.access.edge.deciding import ALARM, CHECK_S, Edge, is_away
from attendance.service.access.policy import holding
from attendance.service.audit import audit
from attendance.store.access import policies
from attendance.store.access.edge_files import PLACES, RecordLog
from attendance.store.alarms import alarms
from attendance.store.faults import DatabaseFull, DatabaseLocked, DatabaseReplaced
from attendance.store.people import people
from attendance.store.session import database_file, engine_of, make_engine, sessions
from attendance.store.tables.access import AccessGrant, Door
from attendance.store.tables.audit import AuditEntry
from tests.factories import ANNA, BERT, STRANGER, make_passage
from tests.service.conftest import Site

AGE_S = 300


class Remote:
    """A door, its edge and a database that a test takes away."""

    def __init__(self, site: Site, folder: Path, offline_s: int = AGE_S) -> None:
        self.site, self.folder = site, folder
        # Its own engine, which does not wait long for a lock.
        file = database_file(engine_of(site.sessions))
        assert file is not None
        self.file = file
        site.sessions = sessions(make_engine(f"sqlite:///{file}", busy_timeout_ms=1))
        self.set_door(offline_s=offline_s)
        self.start()

    def start(self) -> None:
        """The program begins, with the database."""
        site = self.site
        self.edge = Edge(
            site.sessions, site.keys, site.clock, site.door, "door", self.folder, pause=lambda: self.seconds
        )
        self.seconds = getattr(self, "seconds", 0.0)
        self.edge.tick()
        self.check_in = CheckIn(
            site.sessions, site.keys, site.analyser, site.door, site.clock, site.rules, edge=self.edge
        )
        self.check_in.start()

    def die(self) -> None:
        self.edge.close()

    def tick(self, seconds: float = CHECK_S) -> None:
        self.seconds += seconds
        self.edge.tick()

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.site.clock.advance(seconds)

    def set_door(self, **values: Any) -> None:
        with self.site.sessions.begin() as session:
            session.execute(update(Door).values(**values))
            policies.bump_version(session, self.site.clock.now())

    def look(self, colour: tuple[int, int, int]) -> Outcome:
        """Nobody, and then somebody stands there; return the first outcome."""
        self.site.clock.advance(5)
        return self.site.watch(self.check_in, colour)[0]

    @contextmanager
    def away(self) -> Iterator[None]:
        """Another program holds the database for writing."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def open_alarms(self) -> set[str]:
        with self.site.sessions() as session:
            return {one.kind for one in alarms.open_alarms(session)}

    def audits(self) -> list[dict[str, Any]]:
        with self.site.sessions() as session:
            action = audit.Action.IMPORT_OFFLINE.value
            return [row.detail for row in session.scalars(select(AuditEntry).where(AuditEntry.action == action))]


@pytest.fixture
def remote(staffed: Site, tmp_path: Path) -> Iterator[Remote]:
    remote = Remote(staffed, tmp_path / "edge")
    yield remote
    remote.die()


def test_a_door_refuses_everybody_without_the_database_unless_its_setting_says_otherwise(
    staffed: Site, tmp_path: Path
) -> None:
    remote = Remote(staffed, tmp_path / "edge", offline_s=0)
    with remote.away():
        assert remote.look(ANNA).decision.reason is Reason.FAULT
    assert (staffed.door.unlocked, staffed.log(), remote.folder.exists()) == ([], [], False)


def test_a_door_with_a_copy_of_the_rules_lets_in_who_may_pass_and_the_log_has_it_once_afterwards(
    remote: Remote,
) -> None:
    with remote.away():
        passed, stranger = remote.look(ANNA), remote.look(STRANGER)
        assert (passed.decision.granted, stranger.decision.reason) == (True, Reason.UNKNOWN)
        assert remote.site.door.unlocked == [3.0]
        assert remote.site.log() == []
        assert remote.edge.state.waiting == 3
        assert remote.edge.state.since is not None
    remote.tick()
    remote.tick()

    granted, refused = sorted(remote.site.log(), key=lambda view: not view.passage.granted)
    assert (granted.passage.person_id, granted.door, granted.passage.marks) == (1, "done", "offline")
    assert granted.passage.id == (passed.passage and passed.passage.id)
    assert (refused.passage.reason, refused.passage.marks, refused.door) == (Reason.UNKNOWN, "offline", None)
    assert [(one["passages"], one["granted"]) for one in remote.audits()] == [(2, 1)]
    assert (remote.edge.state.since, remote.edge.state.waiting) == (None, 0)


def test_the_next_request_finds_the_log_in_its_order(remote: Remote) -> None:
    with remote.away():
        remote.look(ANNA)
    remote.site.clock.advance(10)
    remote.look(ANNA)

    newest, first = remote.site.log()
    assert (first.passage.marks, newest.passage.marks) == ("offline", "")
    assert newest.passage.repeat_of == first.passage.id


def test_a_program_that_dies_before_it_notes_the_door_leaves_the_passage_and_says_unknown(remote: Remote) -> None:
    def die(_seconds: float, _passage: str = "") -> None:
        raise KeyboardInterrupt

    remote.site.door.unlock = die  # type: ignore[method-assign, assignment]
    with remote.away(), pytest.raises(KeyboardInterrupt):
        remote.look(ANNA)
    remote.die()
    remote.start()

    (view,) = remote.site.log()
    assert (view.passage.granted, view.passage.marks, view.door) == (True, "offline", "unknown")


@pytest.mark.parametrize("after", ["nothing", "half", "all"])
def test_a_crash_while_they_are_brought_in_doubles_and_loses_nothing(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    monkeypatch.setattr("attendance.service.access.edge.bringing_in.AT_ONCE", 1)
    with remote.away():
        remote.look(ANNA)
        remote.look(BERT)
    with monkeypatch.context() as patch:
        if after == "all":
            patch.setattr(RecordLog, "clear", _die)
        else:
            write, done = type(remote.edge._bring_in)._write, []

            def die_at(*values: Any) -> None:
                if after == "nothing" or done:
                    raise KeyboardInterrupt
                done.append(1)
                write(*values)

            patch.setattr("attendance.service.access.edge.bringing_in.BringIn._write", die_at)
        with pytest.raises(KeyboardInterrupt):
            remote.edge.bring_in()
    assert len(remote.site.log()) == {"nothing": 0, "half": 1, "all": 2}[after]
    remote.die()
    remote.start()

    assert sorted((view.passage.person_id, view.door) for view in remote.site.log()) == [(1, "done"), (2, "done")]


def test_a_copy_that_is_too_old_refuses(remote: Remote) -> None:
    with remote.away():
        remote.wait(AGE_S - 10)
        # The database can be read, so that the copy would be renewed; here nothing renews it.
        assert remote.look(ANNA).decision.granted
        remote.wait(20)
        assert remote.look(BERT).decision.reason is Reason.STALE_POLICY
    assert len(remote.site.door.unlocked) == 1
    remote.tick()
    assert {view.passage.reason for view in remote.site.log()} == {Reason.MATCHED, Reason.STALE_POLICY}


def test_a_clock_that_was_set_back_makes_no_copy_younger(remote: Remote) -> None:
    with remote.away():
        remote.site.clock.advance(-60)
        assert remote.look(ANNA).decision.reason is Reason.STALE_POLICY


def test_a_clock_in_doubt_lets_nobody_in_by_a_copy_whose_age_it_would_tell(remote: Remote) -> None:
    remote.site.clock.doubt = "it jumped"
    with remote.away():
        assert remote.look(ANNA).decision.reason is Reason.STALE_POLICY


@pytest.mark.parametrize("how", ["changed", "another site's", "gone"])
def test_a_copy_that_somebody_changed_lets_nobody_in_and_raises_an_alarm(remote: Remote, how: str) -> None:
    rules = remote.folder / "rules"
    with remote.away():
        if how == "gone":
            rules.unlink()
        else:
            content = rules.read_bytes()
            rules.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:] if how == "changed" else b"\x01")
        assert remote.look(ANNA).decision.reason is Reason.STALE_POLICY
        assert remote.site.door.unlocked == []
    remote.tick()

    assert (ALARM in remote.open_alarms()) is (how != "gone")


def test_records_that_somebody_made_are_not_brought_in_and_raise_an_alarm(remote: Remote) -> None:
    with remote.away():
        remote.look(ANNA)
        log = remote.folder / "passages"
        content = bytearray(log.read_bytes())
        content[3072:4608] = content[:1536]  # the same passage once more, in another place
        log.write_bytes(content)
    remote.tick()

    assert len(remote.site.log()) == 1
    assert ALARM in remote.open_alarms()


def test_what_cannot_be_kept_does_not_move_the_door(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordLog, "append", _full)
    with remote.away():
        assert remote.look(ANNA).decision.reason is Reason.FAULT
    assert remote.site.door.unlocked == []


def test_refusals_leave_room_for_passages(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordLog, "used", property(lambda _log: PLACES - 4))
    written: list[Any] = []
    monkeypatch.setattr(RecordLog, "append", lambda _log, record: written.append(record))
    with remote.away():
        assert remote.look(STRANGER).decision.reason is Reason.UNKNOWN
        assert remote.look(ANNA).decision.granted
    assert [next(iter(record)) for record in written] == ["passage", "door"]


@pytest.mark.parametrize("what", ["consent", "grant", "lockdown", "erased"])
def test_what_was_taken_away_before_the_database_went_is_in_the_copy_within_seconds(remote: Remote, what: str) -> None:
    now = remote.site.clock.now()
    with remote.site.sessions.begin() as session:
        if what == "consent":
            people.set_active(session, 1, False, at=now)
        elif what == "grant":
            session.execute(AccessGrant.__table__.delete())
            policies.bump_version(session, now)
        elif what == "lockdown":
            holding.lock_down(session, reason="", by="ada", at=now)
        else:
            people.delete_person(session, 1, at=now)
    remote.tick()
    with remote.away():
        outcome = remote.look(ANNA)
    assert not outcome.decision.granted
    assert (outcome.decision.reason is Reason.LOCKDOWN) is (what == "lockdown")
    assert remote.site.door.unlocked == []


def test_a_person_who_was_erased_meanwhile_leaves_a_passage_without_a_name(remote: Remote) -> None:
    with remote.away():
        remote.look(ANNA)
    with remote.site.sessions.begin() as session:
        people.delete_person(session, 1, at=remote.site.clock.now())
    remote.tick()

    (view,) = remote.site.log()
    assert (view.passage.granted, view.passage.person_id) == (True, None)


def test_an_operators_lock_holds_without_the_database(remote: Remote) -> None:
    now = remote.site.clock.now()
    with remote.site.sessions.begin() as session:
        holding.hold(session, 1, Mode.LOCK, reason="cleaning", until=now + timedelta(hours=1), by="ada", at=now)
    remote.tick()
    with remote.away():
        assert remote.look(ANNA).decision.reason is Reason.DOOR_LOCKED


def test_a_setting_that_is_taken_back_leaves_no_copy_behind(remote: Remote) -> None:
    with remote.away():
        remote.look(ANNA)
    remote.set_door(offline_s=0)
    remote.tick()

    assert not (remote.folder / "rules").exists()
    assert len(remote.site.log()) == 1
    with remote.away():
        assert remote.look(BERT).decision.reason is Reason.FAULT


def test_a_fault_that_is_not_about_the_database_is_none_of_its_business(remote: Remote) -> None:
    remote.site.analyser.error = RuntimeError("the network failed")
    assert remote.look(ANNA).decision.reason is Reason.FAULT
    assert [is_away(error) for error in (DatabaseLocked(""), DatabaseFull(""))] == [True, True]
    assert [is_away(error) for error in (DatabaseReplaced(""), ValueError(""))] == [False, False]


def test_the_gallery_lasts_as_long_as_the_copy(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise DatabaseFull("")

    monkeypatch.setattr("attendance.service.access.gallery_watch.settings.gallery_version", unreachable)
    with remote.away():
        remote.wait(AGE_S - 20)
        assert remote.look(ANNA).decision.granted
        remote.wait(40)
        assert remote.look(ANNA).decision.reason is Reason.STALE_GALLERY


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def _full(*_: object) -> None:
    raise OSError("the disk is full")


@pytest.mark.parametrize(
    ("doubt", "scores"),
    [
        ("look_alike", {"score": 0.9, "runner_up": 0.75, "threshold": 0.7, "margin": 0.0}),
        ("thin_margin", {"score": 0.9, "runner_up": 0.85, "threshold": 0.88, "margin": 0.03}),
    ],
)
def test_what_leaves_doubt_about_a_face_leaves_it_without_the_database_too(
    remote: Remote, doubt: str, scores: dict[str, float]
) -> None:
    for asked, reason in (([], Reason.MATCHED), ([doubt], Reason.SECOND_FACTOR)):
        remote.set_door(step_up=asked)
        remote.tick()
        with remote.away():
            remote.wait(1)
            recorded = remote.edge.record(doubtful(remote, **scores), DatabaseLocked("away"))
        assert recorded is not None and recorded.passage.reason is reason
    assert len(remote.site.door.unlocked) == 1


@pytest.mark.parametrize("before", [0, 2, 3])
def test_after_several_strangers_a_door_asks_for_more_whoever_counted_them(remote: Remote, before: int) -> None:
    remote.set_door(step_up=["repeated_failures"], offline_s=3600)
    for _ in range(before):
        remote.look(STRANGER)
    remote.tick()
    with remote.away():
        for _ in range(3 - before):
            remote.wait(1)
            stranger = doubtful(remote, person_id=None, granted=False, reason=Reason.UNKNOWN)
            remote.edge.record(stranger, DatabaseLocked("away"))
        remote.wait(1)
        refused = remote.edge.record(doubtful(remote), DatabaseLocked("away"))
        assert refused is not None and refused.passage.reason is Reason.SECOND_FACTOR
        remote.wait(301)
        passed = remote.edge.record(doubtful(remote), DatabaseLocked("away"))
    assert passed is not None and passed.passage.granted


def doubtful(remote: Remote, **changes: Any) -> Passage:
    return make_passage(remote.site.clock.now(), **{"person_id": 1} | changes)
