"""An unlock from afar: written down, then moved, then noted."""

from __future__ import annotations

from datetime import UTC

import pytest
from sqlalchemy import text

from attendance.service.access.doors.remote import (
    LOCKED_FOR,
    held_by_rules,
    lock_remotely,
    release_remotely,
    unlock_remotely,
)
from attendance.service.audit.audit import Actor
from attendance.service.ports import Pulse, PulseOutcome
from attendance.store.access import doors
from attendance.store.session import Sessions
from attendance.store.tables.access import Door, DoorOverride
from tests.fakes import FakeClock, FakeDoor

ACTOR = Actor("system", "mqtt")


def rows(sessions: Sessions, query: str) -> list[tuple[object, ...]]:
    with sessions() as session:
        return [tuple(row) for row in session.execute(text(query))]


def test_the_audit_holds_it_before_the_door_moves_and_the_log_what_the_door_did(sessions: Sessions) -> None:
    door, before = FakeDoor(), list[int]()

    def unlock(seconds: float, passage: str = "") -> Pulse:
        before.append(len(rows(sessions, "SELECT 1 FROM audit_entries WHERE action = 'unlock_door'")))
        return Pulse(PulseOutcome.UNKNOWN, "no answer")

    door.unlock = unlock  # type: ignore[method-assign]
    unlock_remotely(sessions, FakeClock(), door, 3, ACTOR, "asked")

    assert before == [1]
    assert rows(sessions, "SELECT passage_id, door, outcome, detail FROM door_events") == [
        (None, "front door", "unknown", "no answer")
    ]


def test_a_door_that_somebody_holds_stays_shut_and_the_attempt_is_noted(sessions: Sessions) -> None:
    door = FakeDoor()
    pulse = unlock_remotely(sessions, FakeClock(), door, 3, ACTOR, "asked", held=lambda _session, _now: "lockdown")

    assert pulse == Pulse(PulseOutcome.REFUSED, "lockdown")
    assert door.unlocked == []
    assert len(rows(sessions, "SELECT 1 FROM audit_entries WHERE detail LIKE '%lockdown%'")) == 1


def test_a_lock_from_afar_ends_by_itself_is_audited_and_is_ended_only_by_whoever_set_it(sessions: Sessions) -> None:
    clock = FakeClock()
    with sessions.begin() as session:
        session.add(Door(id=71, name="yard"))
    assert lock_remotely(sessions, clock, "no such door", ACTOR, "asked") != ""
    assert lock_remotely(sessions, clock, "yard", ACTOR, "asked") == ""
    assert lock_remotely(sessions, clock, "yard", ACTOR, "asked") == "", "once more: one lock, from now on"
    door = FakeDoor("yard")
    held = held_by_rules("yard", UTC, clock)
    assert unlock_remotely(sessions, clock, door, 3, ACTOR, "asked", held).outcome is PulseOutcome.REFUSED
    assert release_remotely(sessions, clock, "yard", Actor("system", "another"), "asked") == 0
    assert release_remotely(sessions, clock, "yard", ACTOR, "asked") == 1
    assert unlock_remotely(sessions, clock, door, 3, ACTOR, "asked", held).outcome is PulseOutcome.PULSED
    lock_remotely(sessions, clock, "yard", ACTOR, "asked")
    clock.advance(LOCKED_FOR.total_seconds() + 1)
    assert unlock_remotely(sessions, clock, door, 3, ACTOR, "asked", held).outcome is PulseOutcome.PULSED

    acts = [action for (action,) in rows(sessions, "SELECT action FROM audit_entries ORDER BY id")]
    assert acts.count("hold_door") == 3
    assert acts.count("release_door") == 2


def test_what_cannot_be_written_down_moves_nothing(sessions: Sessions) -> None:
    door = FakeDoor()

    def away(*_: object) -> str:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        unlock_remotely(sessions, FakeClock(), door, 3, ACTOR, "asked", held=away)
    assert door.unlocked == []


@pytest.mark.parametrize(
    ("mode", "source", "said"),
    [
        ("lockdown", "emergency", "the door is held: lockdown"),
        ("lock", "operator", "the door is held: lock"),
        ("unlock", "operator", ""),
    ],
)
def test_what_the_rules_of_the_door_hold_is_not_opened_from_afar(
    sessions: Sessions, mode: str, source: str, said: str
) -> None:
    clock = FakeClock()
    with sessions.begin() as session:
        (row,) = doors.list_doors(session)
        assert held_by_rules(row.name, UTC, clock)(session, clock.now()) == ""
        session.add(
            DoorOverride(door_id=row.id, mode=mode, source=source, since=clock.now(), reason="drill", by="anna")
        )
        session.flush()
        assert held_by_rules(row.name, UTC, clock)(session, clock.now()) == said
        assert held_by_rules("elsewhere", UTC, clock)(session, clock.now()) == ""
        row.enabled = False
        session.flush()
        assert held_by_rules(row.name, UTC, clock)(session, clock.now()) == "the door is switched off"
