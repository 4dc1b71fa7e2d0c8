"""Judging a PIN or badge: from what a tablet sent to the passage to record.

In: a session, the tablet, an event's id, time and unsealed words.  Out: a `Passage` that is not stored yet.
Does not know: HTTP, cooldowns, what is answered.
Main choice: the passage gets the id that the tablet gave the event, so that sending it twice records it once,
and its time is the id's own.  When it arrived is kept beside it.  What arrives later than `late_after`, or out of
the tablet's own order, is kept and does not count: it waits for approval.  Trade-off: after a long break of the line
somebody has to approve what was typed meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from attendance.domain.passage import Direction, Method, Passage
from attendance.domain.reason import Reason
from attendance.service.ids import new_event_id
from attendance.service.kiosk.terminals import CHOICES, Terminal
from attendance.store.access import late
from attendance.store.people import credentials, pins
from attendance.store.people.pins import PinTry, Place, Tried
from attendance.store.session import Sessions
from attendance.store.tables.people import Person

AHEAD = timedelta(minutes=2)  # how far a tablet's clock may run ahead, and how exact its order is
_COUNTER = re.compile(r"[0-9a-f]{8}")
LIVE = timedelta(minutes=1)

_REASONS = {
    Tried.FITS: Reason.MATCHED,
    Tried.WRONG: Reason.WRONG_PIN,
    Tried.LOCKED: Reason.PIN_LOCKED,
    Tried.BLOCKED: Reason.PIN_LOCKED,
}


def try_said(sessions: Sessions, terminal: Terminal, said: Mapping[str, Any], now: datetime) -> PinTry | None:
    """Check the PIN of an event, outside any transaction; None for a badge, which needs no slow hash."""
    if "badge" in said:
        return None
    place = Place("tablet", str(terminal.id))
    return pins.try_pin(sessions, str(said.get("number", "")), str(said.get("pin", "")), at=now, place=place)


def proves(session: Session, said: Mapping[str, Any], tried: PinTry | None, person_id: int | None) -> Reason:
    """Return MATCHED if the event proves to be this person's, else why not."""
    if tried is None:
        person = credentials.person_of_badge(session, str(said["badge"]))
        return Reason.MATCHED if person is not None and person.id == person_id else Reason.UNKNOWN_BADGE
    if tried.person is None:
        return _REASONS[tried.outcome]
    return Reason.MATCHED if tried.person.id == person_id else Reason.WRONG_PIN


def judge(
    session: Session,
    terminal: Terminal,
    event_id: str,
    at: datetime,
    said: Mapping[str, Any],
    tried: PinTry | None,
    now: datetime,
    late_after: timedelta,
) -> Passage | None:
    """Return the passage to record; None if the number is locked and the event waited for the connection.

    `tried`: what `try_said` returned.  The tablet sends an event that was locked again later.
    """
    method = Method.BADGE if "badge" in said else Method.PIN
    if at > now + AHEAD:
        # Under an id of now: one from the future would stand above all others for good.
        return _passage(terminal, new_event_id(now), now, method, Reason.LATE_EVENT, None, Direction.UNKNOWN)
    if tried is None:
        person = credentials.person_of_badge(session, str(said["badge"]))
        reason = Reason.UNKNOWN_BADGE if person is None else Reason.MATCHED
    else:
        if tried.outcome is Tried.LOCKED and now - at > LIVE:
            return None
        person, reason = tried.person, _REASONS[tried.outcome]
    passage = _passage(terminal, event_id, at, method, reason, person, _direction(terminal, said))
    return _dated(session, passage, said, now, late_after)


def _dated(
    session: Session, passage: Passage, said: Mapping[str, Any], now: datetime, late_after: timedelta
) -> Passage:
    """Note when the event arrived, the tablet's count, and whether its time may be believed."""
    counter, sequence = said.get("counter"), said.get("sequence")
    passage, disordered = replace(passage, received_at=now), False
    number = sequence if isinstance(sequence, int) and not isinstance(sequence, bool) else 0
    if isinstance(counter, str) and _COUNTER.fullmatch(counter) and 0 < number < 2**31:
        passage = replace(passage, counter=counter, sequence=number)
        disordered = late.is_out_of_order(session, passage.camera, counter, number, passage.at, AHEAD)
    waited_long = now - passage.at > late_after
    # The page saw its computer's clock jump while it could not ask the server for the time.
    return replace(passage, late=waited_long or disordered or said.get("jumped") is True)


def said_direction(said: Mapping[str, Any]) -> Direction:
    """Return the direction that the person chose at the tablet; UNKNOWN if none."""
    return CHOICES.get(str(said.get("say", "")), Direction.UNKNOWN)


def _direction(terminal: Terminal, said: Mapping[str, Any]) -> Direction:
    return said_direction(said) if terminal.direction is Direction.UNKNOWN else terminal.direction


def _passage(
    terminal: Terminal,
    event_id: str,
    at: datetime,
    method: Method,
    reason: Reason,
    person: Person | None,
    direction: Direction,
) -> Passage:
    return Passage(
        id=event_id,
        at=at,
        camera=terminal.name,
        person_id=None if person is None else person.id,
        granted=reason is Reason.MATCHED,
        reason=reason,
        score=None,
        runner_up=None,
        threshold=None,
        model_id="",
        gallery_version=0,
        frames=0,
        direction=direction,
        method=method,
    )
