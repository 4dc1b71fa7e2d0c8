"""The decision: may this person pass here, now?

In: a `Policy`, a `State`, a `Request`, an instant.  Out: a `Verdict`.
Does not know: the clock, the database, networks, the door's driver.
Main choice: thirteen questions in a fixed order, and the first that refuses speaks.  How the door is held comes before
who asks, so that a door in lockdown tells a stranger nothing.  Whatever is not known refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from attendance.domain.access.rules.doors import AccessPoint, Antipassback, Area, Door, Mode
from attendance.domain.access.rules.factors import ANY_ONE, Doubt, Factor, FactorSet, missing, needed
from attendance.domain.access.rules.levels import Right, holding
from attendance.domain.access.rules.people import Exemption, PersonState, refusal
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.posture import Hold, posture
from attendance.domain.access.rules.proofs import asks_challenge, in_force
from attendance.domain.access.rules.state import DoorState, State, second_of_two
from attendance.domain.reason import Reason


class Outcome(StrEnum):
    GRANT = "grant"
    STEP_UP = "step_up"
    DENY = "deny"


class Mark(StrEnum):
    """What is noted beside a verdict."""

    DURESS = "duress"
    EXTENDED = "extended"
    PASSBACK = "passback"
    HELD_OPEN = "held_open"
    EXEMPT = "exempt"
    SECOND_OF_TWO = "second_of_two"
    OFFLINE = "offline"


class Rule(StrEnum):
    """The question that refused."""

    POINT = "1 point"
    POLICY_AGE = "2 age of the rules"
    LOCKDOWN = "3 lockdown"
    HELD = "4 lock or block"
    INTERLOCK = "5 interlock"
    IDENTITY = "6 identity"
    PERSON = "7 person"
    RIGHT = "8 right"
    SCHEDULE = "9 schedule"
    FACTOR = "10 factor"
    COMPANY = "11 first or second person"
    PASSBACK = "12 anti-passback"
    OCCUPANCY = "13 occupancy"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks at an access point.

    `identity`: MATCHED with a person, else why nobody was identified.  `proven`: the factors of this person.
    `wrong`: why the second factor is not accepted.  `asked_at`: when the second factor was asked for.  `doubts`: why
    one factor may not be enough.  `duress`: the PIN was the one for duress.  `clock_doubt`: the clock is implausible.
    `liveness_asks`: the camera's setting for liveness asks for a second factor, whatever the door's list says.
    `challenged`: the face among `proven` is that of a person who moved as asked.
    """

    point: str
    identity: Reason
    person: int | None = None
    proven: FactorSet = frozenset()
    wrong: Reason | None = None
    asked_at: datetime | None = None
    doubts: frozenset[Doubt] = frozenset()
    duress: bool = False
    clock_doubt: bool = False
    liveness_asks: bool = False
    challenged: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`seconds`: of a grant, how long the door is released; of a step-up, how long is waited.

    `rule`: the question that refused, or the right that lets pass.  `missing`: sets of factors of which one completes
    a step-up.  `door` is None if the point is unknown.
    """

    outcome: Outcome
    reason: Reason
    rule: str
    seconds: float = 0.0
    marks: frozenset[Mark] = frozenset()
    missing: tuple[FactorSet, ...] = ()
    door: int | None = None

    @property
    def granted(self) -> bool:
        return self.outcome is Outcome.GRANT


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with what the first questions found out.  `person` is None unless identified and known.

    `exempt`: the door is locked for others; `hold` is how it is held for this person.
    """

    policy: Policy
    state: State
    request: Request
    now: datetime
    point: AccessPoint
    door: Door
    hold: Hold
    person: PersonState | None
    exempt: bool

    def has(self, exemption: Exemption) -> bool:
        return self.person is not None and exemption in self.person.exemptions


