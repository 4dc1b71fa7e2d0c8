"""Doors as pages show them: what the rules hold, what the device says, who holds it.

In: a session, the site's zone, an instant.  Out: `DoorNow`s; a door's row.
Does not know: pages, drivers.
Main choice: what the rules hold and what the device shows are two facts side by side, since they may differ: a door
that is locked by the rules can stand open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.domain.access.rules.doors import AccessPoint, Door
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.posture import Hold, posture
from attendance.domain.access.rules.state import State
from attendance.domain.people.names import sort_key
from attendance.service.access.policy.holding import Held, holding
from attendance.store.access import door_states, policies
from attendance.store.tables import access


@dataclass(frozen=True, slots=True)
class DoorNow:
    """`live`: None if nobody ever watched the door; `watched`: its daemon gave a sign of life just now.

    `held`: the operator's or emergency's act behind `hold`; None: a schedule, or the door's own setting.
    """

    door: Door
    driver: str
    hold: Hold
    held: Held | None
    live: door_states.DoorState | None
    watched: bool
    points: tuple[AccessPoint, ...]


def doors_now(session: Session, zone: tzinfo, at: datetime) -> Sequence[DoorNow]:
    """Return every door by name."""
    policy = in_force(session, zone)
    newest = session.execute(
        select(access.Passage.door_id, func.max(access.Passage.at))
        .where(access.Passage.granted, access.Passage.door_id.is_not(None))
        .group_by(access.Passage.door_id)
    )
    state = State(passed={door: when for door, when in newest if door is not None})
    drivers = {row.id: row.driver for row in session.scalars(select(access.Door))}
    lives = {row.door: row for row in door_states.list_states(session)}
    acts = {held.id: held for held in holding(session, at)}
    found = []
    for door in sorted(policy.doors.values(), key=lambda one: sort_key(one.name)):
        hold, live = posture(policy, state, door, at), lives.get(door.name)
        found.append(
            DoorNow(
                door=door,
                driver=drivers[door.id],
                hold=hold,
                held=None if hold.override is None else acts.get(hold.override),
                live=live,
                watched=live is not None and not door_states.is_stale(live, at),
                points=tuple(point for point in policy.points.values() if point.door == door.id),
            )
        )
    return found


def in_force(session: Session, zone: tzinfo) -> Policy:
    """Return the rules with the overrides in force, without grants and people."""
    return policies.for_person(session, policies.load_rules(session, zone), None)


def get_door(session: Session, door_id: int) -> access.Door | None:
    """Return a door's row, for the form of its settings."""
    return session.get(access.Door, door_id)
