"""A door that stands open by a schedule or an operator, as its daemon applies it.

In: the rules in force, the door's device.  Out: a lock that stays released while they say so; passages that a contact
showed to be taken.
Does not know: how often somebody looks (`daemon/doors/relaying`), pages.
Main choice: the lock is released for some seconds again and again.  If the daemon or the database dies, the door locks
by itself within one such span.  Trade-off: it locks up to that much late.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, tzinfo

from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Request
from attendance.domain.access.rules.doors import Mode
from attendance.domain.access.rules.posture import posture
from attendance.domain.reason import Reason
from attendance.service.access.doors import judging
from attendance.service.access.recording import unlock_once
from attendance.service.ports import Clock, Door, doubt_about
from attendance.store.access import policies
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

SPAN_S = 10.0  # of one release; the next one is asked for before it ends
RENEW = timedelta(seconds=6)


class Standing:
    """Of one camera's daemon and its door.  `step` is for one thread; the rest may be called by others."""

    def __init__(self, sessions: Sessions, clock: Clock, door: Door, camera: str, zone: tzinfo) -> None:
        self._sessions, self._clock, self._door, self._camera = sessions, clock, door, camera
        self._rules = judging.DoorRules(zone)
        self._open = False
        self._asked_at: datetime | None = None

    def stands_open(self) -> bool:
        """Return whether the door stood open by the rules at the newest step."""
        return self._open

    def note_phase(self, session: Session, passage_id: str, taken: bool, at: datetime) -> bool:
        """Write what the contact showed after a grant, in the caller's transaction."""
        return judging.note_phase(session, self._rules.rules(session), passage_id, taken, at)

    def step(self) -> bool:
        """Read how the door is held, and release the lock if that is due; return whether the door was asked.

        Raises what the database does; then the door locks when the span ends.
        """
        try:
            now_open = self._held_open()
        except Exception:
            self._open = False
            raise
        if now_open is not self._open:
            log.info("door %s %s by the rules", self._door.name, "stands open" if now_open else "is locked again")
        self._open = now_open
        now = self._clock.now()
        if not now_open:
            self._asked_at = None
            return False
        if self._asked_at is not None and timedelta(0) <= now - self._asked_at < RENEW:
            return False
        self._asked_at = now
        unlock_once(self._door, SPAN_S, "")
        return True

    def _held_open(self) -> bool:
        now = self._clock.now()
        with self._sessions() as session:
            rules = judging.with_point(self._rules.rules(session), self._camera)
            point = rules.points.get(self._camera)
            door = None if point is None else rules.doors.get(point.door)
            if door is None or not door.enabled:
                return False
            policy = policies.for_person(session, rules, None)
            state = judging.state_for(session, policy, Request(self._camera, Reason.UNKNOWN), now)
            return posture(policy, state, door, now, bool(doubt_about(self._clock))).mode is Mode.UNLOCK