def decide(policy: Policy, state: State, request: Request, now: datetime) -> Verdict:
    """Return the verdict on one request.  `now`: aware.

    Any fact that is missing refuses.  The order of grants, levels and overrides is irrelevant.
    """
    point = policy.points.get(request.point)
    door = None if point is None else policy.doors.get(point.door)
    if point is None or door is None or not point.enabled or not door.enabled:
        return _denied(Reason.UNKNOWN_POINT, Rule.POINT, request)
    person = None
    if request.identity is Reason.MATCHED and request.person is not None:
        person = policy.people.get(request.person)
    hold = posture(policy, state, door, now, request.clock_doubt)
    exempt = hold.mode.closed and person is not None and Exemption.LOCKDOWN in person.exemptions
    if exempt:
        hold = posture(policy, state, door, now, request.clock_doubt, exempt=True)
    asked = _Asked(policy, state, request, now, point, door, hold, person, exempt)
    refused = next((verdict for ask in _QUESTIONS if (verdict := ask(asked)) is not None), None)
    verdict = refused or _granted(asked)
    offline = frozenset({Mark.OFFLINE}) if policy.snapshot else frozenset()
    return replace(verdict, door=door.id, marks=verdict.marks | offline)


def _policy_age(asked: _Asked) -> Verdict | None:
    if asked.policy.stale(asked.now):
        return _denied(Reason.STALE_POLICY, Rule.POLICY_AGE, asked.request)
    return None


def _held(asked: _Asked) -> Verdict | None:
    mode = asked.hold.mode
    if not mode.closed:
        return None
    if mode is Mode.LOCKDOWN:
        return _denied(Reason.LOCKDOWN, Rule.LOCKDOWN, asked.request)
    reason = Reason.DOOR_BLOCKED if mode is Mode.BLOCK else Reason.DOOR_LOCKED
    return _denied(reason, Rule.HELD, asked.request)


def is_interlocked(policy: Policy, state: State, door: Door, now: datetime) -> bool:
    """Return whether another door of this one's interlock is not known to be closed."""
    others = [one for one in policy.doors.values() if one.interlock_group == door.interlock_group and one != door]
    unknown = DoorState()
    return bool(door.interlock_group) and not all(state.doors.get(one.id, unknown).closed(now) for one in others)


def _interlock(asked: _Asked) -> Verdict | None:
    if is_interlocked(asked.policy, asked.state, asked.door, asked.now):
        return _denied(Reason.INTERLOCK, Rule.INTERLOCK, asked.request)
    return None


def _identity(asked: _Asked) -> Verdict | None:
    if asked.request.identity is not Reason.MATCHED:
        return _denied(asked.request.identity, Rule.IDENTITY, asked.request)
    if asked.person is None:
        return _denied(Reason.UNKNOWN, Rule.IDENTITY, asked.request)
    return None


def _person(asked: _Asked) -> Verdict | None:
    assert asked.person is not None
    reason = refusal(asked.person, asked.request.proven, asked.now, asked.request.clock_doubt, asked.point.face_is_for)
    return None if reason is None else _denied(reason, Rule.PERSON, asked.request)


def _right(asked: _Asked) -> Verdict | None:
    found = _right_of(asked)
    if isinstance(found, Right):
        return None
    rule = Rule.SCHEDULE if found in (Reason.OUTSIDE_SCHEDULE, Reason.CLOCK_DOUBT) else Rule.RIGHT
    return _denied(found, rule, asked.request)


def _factors(asked: _Asked) -> Verdict | None:
    request, door = asked.request, asked.door
    if Factor.FACE in request.proven and not request.challenged and _asks_challenge(asked):
        # In doubt the camera did not even ask this face to move: then that doubt is the reason.
        reason = Reason.LIVENESS_STEP_UP if request.liveness_asks else Reason.CHALLENGE_FAILED
        return _denied(reason, Rule.FACTOR, request)
    lacking = _missing_factors(asked)
    if request.wrong is not None:
        return _denied(request.wrong, Rule.FACTOR, request)
    if lacking == ():
        return None
    if lacking is None:
        return _denied(Reason.FACTOR_NOT_ACCEPTED, Rule.FACTOR, request)
    limit = timedelta(seconds=door.factor_timeout_s)
    left = limit if request.asked_at is None else limit - abs(asked.now - request.asked_at)
    if left <= timedelta(0):
        return _denied(Reason.FACTOR_TIMEOUT, Rule.FACTOR, request)
    step = Verdict(Outcome.STEP_UP, Reason.SECOND_FACTOR, Rule.FACTOR.value, left.total_seconds(), missing=lacking)
    return replace(step, marks=_duress(request))


