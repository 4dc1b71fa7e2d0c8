"""Judging a request by the rules of doors, in the transaction that commits it.

In: a session, a request that says who was identified at which access point.  Out: the domain's `Verdict`.
Does not know: how somebody was identified, drivers, pages.
Main choice: the rules are kept in memory and read again when their version has changed; what concerns the person, the
overrides and the present are read in the deciding transaction.  Only what the door's rules ask for is read.
Trade-off: one more small query for each kind of rule that a door uses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Mark, Request, Verdict, decide
from attendance.domain.access.rules.doors import AccessPoint, Antipassback, Area, Door
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.state import Place, State
from attendance.domain.passage import Passage
from attendance.domain.reason import Reason
from attendance.service.access.doors.second_factor import FACTORS
from attendance.store import settings
from attendance.store.access import policies, present


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the version of the rules that gave it."""

    verdict: Verdict
    version: int


def request_of(passage: Passage, clock_doubt: bool) -> Request:
    """Return what is asked of the rules by a request that says who was identified, and how."""
    matched = passage.granted
    factor = FACTORS.get(passage.method)
    return Request(
        point=passage.camera,
        identity=Reason.MATCHED if matched else passage.reason,
        person=passage.person_id,
        proven=frozenset({factor}) if matched and factor is not None else frozenset(),
        clock_doubt=clock_doubt,
    )


def judged_passage(passage: Passage, judged: Judged) -> Passage:
    """Return the passage as the rules judged it; a person who was identified stays named if a rule refused."""
    verdict = judged.verdict
    named = passage.person_id if verdict.granted or verdict.reason.by_rule else None
    return replace(
        passage,
        granted=verdict.granted,
        reason=verdict.reason,
        person_id=named,
        door_id=verdict.door,
        rule=verdict.rule,
        policy_version=judged.version,
        marks="+".join(sorted(verdict.marks)),
    )


def take_place(session: Session, rules: Policy, passage: Passage) -> None:
    """Move the person into the area behind the door, unless its contact shall show first that the passage was taken."""
    point = rules.points.get(passage.camera)
    door = None if passage.door_id is None else rules.doors.get(passage.door_id)
    if point is None or door is None or door.contact or passage.person_id is None or point.area_from == point.area_to:
        return
    _move(session, rules, point, passage, passage.at)


def note_phase(session: Session, rules: Policy, passage_id: str, taken: bool, at: datetime) -> bool:
    """Write what the door's contact showed after a grant, once; a passage that was taken moves the person.

    Return False if it was written before, or the passage is not known.
    """
    passage = present.set_phase(session, passage_id, "taken" if taken else "not_taken")
    if passage is None:
        return False
    point = rules.points.get(passage.camera)
    if taken and point is not None and passage.person_id is not None and point.area_from != point.area_to:
        _move(session, rules, point, passage, at)
    return True


def _move(session: Session, rules: Policy, point: AccessPoint, passage: Passage, at: datetime) -> None:
    """Move the person, and who waited for a second one: the two go in together."""
    assert passage.person_id is not None
    present.move(session, passage.person_id, point.area_to, at, passage.id)
    door = rules.doors.get(point.door)
    if door is None or Mark.SECOND_OF_TWO.value not in passage.marks.split("+"):
        return
    since = passage.at - timedelta(seconds=door.two_person_s)
    first = present.first_of_two(session, passage, since, rules.elsewhere(point))
    if first is not None:
        present.move(session, first, point.area_to, at, passage.id)


class DoorRules:
    """The rules of a site for one access point's program.  For several threads at once."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._rules: Policy | None = None

    def rules(self, session: Session) -> Policy:
        """Return the rules as the database has them, without grants and people."""
        kept, version = self._rules, policies.version(session)
        if kept is None or kept.version != version:
            kept = self._rules = policies.load_rules(session, self._zone)
        return kept

    def point(self, session: Session, name: str) -> AccessPoint | None:
        """Return the access point of a camera or tablet as it is written down; None if it has none."""
        return self.rules(session).points.get(name)

    def judge(self, session: Session, request: Request, now: datetime) -> Judged:
        """Return the verdict on a request at a door."""
        rules = with_point(self.rules(session), request.point)
        policy = policies.for_person(session, rules, request.person)
        return Judged(decide(policy, state_for(session, policy, request, now), request, now), policy.version)


def with_point(rules: Policy, name: str) -> Policy:
    """Return the rules with this access point: while the site has one door, a camera without a point belongs to it.

    Unless a side of the door says what people prove there: a camera that nobody set up would ask for less.
    """
    if name in rules.points or len(rules.doors) != 1 or any(point.factors for point in rules.points.values()):
        return rules
    [door] = rules.doors
    return replace(rules, points={**rules.points, name: AccessPoint(0, name, door)})


def in_turn(session: Session, policy: Policy, name: str) -> None:
    """Wait for other requests where what one decides is a fact for the next: an interlock, the count of an area."""
    point = policy.points.get(name)
    door = None if point is None else policy.doors.get(point.door)
    area = None if point is None or point.area_to is None else policy.areas.get(point.area_to)
    if door is not None and (door.interlock_group or _may_refuse(area)):
        settings.alone(session, "doors in turn")


def _may_refuse(area: Area | None) -> bool:
    """Return whether an area refuses people for who is in it."""
    return area is not None and (area.occupancy_max is not None or area.antipassback is Antipassback.HARD)


def state_for(session: Session, policy: Policy, request: Request, now: datetime) -> State:
    """Return the part of the present that the rules of this request's door ask for."""
    point = policy.points.get(request.point)
    door = None if point is None else policy.doors.get(point.door)
    if point is None or door is None:
        return State()
    of_door = _of_door(session, policy, door, point, now)
    return of_door if point.area_to is None else _with_areas(session, policy, of_door, request, point, now)


def _with_areas(
    session: Session, policy: Policy, state: State, request: Request, point: AccessPoint, now: datetime
) -> State:
    """Add where the person is and how many are in each area.

    Who was granted at a door whose contact shows nothing yet counts as inside until it does or the door locks again:
    else two people would get the last place, or one person two doors.  At the door of that grant the person may ask
    again.
    """
    places, occupancy = present.place_of(session, request.person), present.occupancy(session)
    if not _may_refuse(policy.areas.get(point.area_to or 0)):
        return replace(state, places=places, occupancy=occupancy)
    for person, one in present.underway(session, policy, now).items():
        if person == request.person:
            if one.door != point.door:
                places = {person: Place(one.area, one.at)}
            continue
        place = present.place_of(session, person).get(person)
        if one.area in occupancy and (place is None or place.area != one.area):
            occupancy[one.area] += 1
    return replace(state, places=places, occupancy=occupancy)


def _of_door(session: Session, policy: Policy, door: Door, point: AccessPoint, now: datetime) -> State:
    since, outwards = now - timedelta(days=2), policy.outwards(door)
    return State(
        doors=present.door_states(session, policy, now) if door.interlock_group else {},
        first_in={}
        if door.first_level is None
        else present.newest_passage(session, door.id, since, now, door.first_level, outwards),
        passed={}
        if door.unlock_schedule is None
        else present.newest_passage(session, door.id, since, now, outwards=outwards),
        waiting={}
        if not door.two_person_s
        else present.waiting(session, door.id, now - timedelta(seconds=door.two_person_s), policy.elsewhere(point)),
    )
