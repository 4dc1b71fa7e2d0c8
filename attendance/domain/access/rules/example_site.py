"""The example site of the decision table: five doors, a dozen people, and words for what happens there.

In: a row's words.  Out: a policy, a state and a request for `decide`.
Does not know: the rows, their file, the verdicts that are expected.
Main choice: a situation is a few words, each a small change of the same site, so that a row reads as a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attendance.domain.access.rules.decide import Request
from attendance.domain.access.rules.doors import AccessPoint, Antipassback, Area, Door, Mode, Override, Source
from attendance.domain.access.rules.factors import ANY_ONE, Doubt, Factor, FactorRule
from attendance.domain.access.rules.levels import Entry, Grant, Level
from attendance.domain.access.rules.people import Exemption, PersonState
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.schedule import WHOLE_DAY, Schedule, Window, always, weekly
from attendance.domain.access.rules.state import DoorState, Physical, Place, State, Waiting
from attendance.domain.reason import Reason

ZONE = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 6, 1)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

FRONT, LAB, VAULT, AIRLOCK_A, AIRLOCK_B = 1, 2, 3, 4, 5
HALL, LABORATORY, OFFICE = 1, 2, 3
ALWAYS, OFFICE_HOURS, NIGHTS, USUAL = 1, 2, 3, 4
EVERYWHERE, FRONT_BY_DAY, NIGHT_SHIFT, LAB_ONLY, CHIEFS = 1, 2, 3, 4, 5

PEOPLE = {
    name: number
    for number, name in enumerate(
        "ann bob cleo dan eve fred gina hal ivy jack kim lea mia nils".split(),  # noqa: SIM905
        start=1,
    )
}


def _monday(minutes: int) -> datetime:
    return datetime.combine(MONDAY, time(0), ZONE).astimezone(UTC) + timedelta(minutes=minutes)


def _schedules() -> dict[int, Schedule]:
    office = weekly(range(5), 8 * 60, 18 * 60)
    # Wednesday of the week is a holiday; on Saturday there is a stocktaking.
    special = {MONDAY + timedelta(days=2): (), MONDAY + timedelta(days=5): (Window(9 * 60, 12 * 60),)}
    return {
        ALWAYS: always(ALWAYS, "always"),
        OFFICE_HOURS: Schedule(OFFICE_HOURS, "office hours", office, special),
        NIGHTS: Schedule(NIGHTS, "nights", weekly(range(7), 22 * 60, 6 * 60)),
        USUAL: Schedule(USUAL, "usual hours", ((Window(6 * 60, 20 * 60),),) * 5 + ((), ())),
    }


def _doors() -> dict[int, Door]:
    doubts = frozenset({Doubt.LOOK_ALIKE.value, Doubt.THIN_MARGIN.value, Doubt.LIVENESS.value})
    doors = (
        Door(FRONT, "front", group="outer", contact=True, unlock_schedule=OFFICE_HOURS, step_up=doubts),
        Door(LAB, "lab", contact=True),
        Door(VAULT, "vault", first_level=CHIEFS, two_person_s=15, release_s=5.0, extended_release_s=15.0),
        Door(AIRLOCK_A, "airlock A", contact=True, interlock_group="airlock"),
        Door(AIRLOCK_B, "airlock B", contact=True, interlock_group="airlock"),
    )
    return {door.id: door for door in doors}


def _points() -> dict[str, AccessPoint]:
    two = (frozenset({Factor.FACE, Factor.PIN}), frozenset({Factor.BADGE, Factor.PIN}))
    one = (frozenset({Factor.FACE}), frozenset({Factor.BADGE}))
    points = (
        AccessPoint(1, "front", FRONT, area_to=HALL),
        AccessPoint(2, "front out", FRONT, area_from=HALL),
        # By day a face or a badge is enough at the lab; otherwise a PIN as well.
        AccessPoint(
            3,
            "lab",
            LAB,
            area_from=HALL,
            area_to=LABORATORY,
            factors=(FactorRule(one, OFFICE_HOURS), FactorRule(two)),
        ),
        AccessPoint(4, "lab out", LAB, area_from=LABORATORY, area_to=HALL),
        AccessPoint(5, "vault", VAULT),
        AccessPoint(6, "airlock A", AIRLOCK_A),
        AccessPoint(7, "airlock B", AIRLOCK_B, area_to=OFFICE),
        AccessPoint(8, "spare camera", FRONT, enabled=False),
        AccessPoint(9, "lost", 99),
    )
    return {point.name: point for point in points}


def _levels() -> dict[int, Level]:
    levels = (
        Level(EVERYWHERE, "everywhere", tuple(Entry(ALWAYS, door=door) for door in range(1, 6))),
        Level(FRONT_BY_DAY, "outer doors by day", (Entry(OFFICE_HOURS, group="outer"),)),
        Level(NIGHT_SHIFT, "night shift", (Entry(NIGHTS, door=FRONT),)),
        Level(LAB_ONLY, "lab", (Entry(ALWAYS, door=LAB), Entry(77, door=FRONT))),
        Level(CHIEFS, "in charge of the vault", (Entry(ALWAYS, door=VAULT),)),
    )
    return {level.id: level for level in levels}


def _grants() -> tuple[Grant, ...]:
    of = PEOPLE
    tuesday, friday = _monday(24 * 60), _monday(5 * 24 * 60)
    return (
        Grant(1, EVERYWHERE, person=of["ann"]),
        Grant(2, FRONT_BY_DAY, person=of["bob"]),
        Grant(3, NIGHT_SHIFT, person=of["cleo"]),
        Grant(4, FRONT_BY_DAY, person=of["dan"], valid_from=tuesday, valid_to=friday),
        *(Grant(4 + n, EVERYWHERE, person=of[name]) for n, name in enumerate(("eve", "fred", "gina", "hal"), start=1)),
        Grant(9, EVERYWHERE, department="security"),
        Grant(10, LAB_ONLY, person=of["jack"]),
        Grant(11, EVERYWHERE, person=of["kim"]),
        Grant(12, CHIEFS, person=of["kim"]),
        Grant(13, EVERYWHERE, person=of["mia"]),
        Grant(14, NIGHT_SHIFT, person=of["mia"]),
        Grant(15, EVERYWHERE, person=of["nils"]),
        Grant(16, 88, person=of["lea"]),
    )


def _people() -> dict[int, PersonState]:
    special: dict[str, dict[str, Any]] = {
        "eve": {"enabled": False},
        "fred": {"consent": False},
        "gina": {"locked_until": _monday(12 * 60)},
        "hal": {"extended": True},
        "ivy": {"department": "security", "exemptions": frozenset(Exemption)},
        "mia": {"valid_from": _monday(24 * 60), "valid_to": _monday(2 * 24 * 60)},
    }
    return {number: PersonState(number, **special.get(name, {})) for name, number in PEOPLE.items()}


def example_policy() -> Policy:
    """Return the example site's rules."""
    areas = (
        Area(HALL, "hall"),
        Area(LABORATORY, "laboratory", occupancy_max=2, antipassback=Antipassback.HARD, reset_min=600),
        Area(OFFICE, "office", antipassback=Antipassback.SOFT, reset_at=4 * 60),
    )
    return Policy(
        version=1,
        zone=ZONE,
        areas={area.id: area for area in areas},
        doors=_doors(),
        points=_points(),
        schedules=_schedules(),
        levels=_levels(),
        grants=_grants(),
        people=_people(),
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """What `decide` is asked."""

    policy: Policy
    state: State
    request: Request
    now: datetime


Change = Callable[[Scene], Scene]


def scene(who: str, point: str, proven: str, when: str, situation: str) -> Scene:
    """Return what a row of the decision table describes.

    `who`: a person of the site, "stranger", or a reason why nobody was identified.  `proven`: factors, joined by +.
    `when`: "Mon 10:00" of the example week, or a local date and time; "2nd" means the second of an hour that comes
    twice.  `situation`: words of `SITUATIONS`, separated by commas.  Raises ValueError for a word that is not known.
    """
    now = instant(when)
    closed = {number: DoorState(Physical.CLOSED, online=True) for number in range(1, 6)}
    state = State(doors=closed, occupancy={HALL: 0, LABORATORY: 0, OFFICE: 0})
    identity = Reason.MATCHED if who in PEOPLE else Reason.UNKNOWN if who == "stranger" else Reason(who)
    factors = frozenset(Factor(each) for each in proven.split("+") if each)
    made = Scene(example_policy(), state, Request(point, identity, PEOPLE.get(who), factors), now)
    for word in filter(None, (each.strip() for each in situation.split(","))):
        if word not in SITUATIONS:
            raise ValueError(f"{word!r} is not a word for a situation; known are: {', '.join(sorted(SITUATIONS))}")
        made = SITUATIONS[word](made)
    return made


def instant(when: str) -> datetime:
    """Return the instant of a row's time, aware UTC."""
    words = when.split()
    day = MONDAY + timedelta(days=_DAYS.index(words[0])) if words[0] in _DAYS else date.fromisoformat(words[0])
    local = datetime.combine(day, time.fromisoformat(words[1]), ZONE)
    return local.replace(fold=1 if "2nd" in words else 0).astimezone(UTC)


def _asking(**changes: Any) -> Change:
    return lambda made: replace(made, request=replace(made.request, **changes))


def _asked_ago(seconds: int) -> Change:
    return lambda made: replace(made, request=replace(made.request, asked_at=made.now - timedelta(seconds=seconds)))


def _held(mode: Mode, source: Source, door: int | None, until_min: int | None = None, since_min: int = -5) -> Change:
    def change(made: Scene) -> Scene:
        until = None if until_min is None else made.now + timedelta(minutes=until_min)
        number = len(made.policy.overrides) + 1
        override = Override(number, mode, source, made.now + timedelta(minutes=since_min), until, door)
        return replace(made, policy=replace(made.policy, overrides=(*made.policy.overrides, override)))

    return change


def _door(number: int, **changes: Any) -> Change:
    def change(made: Scene) -> Scene:
        doors = {**made.policy.doors, number: replace(made.policy.doors[number], **changes)}
        return replace(made, policy=replace(made.policy, doors=doors))

    return change


def _seen(number: int, seen: DoorState | None) -> Change:
    def change(made: Scene) -> Scene:
        doors = {key: value for key, value in made.state.doors.items() if key != number}
        return replace(made, state=replace(made.state, doors=doors if seen is None else {**doors, number: seen}))

    return change


def _released(number: int, seconds: int) -> Change:
    return lambda made: _seen(
        number, DoorState(Physical.CLOSED, online=True, released_until=made.now + timedelta(seconds=seconds))
    )(made)


def _inside(area: int | None, minutes: int) -> Change:
    def change(made: Scene) -> Scene:
        place = Place(area, made.now - timedelta(minutes=minutes))
        places = dict.fromkeys(PEOPLE.values(), place)
        return replace(made, state=replace(made.state, places=places))

    return change


def _count(area: int, people: int | None) -> Change:
    def change(made: Scene) -> Scene:
        counts = {key: value for key, value in made.state.occupancy.items() if key != area}
        counts |= {} if people is None else {area: people}
        return replace(made, state=replace(made.state, occupancy=counts))

    return change


def _passed(minutes: int) -> Change:
    return lambda made: replace(
        made, state=replace(made.state, passed=dict.fromkeys(range(1, 6), made.now - timedelta(minutes=minutes)))
    )


def _first(minutes: int) -> Change:
    return lambda made: replace(
        made, state=replace(made.state, first_in={VAULT: made.now - timedelta(minutes=minutes)})
    )


def _waiting(who: str, seconds: int, door: int = VAULT) -> Change:
    return lambda made: replace(
        made,
        state=replace(made.state, waiting={door: Waiting(PEOPLE[who], made.now - timedelta(seconds=seconds))}),
    )


def _proofs(point: str, *rules: FactorRule) -> Change:
    def change(made: Scene) -> Scene:
        points = {**made.policy.points, point: replace(made.policy.points[point], factors=rules)}
        return replace(made, policy=replace(made.policy, points=points))

    return change


def _snapshot(age_s: int | None) -> Change:
    def change(made: Scene) -> Scene:
        made_at = None if age_s is None else made.now - timedelta(seconds=age_s)
        return replace(made, policy=replace(made.policy, made_at=made_at, max_age=timedelta(minutes=5)))

    return change


def _without(part: str) -> Change:
    return lambda made: replace(made, policy=replace(made.policy, **{part: type(getattr(made.policy, part))()}))


_OPERATOR, _EMERGENCY = Source.OPERATOR, Source.EMERGENCY
_CLOSED, _OPEN = DoorState(Physical.CLOSED, online=True), DoorState(Physical.OPEN, online=True)

SITUATIONS: Mapping[str, Change] = {
    "lockdown": _held(Mode.LOCKDOWN, _EMERGENCY, None),
    "lockdown of the front": _held(Mode.LOCKDOWN, _EMERGENCY, FRONT),
    "lockdown over": _held(Mode.LOCKDOWN, _EMERGENCY, None, until_min=0),
    "front locked": _held(Mode.LOCK, _OPERATOR, FRONT),
    "front blocked": _held(Mode.BLOCK, _OPERATOR, FRONT),
    "front unlocked": _held(Mode.UNLOCK, _OPERATOR, FRONT),
    "front locked for 10 min": _held(Mode.LOCK, _OPERATOR, FRONT, until_min=10),
    "front lock over": _held(Mode.LOCK, _OPERATOR, FRONT, until_min=0),
    "front lock from the future": _held(Mode.LOCK, _OPERATOR, FRONT, since_min=60),
    "front unlock from the future": _held(Mode.UNLOCK, _OPERATOR, FRONT, since_min=60),
    "front unlocked for 10 min": _held(Mode.UNLOCK, _OPERATOR, FRONT, until_min=10),
    "emergency unlock of the front": _held(Mode.UNLOCK, _EMERGENCY, FRONT),
    "lab locked": _held(Mode.LOCK, _OPERATOR, LAB),
    "front locked by schedule": _door(FRONT, lock_schedule=OFFICE_HOURS),
    "front locked by itself": _door(FRONT, standing=Mode.LOCK),
    "front open by itself": _door(FRONT, standing=Mode.UNLOCK),
    "front switched off": _door(FRONT, enabled=False),
    "front asks for more at odd hours": _door(FRONT, usual_schedule=USUAL),
    "unlock without a first passage": _door(FRONT, unlock_after_first=False),
    "airlock B open": _seen(AIRLOCK_B, _OPEN),
    "airlock B closed": _seen(AIRLOCK_B, _CLOSED),
    "airlock B unknown": _seen(AIRLOCK_B, None),
    "airlock B offline": _seen(AIRLOCK_B, DoorState(Physical.CLOSED, online=False)),
    "airlock B contact faulty": _seen(AIRLOCK_B, DoorState(Physical.FAULT, online=True)),
    "airlock B just released": _released(AIRLOCK_B, 2),
    "airlock B release over": _released(AIRLOCK_B, 0),
    "airlock A open": _seen(AIRLOCK_A, _OPEN),
    "rules 4 min old": _snapshot(240),
    "rules 5 min old": _snapshot(300),
    "rules 6 min old": _snapshot(360),
    "rules from the future": _snapshot(-60),
    "rules of unknown age": _snapshot(None),
    "clock in doubt": _asking(clock_doubt=True),
    "duress": _asking(duress=True),
    "look-alike": _asking(doubts=frozenset({Doubt.LOOK_ALIKE})),
    "thin margin": _asking(doubts=frozenset({Doubt.THIN_MARGIN})),
    "liveness in doubt": _asking(doubts=frozenset({Doubt.LIVENESS})),
    "repeated failures": _asking(doubts=frozenset({Doubt.REPEATED_FAILURES})),
    "asked 5 s ago": _asked_ago(5),
    "asked 20 s ago": _asked_ago(20),
    "asked in the future": _asked_ago(-60),
    "wrong PIN": _asking(wrong=Reason.WRONG_PIN),
    "PIN of another person": _asking(wrong=Reason.WRONG_FACTOR),
    "PIN locked": _asking(wrong=Reason.PIN_LOCKED),
    "in the lab for 1 h": _inside(LABORATORY, 60),
    "in the lab for 11 h": _inside(LABORATORY, 660),
    "in the hall": _inside(HALL, 60),
    "in the office for 1 h": _inside(OFFICE, 60),
    "in the office for 12 h": _inside(OFFICE, 720),
    "outside": _inside(None, 60),
    "1 person in the lab": _count(LABORATORY, 1),
    "2 people in the lab": _count(LABORATORY, 2),
    "lab count unknown": _count(LABORATORY, None),
    "somebody passed 5 min ago": _passed(5),
    "somebody passed 12 h ago": _passed(720),
    "somebody in charge came 1 h ago": _first(60),
    "somebody in charge came yesterday": _first(24 * 60),
    "somebody in charge comes tomorrow": _first(-60),
    "ann waits for 5 s": _waiting("ann", 5),
    "ann waits for 15 s": _waiting("ann", 15),
    "kim waits for 5 s": _waiting("kim", 5),
    "lab for two people": _door(LAB, two_person_s=15),
    "jack waits at the lab for 5 s": _waiting("jack", 5, LAB),
    "a face has to move": _proofs("front", FactorRule(ANY_ONE, challenge=True)),
    "the face moved": _asking(challenged=True),
    "camera unsure of liveness": _asking(liveness_asks=True),
    "areas lost": _without("areas"),
    "schedules lost": _without("schedules"),
    "levels lost": _without("levels"),
    "grants lost": _without("grants"),
    "people lost": _without("people"),
    "doors lost": _without("doors"),
    "whole Wednesday special": lambda made: replace(
        made,
        policy=replace(
            made.policy,
            schedules={
                **made.policy.schedules,
                OFFICE_HOURS: replace(
                    made.policy.schedules[OFFICE_HOURS], special_days={MONDAY + timedelta(days=2): (WHOLE_DAY,)}
                ),
            },
        ),
    ),
}
