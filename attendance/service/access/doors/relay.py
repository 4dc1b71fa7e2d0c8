"""Moving a door for what a tablet at it granted, and ending requests whose second factor did not come.

In: the access point of this daemon's camera; grants that the site wrote down.  Out: a moved door, its door event; a
refusal for each request that waited too long.
Does not know: how often somebody looks (`daemon/doors/relaying`), who was identified, or how.
Main choice: the claim of a passage is its door event, which bears the passage's id, so that of several daemons at one
door one moves it, once.  Whatever is older than a few seconds moves nothing: whoever asked has left.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Rule
from attendance.domain.access.rules.doors import Door as DoorRow
from attendance.domain.access.rules.people import Exemption
from attendance.domain.access.rules.posture import posture
from attendance.domain.access.rules.state import State
from attendance.domain.passage import YOUNG, Direction, Method, Passage
from attendance.domain.reason import Reason
from attendance.service.access.doors import second_factor
from attendance.service.access.doors.judging import DoorRules, with_point
from attendance.service.access.recording import unlock_once
from attendance.service.ids import new_event_id
from attendance.service.ports import Clock, Door, doubt_about
from attendance.store.access import events, policies, second_factors
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

LOOKS_BACK = timedelta(hours=1)
_METHODS = {factor: method for method, factor in second_factor.FACTORS.items()}


class Relay:
    """Of one camera's daemon and its door.  Not for several threads at once."""

    def __init__(self, sessions: Sessions, clock: Clock, door: Door, camera: str, zone: tzinfo) -> None:
        self._sessions, self._clock, self._door, self._camera = sessions, clock, door, camera
        self._rules = DoorRules(zone)

    def step(self) -> int:
        """Move the door for each new grant of a tablet; return how many there were.  Raises what the database does."""
        now = self._clock.now()
        with self._sessions() as session:
            row = self._row(session)
            if row is None:
                return 0
            waiting = second_factors.unmoved(session, row.id, now - LOOKS_BACK)
            late = second_factor.timed_out(session, self._rules.rules(session), row, now)
        if late:
            self._end(row)
        return sum(self._move(passage, row) for passage in waiting)

    def _row(self, session: Session) -> DoorRow | None:
        """Return the door at which this daemon's camera stands."""
        rules = with_point(self._rules.rules(session), self._camera)
        point = rules.points.get(self._camera)
        return None if point is None else rules.doors.get(point.door)

    def _move(self, passage: Passage, row: DoorRow) -> bool:
        """Claim the passage, move the door, write what it did; False if another program claimed it."""
        at = self._clock.now()
        old = abs(at - second_factors.heard_at(passage)) > YOUNG
        why = "it came too late: nobody moved the door within seconds" if old else ""
        try:
            with self._sessions.begin() as session:
                seconds, shut = self._now(session, passage, row, at)
                why = why or shut
                events.record_door_event(
                    session, event_id=passage.id, passage_id=passage.id, at=at, door=self._door.name,
                    outcome="failed" if why else "unknown", detail=why or "the door is asked",
                )  # fmt: skip
        except IntegrityError:
            return False
        if why:
            log.error("door %s: passage %s %s", self._door.name, passage.id, why)
            return True
        opening = unlock_once(self._door, seconds, passage.id)
        try:
            with self._sessions.begin() as session:
                second_factors.settle(session, passage.id, opening.outcome, opening.detail)
        except Exception:  # the door has moved already; the claim says that nobody knows
            log.exception("cannot note what door %s did for passage %s", self._door.name, passage.id)
        return True

    def _now(self, session: Session, passage: Passage, row: DoorRow, at: datetime) -> tuple[float, str]:
        """Return for how long the door is released, and why not at all, such as for a lockdown since the grant."""
        policy = policies.for_person(session, self._rules.rules(session), passage.person_id)
        person = None if passage.person_id is None else policy.people.get(passage.person_id)
        exempt = person is not None and Exemption.LOCKDOWN in person.exemptions
        hold = posture(policy, State(), row, at, bool(doubt_about(self._clock)), exempt)
        shut = f"it came too late: the door is held meanwhile: {hold.mode}" if hold.mode.closed else ""
        return row.extended_release_s if person is not None and person.extended else row.release_s, shut

    def _end(self, row: DoorRow) -> None:
        """Write a refusal for each request that waited too long, unless it was completed meanwhile."""
        with self._sessions.begin() as session:
            version = policies.version(session)
            now = self._clock.now()
            late = second_factor.timed_out(session, self._rules.rules(session), row, now)
            for person, (point, waited) in late.items():
                log.info("at %s no second factor came within %s s", point, row.factor_timeout_s)
                first = _passage(point, person, row.id, _METHODS[min(waited.proven)], now)
                events.record_passage(
                    session, replace(first, policy_version=version, clock_doubt=bool(doubt_about(self._clock)))
                )


def _passage(point: str, person: int, door: int, method: Method, at: datetime) -> Passage:
    return Passage(
        id=new_event_id(at), at=at, camera=point, person_id=person, granted=False, reason=Reason.FACTOR_TIMEOUT,
        score=None, runner_up=None, threshold=None, model_id="", gallery_version=0, frames=0,
        direction=Direction.UNKNOWN, method=method, door_id=door, rule=Rule.FACTOR.value,
    )  # fmt: skip
