"""Properties of the decision, over random policies; single cases are in the decision table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.domain.access.rules.decide import Outcome, Request, Verdict, decide
from attendance.domain.access.rules.doors import Antipassback, Door, Mode, Override, Source
from attendance.domain.access.rules.example_site import SITUATIONS, example_policy, scene
from attendance.domain.access.rules.factors import Doubt, Factor
from attendance.domain.access.rules.levels import Entry, Grant, Level
from attendance.domain.access.rules.people import Exemption
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.state import DoorState, Physical, Place, State, Waiting, taken
from attendance.domain.reason import Reason

SITE = example_policy()
POINTS = sorted(SITE.points)
FIRST = datetime(2026, 3, 25, tzinfo=UTC)
Case = tuple[Policy, State, Request, datetime]
# Drawn from one number each: hypothesis spends far longer on drawing a site part by part than the test takes.
SEEDS = st.integers(0, 2**32)
MANY = settings(max_examples=150)


def some_of(random: Random, values: Any) -> frozenset[Any]:
    return frozenset(value for value in values if random.random() < 0.5)


def some_entry(random: Random) -> Entry:
    schedule, door = random.choice([1, 1, 2, 3, 4]), random.randint(1, 6)
    return Entry(schedule, group="outer") if door == 6 else Entry(schedule, door=door)


def case_of(random: Random) -> Case:
    """Return the example site with random rights and a random present."""

    def some_time(days: int) -> datetime | None:
        return None if random.random() < 0.6 else now + timedelta(days=days, minutes=random.randint(-5000, 5000))

    def ago() -> datetime:
        return now - timedelta(minutes=random.randint(-30, 900))

    def maybe(value: Any) -> Any:
        return {key: each for key, each in value.items() if random.random() < 0.6}

    now = FIRST + timedelta(minutes=random.randrange(100_000))
    levels = {n: Level(n, str(n), tuple(some_entry(random) for _ in range(random.randrange(5)))) for n in range(1, 6)}
    grants = tuple(
        Grant(n, random.randint(1, 6), person=1, valid_from=some_time(-3), valid_to=some_time(3))
        for n in range(random.randrange(6))
    )
    ann = replace(SITE.people[1], exemptions=some_of(random, Exemption))
    policy = replace(SITE, levels=levels, grants=grants, people={**SITE.people, 1: ann})
    seen = [Physical.CLOSED, *Physical]
    state = State(
        doors={n: DoorState(random.choice(seen), random.random() < 0.8) for n in range(1, 6)},
        places=maybe({1: Place(random.choice([None, 1, 2, 3]), ago())}),
        occupancy=maybe({n: random.randrange(4) for n in range(1, 4)}),
        first_in=maybe({3: ago()}),
        passed=maybe({n: ago() for n in range(1, 6)}),
        waiting={3: Waiting(random.choice([1, 2]), now - timedelta(seconds=random.randrange(30)))},
    )
    request = Request(
        random.choice(POINTS),
        Reason.MATCHED,
        1,
        some_of(random, Factor) | {random.choice(list(Factor))},
        doubts=some_of(random, list(Doubt)[:2]),
        duress=random.random() < 0.5,
        clock_doubt=random.random() < 0.3,
    )
    return policy, state, request, now


def test_random_cases_are_of_every_kind() -> None:
    """Without grants among them the properties below would hold for nothing."""
    verdicts = [decide(*case_of(Random(seed))) for seed in range(600)]

    assert {verdict.outcome for verdict in verdicts} == set(Outcome)
    assert sum(verdict.granted for verdict in verdicts) > 40
    assert len({verdict.reason for verdict in verdicts}) >= 10


def passes(policy: Policy, state: State, request: Request, now: datetime) -> bool:
    return decide(policy, state, request, now).granted


def fewer_rights(policy: Policy) -> list[Policy]:
    """The policies that lack one right each: a grant, a line of a level, a window of a schedule, an exemption."""
    ann = policy.people[1]
    less = [replace(policy, grants=tuple(g for g in policy.grants if g is not grant)) for grant in policy.grants]
    for level in policy.levels.values():
        for entry in level.entries:
            kept = replace(level, entries=tuple(each for each in level.entries if each is not entry))
            less.append(replace(policy, levels={**policy.levels, level.id: kept}))
    for exemption in ann.exemptions:
        kept_person = replace(ann, exemptions=ann.exemptions - {exemption})
        less.append(replace(policy, people={**policy.people, 1: kept_person}))
    return less


@MANY
@given(SEEDS)
def test_removing_a_right_never_turns_a_denial_into_a_grant(seed: int) -> None:
    policy, state, request, now = case_of(Random(seed))
    if passes(policy, state, request, now):
        return

    assert not any(passes(less, state, request, now) for less in fewer_rights(policy))


@MANY
@given(SEEDS)
def test_the_order_of_grants_lines_and_overrides_is_irrelevant(seed: int) -> None:
    random = Random(seed)
    policy, state, request, now = case_of(random)
    overrides = (
        Override(1, Mode.LOCK, Source.OPERATOR, now, door=1),
        Override(2, Mode.UNLOCK, Source.OPERATOR, now, door=1),
        Override(3, Mode.BLOCK, Source.OPERATOR, now + timedelta(days=1), door=2),
    )
    policy = replace(policy, overrides=overrides)

    def shuffled(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(values, len(values)))

    levels = {n: replace(level, entries=shuffled(level.entries)) for n, level in policy.levels.items()}
    other = replace(policy, grants=shuffled(policy.grants), overrides=shuffled(overrides), levels=levels)

    assert decide(other, state, request, now) == decide(policy, state, request, now)


@MANY
@given(SEEDS, st.sampled_from(["areas", "doors", "points", "schedules", "levels", "people"]))
def test_losing_a_part_of_the_policy_never_lets_anybody_in(seed: int, part: str) -> None:
    policy, state, request, now = case_of(Random(seed))
    if part == "schedules" and policy.points[request.point].factors:
        return  # which factors are enough is scheduled too; a table row says what happens without
    lost = replace(policy, **{part: {}})

    assert passes(policy, state, request, now) or not passes(lost, state, request, now)


@MANY
@given(SEEDS)
def test_a_closed_door_answers_a_stranger_and_everybody_known_alike(seed: int) -> None:
    policy, state, request, now = case_of(Random(seed))
    policy = replace(policy, overrides=(Override(1, Mode.LOCKDOWN, Source.EMERGENCY, now),))
    known = replace(policy, people={**policy.people, 1: replace(policy.people[1], exemptions=frozenset())})
    stranger = Request(request.point, Reason.UNKNOWN, clock_doubt=request.clock_doubt)
    plain = replace(request, duress=False)

    assert decide(known, state, plain, now) == decide(known, state, stranger, now)


@MANY
@given(SEEDS)
def test_a_doubt_never_lets_anybody_in(seed: int) -> None:
    policy, state, request, now = case_of(Random(seed))
    certain = replace(request, doubts=frozenset(), duress=False)
    doubtful = replace(certain, doubts=frozenset(Doubt))

    assert passes(policy, state, certain, now) or not passes(policy, state, doubtful, now)


@MANY
@given(SEEDS)
def test_duress_changes_nothing_but_the_mark(seed: int) -> None:
    policy, state, request, now = case_of(Random(seed))

    def plain(verdict: Verdict) -> Verdict:
        return replace(verdict, marks=verdict.marks - {"duress"})

    calm, forced = (decide(policy, state, replace(request, duress=duress), now) for duress in (False, True))

    assert plain(forced) == plain(calm)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([None, 1, 2]), st.sampled_from([None, 1, 2])), max_size=30)
)
def test_the_count_of_an_area_is_the_number_of_people_whose_place_it_is(
    walks: list[tuple[int, int | None, int | None]],
) -> None:
    state, at = State(occupancy={1: 0, 2: 0}), datetime(2026, 6, 1, tzinfo=UTC)
    for person, start, end in walks:
        state = taken(state, person, start, end, at)

    counted = {area: sum(place.area == area for place in state.places.values()) for area in (1, 2)}
    assert state.occupancy == counted


def test_a_snapshot_cannot_know_where_anybody_is() -> None:
    made = scene("ann", "lab", "face", "Mon 10:00", "rules 4 min old")

    assert decide(made.policy, made.state, made.request, made.now).reason is Reason.PASSBACK
    soft = {
        n: replace(area, antipassback=Antipassback.SOFT, occupancy_max=None) for n, area in made.policy.areas.items()
    }
    assert passes(replace(made.policy, areas=soft), made.state, made.request, made.now)


def test_a_step_up_names_what_is_missing() -> None:
    made = scene("ann", "lab", "pin", "Mon 20:00", "")
    verdict = decide(made.policy, made.state, made.request, made.now)

    assert verdict.outcome is Outcome.STEP_UP
    assert verdict.missing == (frozenset({Factor.BADGE}), frozenset({Factor.FACE}))


def test_the_rule_that_lets_pass_is_named_by_numbers() -> None:
    made = scene("mia", "front", "face", "Tue 23:00", "")

    assert decide(made.policy, made.state, made.request, made.now).rule == "grant 13, level 1, schedule 1"


def test_an_unknown_word_for_a_situation_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a word for a situation"):
        scene("ann", "front", "face", "Mon 10:00", "rainy")
    assert "lockdown" in SITUATIONS


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Entry(1), "a door or a group"),
        (lambda: Entry(1, door=1, group="outer"), "a door or a group"),
        (lambda: Grant(1, 1), "a person or for a department"),
        (lambda: Override(1, Mode.LOCKDOWN, Source.OPERATOR, datetime(2026, 6, 1, tzinfo=UTC)), "emergency source"),
        (lambda: Override(1, Mode.LOCK, Source.EMERGENCY, datetime(2026, 6, 1, tzinfo=UTC)), "emergency source"),
        (lambda: Override(1, Mode.LOCK, Source.SCHEDULE, datetime(2026, 6, 1, tzinfo=UTC)), "operator's or an emerg"),
    ],
)
def test_values_that_would_mean_nothing_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_door_has_a_usual_release() -> None:
    assert Door(1, "x").release_s == 3.0


def night_before(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SITE.zone, fold=fold)


@pytest.mark.parametrize(
    ("reset", "entered", "now", "inside"),
    [
        (165, ("2026-10-25T02:40", 0), ("2026-10-25T02:50", 0), False),
        (165, ("2026-10-25T02:40", 0), ("2026-10-25T02:30", 1), False),  # later, though its clock shows less
        (165, ("2026-10-25T02:50", 0), ("2026-10-25T02:40", 1), True),
        (150, ("2027-03-28T01:00", 0), ("2027-03-28T03:10", 0), True),  # 02:30 is skipped, and comes at 03:30
        (150, ("2027-03-28T01:00", 0), ("2027-03-28T03:30", 0), False),
    ],
)
def test_anti_passback_is_reset_once_in_a_night_in_which_the_clock_changes(
    reset: int, entered: tuple[str, int], now: tuple[str, int], inside: bool
) -> None:
    area = replace(SITE.areas[2], reset_min=None, reset_at=reset, antipassback=Antipassback.HARD)
    policy = replace(SITE, areas={**SITE.areas, 2: area})
    state = State(places={1: Place(2, night_before(*entered))}, occupancy={2: 1})
    request = Request("lab", Reason.MATCHED, 1, frozenset(Factor))

    verdict = decide(policy, state, request, night_before(*now))

    assert (verdict.reason is Reason.PASSBACK) is inside
