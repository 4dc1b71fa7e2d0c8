"""The second factor at a door: what was proven a moment ago, whose it was, and why one factor may not be enough.

In: a session in the committing transaction, the rules, a request.  Out: the request with what began before.
Does not know: how a factor is proven, what is shown.
Main choice: a first factor waits at its side of its door, for the door's own time and for one request.  Trade-off: who
types a PIN or holds a badge there meanwhile ends the request of whoever stood there before, and both begin again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Request
from attendance.domain.access.rules.doors import AccessPoint, Door
from attendance.domain.access.rules.factors import Doubt, Factor
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.state import Begun, begun
from attendance.domain.passage import Method, Passage
from attendance.domain.reason import Reason
from attendance.service.access.doors import unproven
from attendance.store.access import second_factors

FACTORS = {Method.FACE: Factor.FACE, Method.PIN: Factor.PIN, Method.BADGE: Factor.BADGE}
FAILURES, FAILURES_WITHIN = 3, timedelta(minutes=5)
# What is asked for until this long after its time was over is answered by "too late", and not as a new beginning.
LATE = timedelta(seconds=10)


def joined(session: Session, rules: Policy, request: Request, passage: Passage, now: datetime) -> Request:
    """Return the request with the factors that this person proved here before, or why its factor does not fit.

    `rules`: with the request's access point.
    """
    point = rules.points.get(request.point)
    door = None if point is None else rules.doors.get(point.door)
    if point is None or door is None or request.identity is not Reason.MATCHED or request.person is None:
        return request
    person = request.person
    request = replace(request, doubts=_doubts(session, door, passage, now))
    waiting = _waiting(session, rules, point, door, now)
    limit = timedelta(seconds=door.factor_timeout_s)
    own = waiting.pop(person, None)
    if own is None:
        others = any(abs(now - one.since) < limit for one in waiting.values())
        typed = passage.method in (Method.PIN, Method.BADGE)
        return replace(request, wrong=Reason.WRONG_FACTOR) if others and typed else request
    if own.newest > second_factors.heard_at(passage):
        return request  # both came at once: what is older than the first factor cannot end its waiting
    if abs(now - own.since) >= limit:
        return replace(request, asked_at=own.since)
    # A face that waits was accepted when it came, with its challenge where one was asked for then.
    challenged = request.challenged or (Factor.FACE in own.proven and Factor.FACE not in request.proven)
    return replace(request, asked_at=own.since, proven=request.proven | own.proven, challenged=challenged)


def timed_out(session: Session, rules: Policy, door: Door, now: datetime) -> Mapping[int, tuple[str, Begun]]:
    """Return by person what waited at this door for too long, with the access point where it began."""
    limit, found = timedelta(seconds=door.factor_timeout_s), {}
    for point in [point for point in rules.points.values() if point.door == door.id]:
        for person, one in _waiting(session, rules, point, door, now).items():
            if now - one.since >= limit:
                found[person] = (point.name, one)
    return found


def _waiting(session: Session, rules: Policy, point: AccessPoint, door: Door, now: datetime) -> dict[int, Begun]:
    """Return who waits for another factor on this side of the door."""
    since = now - 2 * timedelta(seconds=door.factor_timeout_s) - LATE
    heard = second_factors.story(session, door.id, since, rules.elsewhere(point))
    return begun((second_factors.heard_at(one), one.person_id, FACTORS.get(one.method), one.reason) for one in heard)


def of_scores(passage: Passage) -> frozenset[Doubt]:
    """Return the doubts that the scores of a face leave."""
    found = set()
    if passage.runner_up is not None and passage.threshold is not None and passage.score is not None:
        if passage.runner_up >= passage.threshold:
            found.add(Doubt.LOOK_ALIKE)
        if passage.score - passage.runner_up < 2 * (passage.margin or 0.0):
            found.add(Doubt.THIN_MARGIN)
    return frozenset(found)


def _doubts(session: Session, door: Door, passage: Passage, now: datetime) -> frozenset[Doubt]:
    """Return why this request may need more than one factor; only what the door asks about is looked up."""
    found = set(of_scores(passage))
    asks = Doubt.REPEATED_FAILURES in door.step_up
    if asks and second_factors.strangers(session, passage.camera, now - FAILURES_WITHIN) >= FAILURES:
        found.add(Doubt.REPEATED_FAILURES)
    asks = Doubt.UNPROVEN_WEIGHTS in door.step_up and passage.method is Method.FACE
    if asks and unproven.raised(session, passage.camera):
        found.add(Doubt.UNPROVEN_WEIGHTS)
    return frozenset(found)
