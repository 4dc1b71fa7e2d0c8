"""A watched door: its row, its alarms, its listeners, and the window that opens before the device is asked."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from attendance.domain.access.door_state import Contact, Happened, Happening, Inputs, Timings
from attendance.service.access.doors import live
from attendance.service.access.doors.live import LiveDoor
from attendance.service.ports import DoorFault, Pulse, PulseOutcome
from attendance.store.access import door_states
from attendance.store.alarms import alarms
from attendance.store.session import Sessions
from tests.fakes import FakeClock, FakeDoor

CLOSED, OPEN = Inputs(Contact.CLOSED), Inputs(Contact.OPEN)


@dataclass
class Watched:
    sessions: Sessions
    now: float = 1000.0
    device: FakeDoor = field(default_factory=FakeDoor)
    heard: list[str] = field(default_factory=list)

    def door(self) -> LiveDoor:
        door = LiveDoor(self.device, self.sessions, FakeClock(), Timings(open_too_long_s=30))
        door.listeners.append(self._hear)
        return door

    def _hear(self, one: Happening, _at: datetime) -> None:
        self.heard.append(f"{one.what}{f' {one.passage}' if one.passage else ''}")

    def open_alarms(self) -> set[str]:
        with self.sessions() as session:
            return {alarm.kind for alarm in alarms.open_alarms(session)}


@pytest.fixture
def watched(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Watched:
    made = Watched(sessions)
    monkeypatch.setattr(live, "monotonic", lambda: made.now)
    return made


def test_what_a_door_does_is_written_and_its_alarms_end(watched: Watched) -> None:
    door = watched.door()
    for seen in (CLOSED, OPEN):
        watched.device.seen = seen
        assert door.look()
    assert watched.open_alarms() == {"door forced"}
    with watched.sessions() as session:
        row = door_states.get_state(session, "front door")
    assert row is not None
    assert (row.contact, row.alarms) == ("open", ["forced"])
    watched.device.seen = CLOSED
    door.look()

    assert watched.open_alarms() == set()


def test_a_device_that_is_silent_is_an_alarm_until_it_answers(watched: Watched) -> None:
    door = watched.door()
    watched.device.break_down()
    assert [door.look(), door.look()] == [False, False]
    assert watched.open_alarms() == {"door offline"}
    watched.device.broken = None
    assert door.look()

    assert watched.open_alarms() == set()


def test_alarms_that_a_dead_daemon_left_are_ended_by_the_next_one(watched: Watched) -> None:
    first = watched.door()
    for seen in (CLOSED, OPEN):
        watched.device.seen = seen
        first.look()
    watched.device.seen = CLOSED
    watched.door().look()

    assert watched.open_alarms() == set()


def test_the_window_is_open_before_the_device_is_asked(watched: Watched) -> None:
    door = watched.door()
    watched.device.seen = CLOSED
    door.look()
    asked, answer = threading.Event(), threading.Event()

    def slow(seconds: float, passage: str = "") -> Pulse:
        asked.set()
        answer.wait(5)
        return Pulse(PulseOutcome.UNKNOWN, "no answer")

    watched.device.unlock = slow  # type: ignore[method-assign]
    thread = threading.Thread(target=door.unlock, args=(3, "p1"))
    thread.start()
    assert asked.wait(5)
    watched.device.seen = OPEN
    door.look()
    answer.set()
    thread.join(5)

    assert watched.heard == ["closed", "opened", "taken p1"]
    assert watched.open_alarms() == set()


def test_after_a_refused_unlock_an_opening_is_forced(watched: Watched) -> None:
    door = watched.door()
    watched.device.seen = CLOSED
    door.look()
    watched.device.unlock = lambda _s, _p="": Pulse(PulseOutcome.REFUSED, "no")  # type: ignore[method-assign]
    door.unlock(3, "p1")
    watched.device.seen = OPEN
    door.look()

    assert watched.open_alarms() == {"door forced"}
    assert "taken p1" not in watched.heard


def test_a_database_that_is_away_gets_the_state_later(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    door = watched.door()
    with monkeypatch.context() as patch:
        patch.setattr(door_states, "put_state", _away)
        assert door.look()
    assert door.look()
    with watched.sessions() as session:
        assert door_states.get_state(session, "front door") is not None


def _away(*_: object, **__: object) -> None:
    raise OSError("disk I/O error")


def test_nothing_is_written_while_nothing_changes_but_a_sign_of_life(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    door, written = watched.door(), list[float]()
    put = door_states.put_state

    def counting(*args: object, **named: object) -> None:
        written.append(watched.now)
        put(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(door_states, "put_state", counting)
    for second in range(40):
        watched.now = 1000.0 + second
        door.look()

    assert written == [1000.0, 1015.0, 1030.0]


def test_a_passage_that_nobody_took_is_told(watched: Watched) -> None:
    door = watched.door()
    watched.device.seen = CLOSED
    door.look()
    door.unlock(3, "p1")
    watched.now += 60
    door.look()

    assert watched.heard == ["closed", f"{Happened.NOT_TAKEN} p1"]


def test_a_passage_that_was_taken_is_written_down_also_after_the_database_was_away(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[tuple[str, bool]] = []
    door = LiveDoor(
        watched.device,
        watched.sessions,
        FakeClock(),
        Timings(),
        note_taken=lambda _session, passage, taken, _at: noted.append((passage, taken)),
    )
    watched.device.seen = CLOSED
    door.look()
    door.unlock(3, "p1")
    watched.device.seen = OPEN
    with monkeypatch.context() as patch:
        patch.setattr(door_states, "put_state", _away)
        door.look()
    assert noted == []
    door.look()
    door.look()

    assert noted == [("p1", True)]


def test_a_fault_of_the_device_is_a_value_and_no_exception(watched: Watched) -> None:
    watched.device.broken = DoorFault("gone")
    assert not watched.door().look()