def _company(asked: _Asked) -> Verdict | None:
    """Refuse before the first person of the day came, and alone where two are needed."""
    assert asked.person is not None
    door, state, now, person = asked.door, asked.state, asked.now, asked.person
    if door.first_level is not None and not _is_first(asked):
        came = state.first_in.get(door.id)
        zone = asked.policy.zone
        today = came is not None and came <= now and came.astimezone(zone).date() == now.astimezone(zone).date()
        if not today or asked.request.clock_doubt:
            return _denied(Reason.FIRST_PERSON, Rule.COMPANY, asked.request)
    if door.two_person_s and not asked.has(Exemption.TWO_PERSON):
        within = timedelta(seconds=door.two_person_s)
        if not second_of_two(state.waiting.get(door.id), person.id, now, within):
            wait = Verdict(Outcome.STEP_UP, Reason.SECOND_PERSON, Rule.COMPANY.value, float(door.two_person_s))
            # Who waits goes in with the second: what would refuse the one alone must refuse here.
            return _antipassback(asked) or _occupancy(asked) or replace(wait, marks=_duress(asked.request))
    return None


def _antipassback(asked: _Asked) -> Verdict | None:
    area = _area_to(asked)
    if area is None:
        return _unknown_area(asked, Rule.PASSBACK)
    if area.antipassback is not Antipassback.HARD or asked.has(Exemption.ANTIPASSBACK):
        return None
    # Where somebody is changes with every passage, so a snapshot cannot know it.
    if asked.policy.snapshot or entered_before(asked):
        return _denied(Reason.PASSBACK, Rule.PASSBACK, asked.request)
    return None


def _occupancy(asked: _Asked) -> Verdict | None:
    assert asked.person is not None
    area = _area_to(asked)
    if area is None or area.occupancy_max is None:
        return None
    place = asked.state.places.get(asked.person.id)
    inside = place is not None and place.area == area.id
    count = asked.state.occupancy.get(area.id)
    two = asked.door.two_person_s and not asked.has(Exemption.TWO_PERSON)
    room = count is not None and count + (1 if two else 0) < area.occupancy_max
    if not asked.policy.snapshot and (inside or room):
        return None
    return _denied(Reason.AREA_FULL, Rule.OCCUPANCY, asked.request)


_QUESTIONS: tuple[Callable[[_Asked], Verdict | None], ...] = (
    _policy_age,
    _held,
    _interlock,
    _identity,
    _person,
    _right,
    _factors,
    _company,
    _antipassback,
    _occupancy,
)


def _granted(asked: _Asked) -> Verdict:
    assert asked.person is not None
    right, door = _right_of(asked), asked.door
    assert isinstance(right, Right)
    marks = set(_duress(asked.request))
    if asked.person.extended:
        marks.add(Mark.EXTENDED)
    if asked.hold.mode is Mode.UNLOCK:
        marks.add(Mark.HELD_OPEN)
    if asked.exempt:
        marks.add(Mark.EXEMPT)
    area = _area_to(asked)
    if area is not None and area.antipassback is not Antipassback.OFF and entered_before(asked):
        marks.add(Mark.PASSBACK)
    if door.two_person_s and not asked.has(Exemption.TWO_PERSON):
        marks.add(Mark.SECOND_OF_TWO)
    seconds = door.extended_release_s if asked.person.extended else door.release_s
    return Verdict(Outcome.GRANT, Reason.MATCHED, right.rule, seconds, frozenset(marks))


