"""Questions about the rules: who can pass where and when, and why; what other rules would have done; who is inside.

In: a session, the site's zone, a person, a door, an instant; an edited `Policy`.  Out: answers for pages.
Does not know: pages; whether an edited policy is ever saved.
Main choice: the same `decide` as at the door answers, with the same rules.  Trade-off: the past is decided again by
rights, times, factors and holds only.  Where people were, which doors stood open and who waited then is not replayed,
so anti-passback, occupancy, interlock and company are left out of «what would change».
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Request, Verdict, decide
from attendance.domain.access.rules.doors import AccessPoint, Antipassback, Door
from attendance.domain.access.rules.factors import Factor, FactorSet
from attendance.domain.access.rules.levels import Right, holding
from attendance.domain.access.rules.people import PersonState
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.posture import Hold, posture
from attendance.domain.access.rules.state import DoorState, Physical, State
from attendance.domain.passage import Passage
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.doors.judging import request_of, state_for
from attendance.service.access.reason_texts import reason_advice, reason_words
from attendance.store.access import events, policies, present

REPLAYED = timedelta(days=30)
_AT_ONCE = 500
# What the door saw of a person: a verdict of the rules may have hidden that somebody was identified.
_REPLAYABLE = frozenset(reason for reason in Reason if reason.by_rule) | {Reason.MATCHED}


@dataclass(frozen=True, slots=True)
class Line:
    """One of a person's rights at a door.  `holds`: then; `opens`: when its schedule begins next, else None."""

    right: Right
    holds: bool
    opens: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a person can pass a door at an instant, by each set of factors, and why.

    `verdicts`: with each single factor and with all; `words`, `advice`: of the best one's reason.  `lines`: every
    right at this door.  `hold`: how the door is held then.
    """

    person: int
    door: Door
    at: datetime
    best: Verdict
    verdicts: Mapping[FactorSet, Verdict]
    lines: tuple[Line, ...]
    hold: Hold

    @property
    def words(self) -> str:
        return reason_words(self.best.reason)

    @property
    def advice(self) -> str:
        return reason_advice(self.best.reason)


@dataclass(frozen=True, slots=True)
class Change:
    """A past request that other rules would have decided otherwise."""

    passage: Passage
    before: Reason
    after: Reason

    @property
    def now_granted(self) -> bool:
        return self.after is Reason.MATCHED


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What other rules would have done with the past.  `looked`: how many requests; `changes`: the newest first."""

    looked: int
    changes: tuple[Change, ...]

    @property
    def granted(self) -> int:
        """Count the refusals that would have been let in."""
        return sum(change.now_granted for change in self.changes)

    @property
    def refused(self) -> int:
        """Count those let in who would have been refused."""
        return sum(change.before is Reason.MATCHED for change in self.changes)


@dataclass(frozen=True, slots=True)
class Inside:
    """One row of the list of people inside.  `since`: of the passage in."""

    person: int
    name: str
    area: str
    since: datetime


def explain_access(session: Session, zone: tzinfo, person_id: int, door_id: int, at: datetime) -> Answer:
    """Return whether this person can pass this door at `at` (aware), by which right, or why not.

    Where the person is and which doors stand open is taken as it is now.  UserError if person or door is gone.
    """
    rules = policies.load_rules(session, zone)
    door = rules.doors.get(door_id)
    if door is None:
        raise UserError("this door is gone: somebody may have deleted it meanwhile")
    point = point_into(rules, door)
    rules = replace(rules, points={**rules.points, point.name: point})
    policy = policies.for_person(session, rules, person_id)
    person = policy.people.get(person_id)
    if person is None:
        raise UserError("this person is gone: it may have been erased meanwhile")
    request = Request(point.name, Reason.MATCHED, person_id)
    state = state_for(session, policy, request, at)
    verdicts = {
        proven: decide(policy, state, replace(request, proven=proven), at)
        for proven in (*(frozenset({factor}) for factor in Factor), frozenset(Factor))
    }
    best = max(verdicts.values(), key=lambda verdict: (verdict.outcome.value != "deny", verdict.granted))
    return Answer(
        person_id, door, at, best, verdicts, tuple(_lines(policy, person, door, at)), posture(policy, state, door, at)
    )


