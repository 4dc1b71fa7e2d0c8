"""Unlocking and locking a door from afar: decided as an operator's act, written down, and then moved.

In: a door, who asks and why.  Out: a `Pulse`; an entry in the audit before the door moves, a door event after it.
Does not know: pages, brokers, devices.
Main choice: the same order as for a passage: commit, flushed to the disk, then move, then record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import is_interlocked
from attendance.domain.access.rules.doors import Mode
from attendance.domain.access.rules.posture import posture
from attendance.domain.access.rules.state import State
from attendance.service.access.policy import holding
from attendance.service.access.recording import STORED
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.ids import new_event_id
from attendance.service.ports import Clock, Door, Pulse, PulseOutcome, doubt_about
from attendance.store.access import doors, events, policies, present
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

LOCKED_FOR = timedelta(minutes=10)

# Return why nobody may unlock this door now, "" if nothing keeps it shut.
Held = Callable[[Session, datetime], str]


def held_by_nothing(_session: Session, _now: datetime) -> str:
    return ""


def held_by_rules(door: str, zone: tzinfo, clock: Clock) -> Held:
    """Return what keeps this door shut by its rules: a lock, a block, a lockdown, another door of its interlock.

    A door without a row has no rules.
    """

    def held(session: Session, now: datetime) -> str:
        rules = policies.for_person(session, policies.load_rules(session, zone), None)
        row = next((one for one in rules.doors.values() if one.name == door), None)
        if row is None:
            return ""
        if not row.enabled:
            return "the door is switched off"
        # Nobody is known to be here, so nothing is unlocked by a first passage; that would not close it either.
        hold = posture(rules, State(), row, now, bool(doubt_about(clock)))
        if hold.mode.closed:
            return f"the door is held: {hold.mode}"
        state = State(doors=present.door_states(session, rules, now) if row.interlock_group else {})
        return "another door of the interlock is not closed" if is_interlocked(rules, state, row, now) else ""

    return held


def unlock_remotely(
    sessions: Sessions,
    clock: Clock,
    door: Door,
    seconds: float,
    actor: Actor,
    reason: str,
    held: Held = held_by_nothing,
) -> Pulse:
    """Unlock once; a door that somebody locked, blocked or put into lockdown stays shut.

    Raises whatever the database raises: then nothing moved.
    """
    now = clock.now()
    with sessions.begin() as session:
        why = held(session, now)
        audit.record(
            session,
            actor=actor,
            action=Action.UNLOCK_DOOR,
            subject=Subject("door", door.name),
            detail={"seconds": seconds, "reason": reason, "refused": why or None},
            at=now,
        )
    if why:
        return Pulse(PulseOutcome.REFUSED, why)
    pulse = door.unlock(seconds)
    _note(sessions, clock, door, pulse)
    return pulse


def lock_remotely(sessions: Sessions, clock: Clock, door: str, actor: Actor, reason: str) -> str:
    """Lock the door as an operator does, for LOCKED_FOR; return why that cannot be, "" if it is locked.

    A lock of the same actor that holds already goes on from now.  Raises whatever the database raises.
    """
    now = clock.now()
    with sessions.begin() as session:
        row = doors.door_named(session, door)
        if row is None:
            return "the door has no rules of its own on the site"
        _end_locks(session, row.id, actor, reason, now)
        until = now + LOCKED_FOR
        number = holding.hold(session, row.id, Mode.LOCK, reason=reason, until=until, by=actor.name, at=now)
        audit.record(
            session,
            actor=actor,
            action=Action.HOLD_DOOR,
            subject=Subject("door", row.id),
            detail={"mode": Mode.LOCK.value, "until": until.isoformat(), "reason": reason, "act": number},
            at=now,
        )
    return ""


def release_remotely(sessions: Sessions, clock: Clock, door: str, actor: Actor, reason: str) -> int:
    """End the locks that the same actor set at this door, and no other; return how many there were."""
    now = clock.now()
    with sessions.begin() as session:
        row = doors.door_named(session, door)
        return 0 if row is None else _end_locks(session, row.id, actor, reason, now)


def _end_locks(session: Session, door_id: int, actor: Actor, reason: str, now: datetime) -> int:
    own = [
        held
        for held in holding.holding(session, now)
        if held.door == door_id and held.mode is Mode.LOCK and held.by == actor.name
    ]
    for held in own:
        holding.end(session, held.id, reason=reason, by=actor.name, at=now)
        audit.record(
            session,
            actor=actor,
            action=Action.RELEASE_DOOR,
            subject=Subject("door", door_id),
            detail={"mode": held.mode.value, "reason": reason, "act": held.id},
            at=now,
        )
    return len(own)


def note_test(sessions: Sessions, clock: Clock, door: str, seconds: float) -> None:
    """Write into the audit that somebody tries a door from the command line, before it moves."""
    with sessions.begin() as session:
        audit.record(
            session,
            actor=Actor("command line", "door test"),
            action=Action.TEST_DOOR,
            subject=Subject("door", door),
            detail={"seconds": seconds},
            at=clock.now(),
        )


def _note(sessions: Sessions, clock: Clock, door: Door, pulse: Pulse) -> None:
    try:
        at = clock.now()
        with sessions.begin() as session:
            events.record_door_event(
                session,
                event_id=new_event_id(at),
                passage_id=None,
                at=at,
                door=door.name,
                outcome=STORED[pulse.outcome],
                detail=pulse.detail,
            )
    except Exception:  # the door has moved already
        log.exception("cannot note what door %s did", door.name)