def entered_before(asked: _Asked) -> bool:
    """Return whether the person is already in the area behind this point, by a passage that still counts."""
    assert asked.person is not None
    area, place = _area_to(asked), asked.state.places.get(asked.person.id)
    if area is None or place is None or place.area != area.id:
        return False
    if asked.request.clock_doubt:
        return True
    if area.reset_min is not None and asked.now - place.since >= timedelta(minutes=area.reset_min):
        return False
    if area.reset_at is not None:
        return place.since >= _newest_reset(asked.now, area.reset_at, asked.policy)
    return True


def _newest_reset(now: datetime, minute: int, policy: Policy) -> datetime:
    # Compared as instants: on the night of a change of the clock, local times of one zone say nothing about the order.
    today, at = now.astimezone(policy.zone).date(), time(minute // 60, minute % 60)
    newest = datetime.combine(today, at, policy.zone).astimezone(UTC)
    return newest if newest <= now else datetime.combine(today - timedelta(days=1), at, policy.zone).astimezone(UTC)


def _area_to(asked: _Asked) -> Area | None:
    return None if asked.point.area_to is None else asked.policy.areas.get(asked.point.area_to)


def _unknown_area(asked: _Asked, rule: Rule) -> Verdict | None:
    """Refuse at a point that leads into an area which the policy does not hold."""
    if asked.point.area_to is None:
        return None
    return _denied(Reason.UNKNOWN_POINT, rule, asked.request)


def _right_of(asked: _Asked) -> Right | Reason:
    assert asked.person is not None
    found = asked.policy.rights_at(asked.person, asked.door)
    return holding(found, asked.now, asked.policy.zone, asked.request.clock_doubt)


def _is_first(asked: _Asked) -> bool:
    """Return whether the person holds the level of those who count as the first."""
    assert asked.person is not None
    found = asked.policy.rights_at(asked.person, asked.door)
    first = [right for right in found if right.level.id == asked.door.first_level]
    return isinstance(holding(first, asked.now, asked.policy.zone, asked.request.clock_doubt), Right)


def _missing_factors(asked: _Asked) -> tuple[FactorSet, ...] | None:
    """Return what is missing of the factors that hold now; by a clock in doubt, of every rule of the point."""
    doubtful = bool(_doubts(asked))
    if not asked.point.factors:
        return missing(needed(ANY_ONE, doubtful), asked.request.proven)
    rules = in_force(asked.policy, asked.point, asked.now, asked.request.clock_doubt)
    if not rules:
        # All its rules have a schedule, and none of them holds: nothing says what would be enough.
        return None
    answers = [missing(needed(rule.sets, doubtful), asked.request.proven) for rule in rules]
    return next((answer for answer in answers if answer != ()), ())


def _asks_challenge(asked: _Asked) -> bool:
    return asks_challenge(asked.policy, asked.point, asked.now, asked.request.clock_doubt)


def _doubts(asked: _Asked) -> frozenset[str]:
    """Return the doubts for which this door asks for a second factor."""
    if asked.request.liveness_asks:
        return frozenset({str(Doubt.LIVENESS)})
    found = {str(doubt) for doubt in asked.request.doubts}
    if asked.door.usual_schedule is not None and (
        asked.request.clock_doubt or not asked.policy.holds(asked.door.usual_schedule, asked.now)
    ):
        return frozenset({str(Doubt.ODD_HOUR)}) | (found & asked.door.step_up)
    return frozenset(found & asked.door.step_up)


def _duress(request: Request) -> frozenset[Mark]:
    return frozenset({Mark.DURESS}) if request.duress and Factor.PIN in request.proven else frozenset()


def _denied(reason: Reason, rule: Rule, request: Request) -> Verdict:
    return Verdict(Outcome.DENY, reason, rule.value, marks=_duress(request))