def who_can_pass(session: Session, zone: tzinfo, door_id: int, at: datetime) -> dict[int, Right | Reason]:
    """Return for everybody on record the right by which the person passes this door at `at`, or why not.

    By rights and times alone; how the door is held is the same for all (`explain_access`).
    """
    policy = policies.for_everybody(session, policies.load_rules(session, zone))
    door = policy.doors.get(door_id)
    if door is None:
        raise UserError("this door is gone: somebody may have deleted it meanwhile")
    return {
        person.id: holding(policy.rights_at(person, door), at, zone, clock_doubt=False)
        if person.enabled
        else Reason.NOT_ACTIVE
        for person in policy.people.values()
    }


def rules_now(session: Session, zone: tzinfo) -> Policy:
    """Return all rules with every grant and person: what `what_if` takes, once it was edited."""
    return policies.for_everybody(session, policies.load_rules(session, zone))


def what_if(session: Session, edited: Policy, now: datetime, days: timedelta = REPLAYED) -> WhatIf:
    """Decide the requests of the last days again, under the rules in force and under `edited`.

    Both are asked, so that a difference is one between rules and not one of the past.
    """
    before = rules_now(session, edited.zone)
    looked, changes = 0, []
    for passage in _requests(session, now - days, now):
        if passage.person_id not in before.people:
            continue
        looked += 1
        first, second = (_again(policy, passage) for policy in (before, edited))
        if (first is Reason.MATCHED) is not (second is Reason.MATCHED):
            changes.append(Change(passage, first, second))
    return WhatIf(looked, tuple(changes))


def people_inside(session: Session) -> list[Inside]:
    """Return who is in which area, by the last passage that was taken, sorted by area and name."""
    return [Inside(place.person_id, name, area, place.since) for place, name, area in present.inside(session)]


def point_into(rules: Policy, door: Door) -> AccessPoint:
    """Return the access point that leads in: one with an area behind it, else the first; one without areas if none."""
    points = sorted((p for p in rules.points.values() if p.door == door.id and p.enabled), key=lambda point: point.id)
    inward = [point for point in points if point.area_to is not None]
    return next(iter(inward or points), AccessPoint(0, f"door {door.id}", door.id))


def _lines(policy: Policy, person: PersonState, door: Door, at: datetime) -> Iterator[Line]:
    for right in policy.rights_at(person, door):
        holds = isinstance(holding([right], at, policy.zone, clock_doubt=False), Right)
        yield Line(right, holds, None if holds else right.schedule.next_opening(at, policy.zone))


def _requests(session: Session, since: datetime, until: datetime) -> Iterator[Passage]:
    """Yield the requests at doors in which somebody was identified, the newest first."""
    before: str | None = None
    while True:
        views = events.list_passages(session, since=since, until=until, limit=_AT_ONCE, before_id=before)
        for view in views:
            passage = view.passage
            if passage.door_id is not None and passage.person_id is not None and passage.reason in _REPLAYABLE:
                yield passage
        if len(views) < _AT_ONCE:
            return
        before = views[-1].passage.id


def _again(policy: Policy, passage: Passage) -> Reason:
    """Decide a past request by rights, times, factors and holds."""
    request = replace(request_of(passage, passage.clock_doubt), identity=Reason.MATCHED, person=passage.person_id)
    asked = replace(request, proven=request_of(replace(passage, granted=True, reason=Reason.MATCHED), False).proven)
    points = dict(policy.points)
    if passage.camera not in points and passage.door_id is not None:
        points[passage.camera] = AccessPoint(0, passage.camera, passage.door_id)
    doors = {n: replace(door, interlock_group="", first_level=None, two_person_s=0) for n, door in policy.doors.items()}
    areas = {n: replace(area, antipassback=Antipassback.OFF, occupancy_max=None) for n, area in policy.areas.items()}
    closed = {n: DoorState(Physical.CLOSED, online=True) for n in doors}
    past = replace(policy, points=points, doors=doors, areas=areas, overrides=())
    return decide(past, State(doors=closed), asked, passage.at).reason
