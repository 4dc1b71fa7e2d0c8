"""Faces that were decided about cost little, and whatever is new about a picture is looked at as ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from attendance.domain.faces import Box, Frame, Region
from attendance.domain.reason import Reason
from attendance.vision.following import EMBED_EVERY, Following
from tests.factories import vector_of
from tests.vision.rooms import PLACE, Film, Person, Room, seen

ANNA, BERT = Person(1), Person(2)
RIGHT = Box(480, 100, 560, 200)


def rests(film: Film, *people: Person) -> bool:
    """Whether all faces of the next picture rest; they are right in any case."""
    probes = film.show(*people)
    for probe, person in zip(probes, people, strict=True):
        assert probe.template is None or probe.template.vector @ vector_of((person.seed,)) > 0.99 or probe.rested
        assert probe.box == person.box
    assert len({probe.rested for probe in probes}) <= 1
    return bool(probes) and probes[0].rested


def test_who_stands_there_is_embedded_once_a_second_and_the_picture_searched_twice() -> None:
    film = Film()
    film.show(ANNA)
    film.room.did.clear()
    pictures = film.stands(6, ANNA)

    assert sum(probe.rested for (probe,) in pictures) >= 50
    assert 6 <= film.room.did["embed"] <= 8
    assert 12 <= film.room.did["find"] <= 15
    assert film.room.did["near"] >= 30


def test_a_template_is_never_older_than_a_second() -> None:
    for every_s in (0.04, 0.1, 0.3, 0.45, 0.9):
        film, embedded_at = Film(), None
        for number in range(round(4 / every_s)):
            (probe,) = film.show(replace(ANNA, shift=number % 3 * 2.0), after_s=every_s)
            embedded_at = film.at if not probe.rested else embedded_at
            assert embedded_at is not None and film.at - embedded_at <= EMBED_EVERY


def test_a_picture_in_which_a_face_stands_still_costs_nothing() -> None:
    film = Film()
    film.show(ANNA)
    for _ in range(30):
        film.show(ANNA)
    assert film.room.did["near"] == 0 and film.room.did["find"] <= 8


def test_who_is_not_decided_about_is_looked_at_in_every_picture() -> None:
    film = Film()
    film.decided = False
    assert not any(probe.rested for (probe,) in film.stands(2.0, ANNA))
    assert film.room.did["embed"] == film.room.did["find"] == 20


def test_another_person_in_the_very_place_is_embedded_at_once() -> None:
    film = Film()
    film.stands(2.3, ANNA)
    assert rests(film, ANNA)
    assert not rests(film, BERT)


def test_another_person_beside_behind_or_instead_is_seen_in_the_same_picture() -> None:
    for people in ([ANNA, replace(BERT, box=RIGHT)], [ANNA, BERT.at(60)], [replace(BERT, box=RIGHT)], []):
        film = Film()
        film.stands(2.3, ANNA)
        assert rests(film, ANNA)
        assert not rests(film, *people)


def test_a_face_that_slides_in_as_the_other_slides_out_never_rests_as_the_other() -> None:
    film = Film()
    film.stands(2.3, ANNA)
    for step in range(60):
        people = [one for one in (ANNA.at(4 * step), BERT.at(4 * step - 200)) if one.box.x2 < 640 and one.box.x1 > 0]
        resting = rests(film, *people)
        assert not (resting and film.room.did["embed"] == 0)
        for probe, person in zip(film.eye._faces, people, strict=False):
            assert probe.probe.template is not None
            assert probe.probe.template.vector @ vector_of((person.seed,)) > 0.99


def test_a_face_that_slides_is_embedded_again_before_it_has_gone_far() -> None:
    film = Film()
    film.stands(2.3, ANNA)
    embedded = PLACE.x1
    for step in range(40):
        if not rests(film, ANNA.at(5 * step)):
            embedded = PLACE.x1 + 5 * step
        assert PLACE.x1 + 5 * step - embedded < 0.15 * PLACE.width


def test_two_people_who_cross_keep_their_own_templates() -> None:
    film, right = Film(), replace(BERT, box=RIGHT)
    film.stands(2.3, ANNA, right)
    assert rests(film, ANNA, right)
    for step in range(50):
        anna, bert = ANNA.at(5 * step), right.at(-5 * step)
        hidden = abs(anna.box.x1 - bert.box.x1) < 40  # the detector finds one face where two lie over each other
        people = (anna,) if hidden else (anna, bert)
        for probe, person in zip(film.show(*people), people, strict=True):
            assert probe.template is not None and probe.template.vector @ vector_of((person.seed,)) > 0.99


@pytest.mark.parametrize(
    "changed",
    [
        replace(ANNA, yaw=0.1, shift=3.0),
        ANNA.at(50),
        replace(ANNA, box=Box(270, 88, 370, 212)),
        replace(ANNA, flaws=(Reason.BLURRED,), shift=3.0),
    ],
    ids=["turned", "jumped", "nearer", "blurred"],
)
def test_a_change_of_pose_place_or_quality_is_looked_at(changed: Person) -> None:
    film = Film()
    film.stands(2.3, ANNA)
    assert rests(film, ANNA)
    assert not rests(film, changed)


def test_after_a_gap_nobody_rests() -> None:
    film = Film()
    film.stands(2.3, ANNA)
    film.show()
    assert not rests(film, ANNA)
    film.stands(1, ANNA)
    assert not film.show(ANNA, after_s=1.2)[0].rested
    assert not film.show(ANNA, after_s=-5)[0].rested


def test_another_region_or_size_of_the_picture_begins_anew() -> None:
    film = Film()
    film.stands(1, ANNA)
    film.number += 1
    frame = film.room.frame(film.number, (ANNA,), film.at + timedelta(seconds=0.1))
    assert not film.eye.analyse(replace(frame, region=Region(0, 0, 0.9, 1)))[0].rested


def test_a_poor_face_rests_until_it_is_good_enough() -> None:
    film, poor = Film(), replace(ANNA, flaws=(Reason.TOO_DARK,))
    film.stands(1, poor)
    assert rests(film, poor) and film.room.did["embed"] == 0
    assert not rests(film, replace(ANNA, shift=3.0))
    assert film.room.did["embed"] == 1


def test_what_moves_elsewhere_is_searched_at_once_and_the_person_s_own_body_is_not() -> None:
    film = Film()
    film.stands(1.2, ANNA)
    room, found = film.room, []
    for number in range(4):
        film.number += 1
        image = seen([ANNA], film.number)
        image[220:340, 300:340] += np.uint8(40 * (number % 2))  # an arm
        if number == 3:
            image[150:330, 20:70] = 30  # somebody comes in whose face is not seen yet
        room.here[film.number] = (ANNA,)
        before = room.did["find"]
        film.eye.analyse(Frame(image, film.at + timedelta(seconds=0.02 * (number + 1)), "door", film.number))
        found.append(room.did["find"] - before)
    assert found == [0, 0, 0, 1]


def test_it_says_whose_templates_come_out_and_how_long_each_stage_took() -> None:
    film = Film()
    film.show(ANNA)
    assert isinstance(film.room, Room) and isinstance(film.eye, Following)
    assert film.eye.model_id == film.room.model_id
    assert {"detect", "embed", "follow"} <= set(film.eye.timings)


def test_a_detector_that_takes_one_size_only_searches_whole_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> list[object]:
        raise RuntimeError("Got invalid dimensions for input: image")

    film = Film()
    monkeypatch.setattr(film.room, "find_around", refuse)
    pictures = film.stands(2, ANNA)
    assert sum(probe.rested for (probe,) in pictures) >= 15
    assert film.room.did["embed"] <= 4
