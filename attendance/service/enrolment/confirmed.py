"""Whether the request of a face was completed by the person's own PIN.

In: a session, the rules of doors, the passage that a face left.  Out: the passage that completed it.
Does not know: pictures, templates.
Main choice: it is read from the log of the door, as the second factor itself is, after the door has moved.  A PIN
counts only with its proof, which a PIN for duress never leaves.  Trade-off: a door that is content with the face alone
confirms nothing.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Mark
from attendance.domain.access.rules.policy import Policy
from attendance.domain.passage import Method, Passage, waited
from attendance.domain.reason import Reason
from attendance.service.access.doors.judging import with_point
from attendance.store.access import second_factors
from attendance.store.people import grown


def confirmed_by(session: Session, rules: Policy, face: Passage) -> str | None:
    """Return the id of the passage that completed this face's request with the person's own PIN; None: none yet."""
    rules = with_point(rules, face.camera)
    point = rules.points.get(face.camera)
    door = None if point is None else rules.doors.get(point.door)
    if point is None or door is None or face.person_id is None:
        return None
    limit = timedelta(seconds=door.factor_timeout_s)
    since = second_factors.heard_at(face) - 2 * limit
    request: list[Passage] = []
    for one in second_factors.story(session, door.id, since, rules.elsewhere(point)):
        if one.reason is Reason.WRONG_FACTOR or (
            one.reason is Reason.FACTOR_TIMEOUT and one.person_id == face.person_id
        ):
            request = []
        elif one.person_id == face.person_id:
            request.append(one)
            if one.granted and face.id in {part.id for part in request}:
                return one.id if _proven(session, request, limit) else None
            if one.granted:
                request = []
    return None


def _proven(session: Session, request: list[Passage], limit: timedelta) -> bool:
    """Return whether a request, from its first factor to its grant, was proven by the person's own PIN."""
    first, last = second_factors.heard_at(request[0]), second_factors.heard_at(request[-1])
    pins = {one.id for one in request if one.method is Method.PIN}
    plain = not any(one.late or waited(one) or Mark.OFFLINE in one.marks.split("+") for one in request)
    person = request[-1].person_id
    if not pins or not plain or person is None or not last - first < limit:
        return False
    return grown.proven_by_pin(session, person, pins) == pins
