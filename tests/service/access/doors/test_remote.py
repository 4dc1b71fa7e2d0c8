"""An unlock from afar: written down, then moved, then noted."""

from __future__ import annotations

from datetime import UTC

import pytest
from sqlalchemy import text

from attendance.service.access.doors.remote import held_by_rules, unlock_remotely
from attendance.service.audit.audit import Actor
from attendance.service.ports import Pulse, PulseOutcome
from attendance.store.access import doors
from attendance.store.session import Sessions
from attendance.store.tables.access import DoorOverride
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
