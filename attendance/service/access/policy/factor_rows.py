"""What people prove at a door, as operators choose it: proofs of an access point, doubts that ask for one more.

In: a session, the site's zone, checked values.  Out: changed rows, or UserError where nobody could ever prove that.
Does not know: pages, how a factor is proven.
Main choice: what could never be given is refused before it is stored, since it would refuse everybody at the door.
Only devices on the same side of the door count, as for the second factor itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo

from sqlalchemy.orm import Session

from attendance.domain.access.rules.factors import ANY_ONE, ANY_TWO, Doubt, Factor, FactorRule, FactorSet, needed
from attendance.errors import UserError
from attendance.service.access.policy import door_rows, proof_places
from attendance.service.access.policy.overview import get_door
from attendance.store.access import policies

SETS: tuple[FactorSet, ...] = ANY_ONE + ANY_TWO
# The doubts that a door's list decides.  An odd hour comes of the door's usual hours, liveness of the camera's setting.
DOUBTS = (Doubt.LOOK_ALIKE, Doubt.THIN_MARGIN, Doubt.REPEATED_FAILURES, Doubt.UNPROVEN_WEIGHTS)


def save_point(
    session: Session, zone: tzinfo, door: int, name: str, rules: Sequence[FactorRule], at: datetime
) -> None:  # fmt: skip
    """Store what this point of the door asks for; any one proof is stored as no rule.

    `rules`: in order, the first that holds counts.  UserError for a point elsewhere, a schedule that is not there, a
    set that can never be given at this side of the door, and a rule of which no set can.
    """
    policy = policies.load_rules(session, zone)
    point = policy.points.get(name)
    if point is None or point.door != door:
        raise UserError("this access point is not at this door any more: reload the page")
    can = proof_places.proofs(policy, point, *proof_places.tablets_and_devices(session))
    for rule in rules:
        if rule.schedule is not None and rule.schedule not in policy.schedules:
            raise UserError("this schedule is not there any more")
        if not any(one <= can for one in rule.sets):
            raise UserError(
                "at %(name)s nobody could prove this: no camera, tablet or reader on this side of the door takes it",
                name=name,
            )
        if not all(one <= can for one in rule.sets if len(one) > 1):
            raise _no_second(name)
        if rule.challenge:
            _require_other_way(rule, can)
    anything = len(rules) == 1 and rules[0] == FactorRule(rules[0].sets) and set(rules[0].sets) == set(ANY_ONE)
    stored = [
        {
            "sets": [sorted(str(factor) for factor in one) for one in rule.sets],
            "schedule": rule.schedule,
            "challenge": rule.challenge,
        }
        for rule in rules
    ]
    door_rows.change_point(session, name, {"factors": [] if anything else stored}, at)


def save_purposes(session: Session, zone: tzinfo, door: int, name: str, purposes: str, at: datetime) -> None:
    """Store what a passage at this point of the door is for; UserError for a point elsewhere or unknown purposes."""
    point = policies.load_rules(session, zone).points.get(name)
    if point is None or point.door != door:
        raise UserError("this access point is not at this door any more: reload the page")
    door_rows.change_point(session, name, {"purposes": purposes}, at)


def save_doubts(session: Session, zone: tzinfo, door: int, doubts: Collection[Doubt], at: datetime) -> None:
    """Store the doubts that ask for one more proof; those that no page offers stay.  UserError if nobody could."""
    row = get_door(session, door)
    if row is None:
        raise UserError("this door is not there any more")
    if doubts:
        require_second(session, zone, door)
    kept = [word for word in row.step_up if word not in {str(one) for one in DOUBTS}]
    door_rows.change(session, door, row.name, {door_rows.DOUBTS: [*kept, *sorted(str(one) for one in doubts)]}, at)


def require_second(session: Session, zone: tzinfo, door: int) -> None:
    """Raise UserError if at some side of the door nobody could give a second proof after the first."""
    policy, devices = policies.load_rules(session, zone), proof_places.tablets_and_devices(session)
    points = [one for one in policy.points.values() if one.door == door and one.enabled]
    if not points:
        raise UserError("no camera or tablet leads to this door: move one here first")
    for point in points:
        can = proof_places.proofs(policy, point, *devices)
        for rule in point.factors or (FactorRule(ANY_ONE),):
            if not any(one <= can for one in needed(rule.sets, True)):
                raise _no_second(point.name)


def _require_other_way(rule: FactorRule, can: FactorSet) -> None:
    """Raise UserError if who cannot move as asked has no way of equal rank: as many factors, without a face.

    `can`: what can be proven on this side of the door; a way that nobody there could take is not counted.
    """
    with_face = [len(one) for one in rule.sets if Factor.FACE in one]
    without = [len(one) for one in rule.sets if Factor.FACE not in one and one <= can]
    if not with_face:
        raise UserError("only a face can be asked to move: tick a proof with the face, or do not ask")
    if not any(number >= min(with_face) for number in without):
        raise UserError(
            "some people cannot turn their head: tick another way of equal rank, such as PIN or badge beside the face,"
            " or badge and PIN beside face and PIN, that a tablet or reader on this side of the door takes"
        )


def _no_second(name: str) -> UserError:
    return UserError(
        "at %(name)s nobody could give the second proof: no tablet or reader on this side of the door takes it."
        " Move one here first",
        name=name,
    )
