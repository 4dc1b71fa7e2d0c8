"""Faces that rest change no decision and none of their moments; the work is saved all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from attendance.domain.access.scoring import ATTEMPT_MEAN, BEST_PHOTO, Scoring
from attendance.domain.faces import Box
from attendance.domain.reason import Reason
from attendance.service.access.check_in import CheckIn
from attendance.store.calibration import operating_points
from attendance.store.people import templates
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.following import Following
from tests.factories import MODEL, make_template
from tests.service.conftest import RULES, Site
from tests.vision.rooms import PLACE, Person, Room

ANNA, BERT, STRANGER = Person(1), Person(2), Person(77)
FAR = Box(480, 100, 560, 200)
Picture = tuple[Person, ...]


def standing(seconds: float, *people: Person) -> Iterator[Picture]:
    for number in range(round(seconds * 10)):
        yield tuple(replace(one, shift=one.shift + (number * 7 % 23) * 0.3) for one in people)


def swap() -> Iterator[Picture]:
    """Anna is let in; Bert steps into her place, then a stranger, then she comes back."""
    for who in (ANNA, BERT, STRANGER, ANNA):
        yield from standing(3, who)


def slide() -> Iterator[Picture]:
    """Bert slides into the picture and takes Anna's place as she slides out of it."""
    yield from standing(4, ANNA)
    for step in range(50):
        both = ANNA.at(5 * step), BERT.at(5 * step - 200)
        yield tuple(one for one in both if one.box.x1 > 0 and one.box.x2 < 640)
    yield from standing(3, BERT.at(45))


def cross() -> Iterator[Picture]:
    """A stranger and Anna change places; nobody is found behind the other."""
    right = replace(STRANGER, box=FAR)
    yield from standing(9, ANNA, right)
    for step in range(41):
        anna, other = ANNA.at(5 * step), right.at(-5 * step)
        yield (anna,) if abs(anna.box.x1 - other.box.x1) < 40 else (anna, other)
    yield from standing(9, ANNA.at(200), right.at(-200))


def come_and_go() -> Iterator[Picture]:
    yield from standing(3, ANNA)
    yield from [()] * 30
    yield from standing(3, ANNA, replace(BERT, box=FAR))
    yield from standing(9, replace(STRANGER, flaws=(Reason.TOO_DARK,)))
    yield from standing(3, replace(BERT, box=Box(PLACE.x1, PLACE.y1, PLACE.x2 + 10, PLACE.y2 + 12)))


def told(site: Site, scoring: Scoring, follow: bool, pictures: Iterator[Picture]) -> tuple[list[object], Room]:
    """Return the decisions at a camera of its own, with their moments, and what the networks did."""
    room, began = Room(), site.clock.now()
    eye = Following(cast(FaceAnalyser, room))
    with site.sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.5, margin=0.05, source="administrator", gallery_size=2, at=began,
            scoring=scoring,
        )  # fmt: skip
    rules = replace(RULES, camera=f"{scoring.version} {follow}")
    rest = eye.rest if follow else lambda _decided: None
    check_in = CheckIn(site.sessions, site.keys, eye, site.door, site.clock, rules, rest=rest)
    check_in.start()
    for number, people in enumerate(pictures):
        site.clock.advance(0.1)
        check_in.process(replace(room.frame(number, people, site.clock.now()), camera=rules.camera))
    decided = [
        (view.passage.at - began, view.person_name, view.passage.reason, view.passage.granted)
        for view in reversed(site.log())
        if view.passage.camera == rules.camera
    ]
    site.clock.advance(3600)
    return decided, room


@pytest.fixture
def enrolled(site: Site) -> Site:
    with site.sessions.begin() as session:
        for name, seed in (("Anna", 1), ("Bert", 2)):
            person = site.add(session, name)
            templates.add_template(
                session, site.keys, person.id, make_template(seed), "upload", {}, None, at=person.created_at
            )
    return site


@pytest.mark.parametrize("scoring", [BEST_PHOTO, ATTEMPT_MEAN], ids=["look by look", "pooled"])
@pytest.mark.parametrize(
    "story",
    [
        swap,
        pytest.param(slide, marks=pytest.mark.long),
        pytest.param(cross, marks=pytest.mark.long),
        pytest.param(come_and_go, marks=pytest.mark.long),
    ],
)
def test_what_is_decided_and_when_is_the_same(enrolled: Site, scoring: Scoring, story: object) -> None:
    assert callable(story)
    (always, much), (resting, little) = (told(enrolled, scoring, follow, story()) for follow in (False, True))
    assert resting == always
    assert any(granted for *_, granted in cast(list[tuple[object, ...]], always))
    assert little.did["embed"] < much.did["embed"]


def test_a_person_who_stays_costs_a_few_embeddings(enrolled: Site) -> None:
    (decided, room) = told(enrolled, ATTEMPT_MEAN, True, standing(10, ANNA))
    assert len(decided) == 1
    assert room.did["embed"] <= 20 and room.did["find"] <= 32


def test_a_stranger_who_stays_rests_after_the_attempt_is_over(enrolled: Site) -> None:
    for scoring in (BEST_PHOTO, ATTEMPT_MEAN):
        (decided, room) = told(enrolled, scoring, True, standing(12, STRANGER))
        assert [reason for _, _, reason, _ in cast(list[tuple[object, ...]], decided)] == [Reason.UNKNOWN]
        assert room.did["embed"] <= 95


def test_a_fault_lets_nobody_rest(enrolled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    eye = Following(cast(FaceAnalyser, room))
    check_in = CheckIn(enrolled.sessions, enrolled.keys, eye, enrolled.door, enrolled.clock, RULES, rest=eye.rest)
    for number, people in enumerate(standing(2, ANNA)):
        enrolled.clock.advance(0.1)
        check_in.process(room.frame(number, people, enrolled.clock.now()))
    assert len(enrolled.door.unlocked) == 1
    check_in.set_direction(RULES.direction)
    enrolled.clock.advance(0.1)
    room.did.clear()
    check_in.process(room.frame(99, (ANNA,), enrolled.clock.now()))
    assert room.did["embed"] == 1
    assert timedelta(0) < enrolled.clock.now() - enrolled.log()[0].passage.at
