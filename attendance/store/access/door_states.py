"""What doors do now: one row a door, overwritten by the daemon that watches it.

In: a session, a door's name, the domain's `DoorState`.  Out: rows for the pages.
Does not know: devices; which alarms are raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from attendance.domain.access import door_state
from attendance.store.tables.access import DoorState as DoorState  # for the pages, which import no tables

# Three signs of life that did not come: nobody watches the door, and what the row says is old.
STALE_AFTER = timedelta(seconds=45)


def put_state(
    session: Session,
    door: str,
    state: door_state.DoorState,
    *,
    at: datetime,
    since: datetime,
    pulse_in_device: bool,
    notes: Sequence[str] = (),
) -> None:
    """Write what the door does now; the caller commits.  `since`: when the contact became what it is."""
    values: dict[str, Any] = {
        "updated_at": at,
        "since": since,
        "online": state.online,
        "contact": state.contact.value,
        "unlocked": state.unlocked,
        "alarms": sorted(alarm.value for alarm in state.alarms),
        "pulse_in_device": pulse_in_device,
        "notes": list(notes),
    }
    # Write before reading, so that no other change gets in between.
    done: Any = session.execute(update(DoorState).where(DoorState.door == door).values(**values))
    if not done.rowcount:
        session.add(DoorState(door=door, **values))
        session.flush()


def list_states(session: Session) -> Sequence[DoorState]:
    """Return every door that was ever watched, by name."""
    return session.scalars(select(DoorState).order_by(DoorState.door)).all()


def get_state(session: Session, door: str) -> DoorState | None:
    return session.get(DoorState, door, populate_existing=True)


def is_stale(state: DoorState, now: datetime) -> bool:
    """Return whether nobody watches this door now."""
    return abs(now - state.updated_at) > STALE_AFTER
