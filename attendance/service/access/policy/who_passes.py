"""Who can pass at an access point at a time, and why: the rules in force asked about everybody.

In: a session, the site's zone, an access point, an instant.  Out: an `Answer` for each person.
Does not know: pages, words.
Main choice: the same `decide` that judges at the door is asked, with each person proving everything that they may.
What only the moment shows is assumed to be in order: other doors of an interlock are closed, areas are empty, and
somebody in charge has come.  Nobody waits as the second person, so that a door for two says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Request, Verdict, decide
from attendance.domain.access.rules.doors import Door
from attendance.domain.access.rules.factors import ANY_ONE, Factor, FactorSet
from attendance.domain.access.rules.levels import Grant, Right, holding
from attendance.domain.access.rules.people import PersonState, agrees
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.proofs import in_force
from attendance.domain.access.rules.state import DoorState, Physical, State
from attendance.domain.people.names import sort_key
from attendance.domain.reason import Reason
from attendance.store.access import policies
from attendance.store.tables.people import Person


@dataclass(frozen=True, slots=True)
class Answer:
    """One person.  `right`: by which the person passes; `next_at`: when a right opens next, if time refuses."""

    person: int
    name: str
    department: str
    verdict: Verdict
    right: Right | None = None
    next_at: datetime | None = None


def who_passes(session: Session, zone: tzinfo, point: str, at: datetime) -> list[Answer]:
    """Return everybody on record who is active, those who pass first, by name."""
    policy = policies.for_everybody(session, policies.load_rules(session, zone))
    people = session.execute(select(Person.id, Person.name, Person.department).where(Person.active)).all()
    asker = Asker(policy)
    answers = [_answer(asker, point, at, person, name, department or "") for person, name, department in people]
    return sorted(answers, key=lambda one: (not one.verdict.granted, sort_key(one.name), one.person))


def _answer(asker: Asker, point: str, at: datetime, person: int, name: str, department: str) -> Answer:
    verdict = asker.ask(point, person, at)
    door = None if verdict.door is None else asker.policy.doors[verdict.door]
    state = asker.policy.people.get(person)
    if door is None or state is None:
        return Answer(person, name, department, verdict)
    policy = asker.of(state)
    rights = policy.rights_at(state, door)
    right = holding(rights, at, policy.zone, clock_doubt=False)
    if isinstance(right, Right):
        return Answer(person, name, department, verdict, right)
    begun = [one for one in rights if one.grant.begun(at) and not one.grant.over(at)]
    opens = [one.schedule.next_opening(at, policy.zone) for one in begun]
    soonest = min((when for when in opens if when is not None), default=None)
    return Answer(
        person, name, department, verdict, None, soonest if verdict.reason is Reason.OUTSIDE_SCHEDULE else None
    )


def accepted_factors(policy: Policy, point: str, at: datetime) -> tuple[FactorSet, ...]:
    """Return the sets of factors that the point accepts at this time, of which one is enough."""
    there = policy.points.get(point)
    if there is None or not there.factors:
        return ANY_ONE
    return next((rule.sets for rule in in_force(policy, there, at)), ())


class Asker:
    """Asks one policy about many people: each with their own grants only, which is what a decision reads."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._of_person = _grouped((grant.person, grant) for grant in policy.grants if grant.person is not None)
        self._of_department = _grouped((grant.department, grant) for grant in policy.grants if grant.department)

    def of(self, person: PersonState) -> Policy:
        """Return the policy with the grants of this person."""
        grants = (*self._of_person.get(person.id, ()), *self._of_department.get(person.department, ()))
        return replace(self.policy, grants=grants)

    def ask(self, point: str, person: int, at: datetime, proven: FactorSet = frozenset(Factor)) -> Verdict:
        """Judge this person, who proves `proven`; a face proves nothing without the person's consent."""
        state = self.policy.people.get(person)
        there = self.policy.points.get(point)
        if state is not None and there is not None and not agrees(state, there.face_is_for):
            proven -= {Factor.FACE}
        policy = self.policy if state is None else self.of(state)
        request = Request(point, Reason.MATCHED, person, proven, challenged=True)  # as if it was answered
        return decide(policy, in_order(self.policy.doors, policy, at), request, at)


def in_order(doors: Mapping[int, Door], policy: Policy, at: datetime) -> State:
    """Return a state in which nothing of the moment refuses."""
    return State(
        doors={door: DoorState(Physical.CLOSED, online=True) for door in doors},
        occupancy=dict.fromkeys(policy.areas, 0),
        first_in=dict.fromkeys(doors, at),
    )


def _grouped(pairs: Iterator[tuple[int, Grant]] | Iterator[tuple[str, Grant]]) -> dict[int | str, list[Grant]]:
    found: dict[int | str, list[Grant]] = {}
    for key, grant in pairs:
        found.setdefault(key, []).append(grant)
    return found
