"""Judging a PIN or badge: from what a tablet sent to the passage to record.

In: a session, the tablet, an event's id, time and unsealed words.  Out: a `Passage` that is not stored yet.
Does not know: HTTP, cooldowns, what is answered.
Main choice: the passage gets the id that the tablet gave the event, so that sending it twice records it once,
and its time is the id's own.  Trade-off: the server believes a tablet's clock for events that waited, within a
week; the id shows when that was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from attendance.domain.passage import Direction, Method, Passage
from attendance.domain.reason import Reason
from attendance.service.ids import new_event_id
from attendance.service.kiosk.terminals import CHOICES, Terminal
from attendance.store.people import credentials
from attendance.store.tables.people import Person

AHEAD, WAITED = timedelta(minutes=2), timedelta(days=7)  # how wrong or old an event's time may be
LIVE = timedelta(minutes=1)

_REASONS = {
    credentials.Tried.FITS: Reason.MATCHED,
    credentials.Tried.WRONG: Reason.WRONG_PIN,
    credentials.Tried.LOCKED: Reason.PIN_LOCKED,
}


def judge(
    session: Session, terminal: Terminal, event_id: str, at: datetime, said: Mapping[str, Any], now: datetime
) -> Passage | None:
    """Return the passage to record; None if the number is locked and the event waited for the connection.

    The tablet sends such an event again later.
    """
    method = Method.BADGE if "badge" in said else Method.PIN
    if not -AHEAD <= now - at <= WAITED:
        # Under an id of now: one from the future would stand above all others for good.
        return _passage(terminal, new_event_id(now), now, method, Reason.LATE_EVENT, None, Direction.UNKNOWN)
    if method is Method.BADGE:
        person = credentials.person_of_badge(session, str(said["badge"]))
        reason = Reason.UNKNOWN_BADGE if person is None else Reason.MATCHED
    else:
        tried = credentials.try_pin(session, str(said.get("number", "")), str(said.get("pin", "")), at=now)
        if tried.outcome is credentials.Tried.LOCKED and now - at > LIVE:
            return None
        person, reason = tried.person, _REASONS[tried.outcome]
    return _passage(terminal, event_id, at, method, reason, person, _direction(terminal, said))


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
