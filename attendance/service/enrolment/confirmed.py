"""Whether the request of a face was completed by the person's own PIN or badge.

In: a session, the rules of doors, the passage that a face left; or a time and a model.  Out: the passage that completed
it; the scores of faces that were confirmed.
Does not know: pictures, templates, thresholds.
Main choice: it is read from the log of the door, as the second factor itself is, after the door has moved.  For a
template a PIN counts only with its proof, which a PIN for duress never leaves.  For the site's own scores any PIN or
badge of the person is enough: they say how often people are refused, and never let anybody in.  Trade-off: a door that
is content with the face alone confirms nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Mark
from attendance.domain.access.rules.policy import Policy
from attendance.domain.passage import Method, Passage, waited
from attendance.domain.reason import Reason
from attendance.service.access.doors.judging import with_point
from attendance.store.access import policies, second_factors
from attendance.store.access.second_factors import Proof
from attendance.store.people import grown


class Logged(Protocol):
    """A line of the log of a door."""

    @property
    def person_id(self) -> int | None: ...

    @property
    def reason(self) -> Reason: ...


Line = TypeVar("Line", bound=Logged)


def completed(story: Iterable[Line]) -> Iterator[list[Line]]:
    """Return the requests at one side of a door that ended in a grant, each from its first factor to the grant.

    `story`: in order of time.  What ends a request is the same as in `rules.state.begun`.
    """
    waiting: dict[int, list[Line]] = {}
    for one in story:
        if one.reason is Reason.WRONG_FACTOR:
            waiting.clear()
        elif one.person_id is None:
            continue
        elif one.reason is Reason.FACTOR_TIMEOUT:
            waiting.pop(one.person_id, None)
        elif one.reason is Reason.MATCHED:
            yield [*waiting.pop(one.person_id, []), one]
        elif one.reason is Reason.SECOND_FACTOR:
            waiting.setdefault(one.person_id, []).append(one)


def confirmed_by(session: Session, rules: Policy, face: Passage) -> str | None:
    """Return the id of the passage that completed this face's request with the person's own PIN; None: none yet."""
    rules = with_point(rules, face.camera)
    point = rules.points.get(face.camera)
    door = None if point is None else rules.doors.get(point.door)
    if point is None or door is None or face.person_id is None:
        return None
    limit = timedelta(seconds=door.factor_timeout_s)
    since = second_factors.heard_at(face) - 2 * limit
    for request in completed(second_factors.story(session, door.id, since, rules.elsewhere(point))):
        if face.id in {part.id for part in request}:
            return request[-1].id if _proven(session, request, limit) else None
    return None


def confirmed_scores(session: Session, since: datetime, model_id: str) -> list[tuple[int, float]]:
    """Return (person, score) of each face since then that the person's own PIN or badge confirmed, one a request.

    The door asked this face for a second factor, and the same person's PIN or badge completed the request in time, on
    the same side of the door.  What was not completed, came late, was taken back or lay in doubt is nobody's score.
    """
    rules = policies.load_rules(session, UTC)  # no schedule is asked about
    limits = {number: timedelta(seconds=door.factor_timeout_s) for number, door in rules.doors.items()}
    before = max(limits.values(), default=timedelta(0))
    found = []
    for door, story in _by_side(rules, second_factors.proofs(session, since - before, model_id)):
        for *waiting, grant in completed(story):
            request = [one for one in waiting if grant.heard - one.heard < limits[door]]
            faces = [one for one in request if one.method is Method.FACE and one.model_id == model_id]
            typed = grant.method in (Method.PIN, Method.BADGE)  # a face that completes a request counts by itself
            if not faces or not typed or not all(one.plain for one in (*request, grant)):
                continue
            if faces[0].at >= since and faces[0].score is not None and grant.person_id is not None:
                found.append((grant.person_id, faces[0].score))
    return found


def _by_side(rules: Policy, proofs: Iterable[Proof]) -> list[tuple[int, list[Proof]]]:
    """Return what was proven on each side of each door; left out where the access point belongs to no door now."""
    sides: dict[tuple[int, int | None], list[Proof]] = {}
    for proof in proofs:
        point = with_point(rules, proof.camera).points.get(proof.camera)
        if point is not None and point.door == proof.door_id and point.door in rules.doors:
            sides.setdefault((point.door, point.area_to), []).append(proof)
    return [(door, story) for (door, _area), story in sides.items()]


def _proven(session: Session, request: list[Passage], limit: timedelta) -> bool:
    """Return whether a request, from its first factor to its grant, was proven by the person's own PIN."""
    first, last = second_factors.heard_at(request[0]), second_factors.heard_at(request[-1])
    pins = {one.id for one in request if one.method is Method.PIN}
    plain = not any(one.late or waited(one) or Mark.OFFLINE in one.marks.split("+") for one in request)
    person = request[-1].person_id
    if not pins or not plain or person is None or not last - first < limit:
        return False
    return grown.proven_by_pin(session, person, pins) == pins
