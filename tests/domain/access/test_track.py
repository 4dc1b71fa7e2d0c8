"""An attempt: different looks pooled into one decision, and what ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from attendance.domain.access.attempts import RefusedAttempts
from attendance.domain.access.consensus import Settled
from attendance.domain.access.decision import Decision, decide
from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import ATTEMPT_MEAN, Scoring, unit
from attendance.domain.access.track import LOOKS_MOST, Tracks, differs
from attendance.domain.faces import Box, Probe, Template
from attendance.domain.reason import Reason
from tests.factories import MODEL, NOON, make_probe, near, vector_of

LEFT, RIGHT = Box(100, 100, 200, 220), Box(400, 100, 500, 220)
ANNA, BERT = vector_of((1,)), vector_of((2,))
POINT = OperatingPoint(0.85, 0.05, MODEL, "calibration", NOON, ATTEMPT_MEAN.version)
GALLERY = Gallery([1, 2], [Template(ANNA, MODEL), Template(BERT, MODEL)], MODEL, 1, scoring=ATTEMPT_MEAN)
DARK = make_probe(ANNA, box=LEFT, flaws=(Reason.TOO_DARK,))


def look(person: np.ndarray, cosine: float, seed: int, box: Box = LEFT) -> Probe:
    return make_probe(near(person, cosine, seed), box=box)


def looks(person: np.ndarray, cosine: float, number: int, first: int = 0) -> list[Probe]:
    return [look(person, cosine, first + seed) for seed in range(number)]


class Door:
    """Tracks that are shown pictures every `step` seconds; `seen_before`: numbers of pictures that repeat."""

    def __init__(self, step: float = 0.3, refused: RefusedAttempts | None = None) -> None:
        seconds = timedelta(seconds=1)
        self.tracks = Tracks(3, 2 * seconds, 1.5 * seconds, refused)
        self.step, self.now = step, 0.0
        self.seen_before: set[int] = set()
        self.named: list[bool] = []

    def show(self, *faces: Probe) -> list[Settled]:
        at, self.now = NOON + timedelta(seconds=self.now), self.now + self.step
        return self.tracks.add(at, faces, self.decide, self.is_repeat)

    def story(self, pictures: Sequence[Probe]) -> list[Settled]:
        return [one for picture in pictures for one in self.show(picture)]

    def decide(self, probe: Probe) -> Decision:
        return decide(probe, GALLERY, POINT)

    def is_repeat(self, probe: Probe, named: bool) -> bool:
        self.named.append(named)
        return id(probe) in self.seen_before


def test_looks_that_each_fail_pass_together_once() -> None:
    """Each look has a cosine of 0.75 with Anna; three of them, pooled, have 0.89."""
    pictures = looks(ANNA, 0.75, 12)
    door = Door()
    assert all(not door.decide(one).granted for one in pictures)
    (settled,) = door.story(pictures)
    assert (settled.decision.person_id, settled.frames) == (1, 3)
    assert settled.decision.score == pytest.approx(0.89, abs=0.03)
    assert settled.last_at - settled.first_at == timedelta(seconds=0.6)


def test_one_lucky_look_among_a_strangers_lets_nobody_in() -> None:
    stranger = near(ANNA, 0.3)
    pictures = [look(stranger, 0.8, seed) for seed in range(20)]
    pictures[4] = make_probe(unit(0.7 * ANNA + 0.5 * stranger), box=LEFT)
    door = Door()
    assert door.decide(pictures[4]).granted
    assert [one.decision.reason for one in door.story(pictures)] == [Reason.UNKNOWN]


def test_neighbours_in_time_that_do_not_differ_are_one_look() -> None:
    door = Door(step=1 / 15)
    (settled,) = door.story(looks(ANNA, 0.75, 30))
    assert settled.frames == 3 and settled.last_at - settled.first_at >= timedelta(seconds=0.6)


def test_looks_differ_by_place_pose_and_light() -> None:
    plain = make_probe(ANNA, box=LEFT)
    assert not differs(plain, make_probe(BERT, box=Box(104, 100, 205, 220)))
    assert differs(plain, make_probe(ANNA, box=Box(120, 100, 220, 220)))
    for change in ({"yaw": 0.1}, {"pitch": 0.1}, {"roll": 6.0}, {"brightness": 135.0}):
        assert differs(plain, replace(plain, quality=replace(plain.quality, **change)))


def test_a_walker_needs_less_time_but_never_neighbouring_pictures() -> None:
    door = Door(step=1 / 15)
    pictures = [look(ANNA, 0.75, n, Box(100 + 20 * n, 100, 200 + 20 * n, 220)) for n in range(12)]
    (settled,) = door.story(pictures)
    assert settled.last_at - settled.first_at == pytest.approx(timedelta(seconds=4 / 15), abs=timedelta(seconds=0.01))


def test_the_same_picture_is_no_further_look() -> None:
    door = Door()
    pictures = looks(ANNA, 0.9, 1) * 20
    door.seen_before = {id(pictures[0])}
    assert door.story(looks(ANNA, 0.9, 2, first=50) + pictures) == []


def test_somebody_else_in_the_place_ends_the_attempt() -> None:
    """Two looks at Anna and then a stranger: nothing of Anna's is pooled with the stranger's looks."""
    stranger = vector_of((77,))
    door = Door()
    settled = door.story([*looks(ANNA, 0.95, 2), *looks(stranger, 0.95, 8)])
    assert [one.decision.reason for one in settled] == [Reason.UNKNOWN]
    assert settled[0].decision.score == pytest.approx(float(stranger @ ANNA), abs=0.2)


def test_another_person_in_the_same_place_passes_after_the_first() -> None:
    settled = Door().story([*looks(ANNA, 0.9, 5), *looks(BERT, 0.9, 5)])
    assert [one.decision.person_id for one in settled] == [1, 2]


def test_a_jump_of_place_is_another_attempt() -> None:
    door = Door()
    settled = door.story([*looks(ANNA, 0.75, 2), *(replace(one, box=RIGHT) for one in looks(ANNA, 0.75, 2, first=9))])
    assert settled == []


def test_a_stranger_has_one_try_until_the_place_is_empty() -> None:
    stranger = near(ANNA, 0.3)
    door = Door(step=1.1)
    settled = door.story([look(stranger, 0.8, seed) for seed in range(LOOKS_MOST)])
    assert [one.decision.reason for one in settled] == [Reason.UNKNOWN]
    asked = len(door.named)
    assert door.story([look(stranger, 0.8, 200 + seed) for seed in range(20)]) == []
    assert len(door.named) == asked  # nothing was decided any more
    door.now += 3
    assert [one.decision.reason for one in door.story(looks(stranger, 0.8, 5, first=300))] == [Reason.UNKNOWN]


def test_a_refusal_may_turn_into_a_grant_while_the_attempt_lasts() -> None:
    settled = Door(step=1.0).story([look(ANNA, 0.65, 40)] * 3 + looks(ANNA, 0.9, 4))
    assert [one.decision.reason for one in settled] == [Reason.UNKNOWN, Reason.MATCHED]


def test_of_two_faces_taken_for_one_person_only_the_better_passes() -> None:
    door = Door()
    settled = [one for seed in range(6) for one in door.show(look(ANNA, 0.9, seed), look(ANNA, 0.8, 100 + seed, RIGHT))]
    granted = [one for one in settled if one.decision.granted]
    assert [one.box for one in granted] == [LEFT]


def test_two_people_at_once_both_pass() -> None:
    door = Door()
    settled = [one for seed in range(6) for one in door.show(look(ANNA, 0.9, seed), look(BERT, 0.9, 100 + seed, RIGHT))]
    assert sorted(one.decision.person_id or 0 for one in settled) == [1, 2]


def test_poor_pictures_alone_are_refused_by_their_most_frequent_flaw() -> None:
    (settled,) = Door(step=0.5).story([DARK] * 12)
    assert (settled.decision.reason, settled.frames) == (Reason.TOO_DARK, 6)


def test_poor_pictures_while_walking_up_are_no_refusal() -> None:
    (settled,) = Door().story([DARK] * 5 + looks(ANNA, 0.9, 5))
    assert settled.decision.person_id == 1


def test_a_clock_that_runs_backwards_begins_anew() -> None:
    door = Door()
    assert door.story(looks(ANNA, 0.75, 2)) == []
    door.now = -100.0
    assert door.story(looks(ANNA, 0.75, 2, first=9)) == []


def test_after_several_refused_attempts_a_face_waits_and_others_do_not() -> None:
    door = Door(refused=RefusedAttempts(most=3, within=timedelta(minutes=5)))
    like_anna = near(ANNA, 0.6)

    def attempt(person: np.ndarray, cosine: float = 0.95) -> list[Reason]:
        door.now += 3
        return [one.decision.reason for one in door.story(looks(person, cosine, 8))]

    assert [attempt(like_anna) for _ in range(3)] == [[Reason.UNKNOWN]] * 3
    better = unit(ANNA + like_anna)
    assert decide(make_probe(better), GALLERY, POINT).granted
    assert attempt(better, 0.99) == [Reason.TOO_MANY_ATTEMPTS]
    assert attempt(BERT) == [Reason.MATCHED]
    door.now += 301
    assert attempt(better, 0.99) == [Reason.MATCHED]


@pytest.mark.parametrize("how", ["jumps", "is replaced"])
def test_a_stranger_who_moves_on_before_a_refusal_settles_has_no_further_tries_for_it(how: str) -> None:
    """Three looks in 0.6 seconds are a try; a refusal settles after 1.5."""
    door = Door(refused=RefusedAttempts(most=3, within=timedelta(minutes=5)))
    like_anna, other = near(ANNA, 0.6), vector_of((9,))
    places = [Box(100 + 300 * k, 100, 200 + 300 * k, 220) for k in range(5)] if how == "jumps" else [LEFT]
    for number in range(9):
        box = places[number % len(places)]
        assert not door.story([look(like_anna, 0.95, 10 * number + seed, box) for seed in range(3)])
        if how == "is replaced":
            door.show(make_probe(other, box=LEFT))
    better = unit(ANNA + like_anna)
    door.now += 3
    settled = door.story(looks(better, 0.99, 8))
    assert [one.decision.reason for one in settled] == [Reason.TOO_MANY_ATTEMPTS]


def test_whoever_walks_by_with_too_few_looks_for_a_try_was_not_refused() -> None:
    door = Door(refused=RefusedAttempts(most=1))
    for number in range(5):
        assert not door.story([look(near(ANNA, 0.6), 0.95, 10 * number + seed) for seed in range(2)])
        door.now += 3
    assert [one.decision.reason for one in door.story(looks(ANNA, 0.9, 8))] == [Reason.MATCHED]


def test_a_strangers_refusals_do_not_hold_up_a_person_who_is_alike_by_what_the_centre_takes_off_only() -> None:
    """Cosine 0.49 as they are, and 0 less the centre, under a threshold of 0.3 that belongs to the centre."""
    shared, first, second = np.eye(3, 128, dtype=np.float32)
    one, other = unit(0.7 * shared + 0.714 * first), unit(0.7 * shared + 0.714 * second)
    assert float(one @ other) == pytest.approx(0.49, abs=0.01)
    centred = Scoring(pooled=True, attempt=True, centre=(0.7 * shared).astype(np.float32))
    refused = RefusedAttempts(most=2)
    for number in range(2):
        refused.note(number, one, NOON)
    assert not refused.too_many(other, 0.3, NOON, 9, centred)
    assert refused.too_many(one, 0.3, NOON, 9, centred)


def test_numbers_of_attempts_go_on_when_the_tracks_are_begun_anew() -> None:
    refused = RefusedAttempts(most=1)
    stranger = near(ANNA, 0.7)
    assert [s.decision.reason for s in Door(refused=refused).story(looks(stranger, 0.98, 8))] == [Reason.UNKNOWN]
    door = Door(refused=refused)
    door.now = 60.0
    settled = door.story(looks(unit(ANNA + stranger), 0.99, 8, first=40))
    assert [one.decision.reason for one in settled] == [Reason.TOO_MANY_ATTEMPTS]


def test_an_attempt_that_was_granted_after_all_does_not_count_as_refused() -> None:
    refused = RefusedAttempts(most=1)
    refused.note(7, ANNA, NOON)
    assert refused.too_many(ANNA, 0.7, NOON, attempt=8) and not refused.too_many(ANNA, 0.7, NOON, attempt=7)
    refused.forget(7)
    assert not refused.too_many(ANNA, 0.7, NOON, attempt=8)


@pytest.mark.parametrize("looks_needed", [0, LOOKS_MOST + 1])
def test_impossible_numbers_of_looks_are_refused(looks_needed: int) -> None:
    with pytest.raises(ValueError, match="looks"):
        Tracks(looks_needed, timedelta(seconds=2))


def test_a_grant_is_of_a_picture_whose_face_was_embedded_just_now() -> None:
    """What was seen before lets nobody in by itself: the newest embedding is of the picture in hand, so 0 ms old."""
    door = Door()
    assert not door.story([*looks(ANNA, 0.75, 2), DARK, DARK])
    (settled,) = door.show(look(ANNA, 0.75, 50))
    assert settled.decision.granted and settled.last_at == NOON + timedelta(seconds=1.2)

    crowd = Door()  # her third look is granted only once the other face that is taken for her is gone
    assert not crowd.story(looks(ANNA, 0.75, 2))
    rival = replace(look(ANNA, 0.999, 70), box=RIGHT)
    assert not [one for one in crowd.show(look(ANNA, 0.75, 3), rival) if one.decision.granted]
    assert not crowd.show(DARK)
