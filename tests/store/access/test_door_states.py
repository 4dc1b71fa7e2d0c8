"""The row of a door's live state."""

from __future__ import annotations

from datetime import timedelta

from attendance.domain.access.door_state import Contact, DoorAlarm, DoorState
from attendance.store.access import door_states
from attendance.store.session import Sessions
from tests.factories import NOON


def test_a_row_is_overwritten_and_grows_old(sessions: Sessions) -> None:
    state = DoorState(online=True, contact=Contact.OPEN, alarms=frozenset({DoorAlarm.HELD, DoorAlarm.FIRE}))
    for at in (NOON, NOON + timedelta(seconds=15)):
        with sessions.begin() as session:
            door_states.put_state(session, "front", state, at=at, since=NOON, pulse_in_device=True, notes=["a note"])
    with sessions() as session:
        (row,) = door_states.list_states(session)

    assert (row.contact, row.alarms, row.online, row.unlocked, row.notes) == (
        *("open", ["fire", "held"], True, None, ["a note"]),
    )
    assert not door_states.is_stale(row, NOON + timedelta(seconds=60))
    assert door_states.is_stale(row, NOON + timedelta(seconds=61))
