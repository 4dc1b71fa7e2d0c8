"""Scores of the enrolled gallery, checked against plain loops."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.calibration import risk
from attendance.domain.calibration.risk import Strangers
from attendance.domain.faces import Template
from attendance.service.calibration import threshold
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON, near, vector_of

Gallery = list[tuple[str, NDArray[np.float32]]]


def gallery(per_person: int = 3, number: int = 5) -> Gallery:
    """Each person's templates resemble each other; person 1 also resembles person 0."""
    centres = [vector_of((person,)) for person in range(number)]
    if number > 1:
        centres[1] = near(centres[0], 0.5)
    return [
        (f"Person {person}", near(centre, 0.9, seed=100 * person + index))
        for person, centre in enumerate(centres)
        for index in range(per_person)
    ]


def enrol(sessions: Sessions, keys: Keys, faces: Gallery) -> None:
    with sessions.begin() as session:
        for name, group in itertools.groupby(faces, key=lambda one: one[0]):
            person = people.create_person(session, name=name, at=NOON)
            for _, vector in group:
                templates.add_template(session, keys, person.id, Template(vector, MODEL), "upload", {}, None, at=NOON)


def measured(sessions: Sessions, keys: Keys, max_pairs: int = threshold.MAX_PAIRS) -> threshold.GalleryScores:
    with sessions() as session:
        return threshold.gallery_scores(session, keys, MODEL, max_pairs)


def test_scores_equal_those_of_a_plain_loop(sessions: Sessions, keys: Keys) -> None:
    faces = gallery()
    enrol(sessions, keys, faces)
    scores = measured(sessions, keys)
    pairs = list(itertools.combinations(faces, 2))
    genuine = sorted(float(one[1] @ other[1]) for one, other in pairs if one[0] == other[0])
    impostor = sorted(float(one[1] @ other[1]) for one, other in pairs if one[0] != other[0])
    assert np.allclose(scores.genuine, genuine, atol=1e-6)
    assert np.allclose(scores.impostor, impostor, atol=1e-6)
    assert (scores.genuine_total, scores.impostor_total) == (len(genuine), len(impostor))
    assert (scores.people, scores.templates) == (5, 15)


@pytest.mark.parametrize("at", [-0.5, 0.0, 0.1, 0.45, 0.8, 0.99])
def test_rates_count_what_the_threshold_would_do(sessions: Sessions, keys: Keys, at: float) -> None:
    enrol(sessions, keys, gallery())
    scores = measured(sessions, keys)
    result = threshold.consequences(scores, at)
    assert result.fmr.errors == sum(float(score) >= at for score in scores.impostor)
    assert result.fnmr.errors == sum(float(score) < at for score in scores.genuine)
    assert (result.fmr.trials, result.fnmr.trials) == (len(scores.impostor), len(scores.genuine))
    for rate in (result.fmr, result.fnmr):
        low, high = rate.interval()
        assert rate.value is not None
        assert low <= rate.value <= high


def test_the_people_who_look_alike_are_named_first(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, gallery())
    first, *others = measured(sessions, keys).look_alikes
    assert {first.name, first.other_name} == {"Person 0", "Person 1"}
    assert len(others) == 9
    assert [one.score for one in others] == sorted((one.score for one in others), reverse=True)
    assert first.score > others[0].score + 0.1


def test_a_large_gallery_is_sampled_the_same_way_every_time_and_says_so(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, gallery(per_person=4, number=12))
    everything = measured(sessions, keys)
    sample, again = measured(sessions, keys, 50), measured(sessions, keys, 50)
    assert np.array_equal(sample.impostor, again.impostor)
    assert (len(sample.genuine), len(sample.impostor)) == (50, 50)
    assert (sample.genuine_total, sample.impostor_total) == (12 * 6, 48 * 47 // 2 - 12 * 6)
    assert np.isin(sample.impostor, everything.impostor).all()
    assert len(np.unique(sample.impostor)) == 50


@pytest.mark.parametrize(("per_person", "number"), [(1, 0), (1, 1), (3, 1), (1, 3)])
def test_too_few_people_give_an_honest_nothing(sessions: Sessions, keys: Keys, per_person: int, number: int) -> None:
    enrol(sessions, keys, gallery(per_person, number))
    scores = measured(sessions, keys)
    result = threshold.consequences(scores, 0.4)
    if len(scores.impostor) == 0:
        assert (result.fmr.value, *result.fmr.interval()) == (None, 0.0, 1.0)
        assert scores.look_alikes == ()
    if len(scores.genuine) == 0:
        assert (result.fnmr.value, *result.fnmr.interval()) == (None, 0.0, 1.0)


def test_no_false_match_in_a_few_pairs_is_not_taken_for_none_ever(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, gallery(per_person=1, number=4))
    fmr = threshold.consequences(measured(sessions, keys), 0.95).fmr
    assert fmr.value == 0
    assert fmr.interval()[1] > 0.3


def test_a_strangers_chance_has_one_formula_that_counts_people_and_not_their_photos() -> None:
    assert {field.name for field in fields(threshold.Consequences)} == {"threshold", "fmr", "fnmr"}
    scores = np.random.default_rng(1).normal(0.1, 0.1, (500, 20)).astype(np.float32)
    strangers = Strangers(scores, np.full(500, -1, np.int64), MODEL, sampled=True)
    (point,) = risk.curve(strangers, MODEL, 20, [0.3], 0.001, np.random.default_rng(0), 20)
    assert point.fmr is not None
    assert point.fmr == pytest.approx(float((scores >= 0.3).mean()))
    assert point.formula == pytest.approx(1 - (1 - point.fmr) ** 20)


def test_a_score_on_the_threshold_counts_as_the_decision_counts_it(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, gallery())
    scores = measured(sessions, keys)
    tied = replace(scores, impostor=np.array([0.7], np.float32))  # as a double it lies a little below 0.7
    assert threshold.consequences(tied, 0.7).fmr.errors == 0
    assert threshold.consequences(tied, float(np.float32(0.7))).fmr.errors == 1


def test_a_histogram_loses_no_score() -> None:
    scores = np.array([-1.0000001, -1.0, 0.0, 0.3, 1.0, 1.0000001], dtype=np.float32)
    counts, edges = threshold.histogram(scores, bins=20)
    assert counts.sum() == len(scores)
    assert (len(edges), edges[0], edges[-1]) == (21, -1.0, 1.0)


def test_the_rates_fall_for_strangers_and_rise_for_ones_own(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, gallery())
    scores = measured(sessions, keys)
    points = [threshold.consequences(scores, at) for at in np.linspace(-1, 1, 41).tolist()]
    false_matches = [point.fmr.errors for point in points]
    false_refusals = [point.fnmr.errors for point in points]
    assert false_matches == sorted(false_matches, reverse=True)
    assert false_refusals == sorted(false_refusals)
