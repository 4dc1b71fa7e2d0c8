"""Which looks of a confirmed passage may become templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import MEAN_PHOTO
from attendance.domain.faces import Box, Probe, Template
from attendance.domain.people.growth import REDUNDANT, chosen, confirms, spare
from attendance.domain.reason import Reason
from tests.factories import MODEL, NOON, make_probe, near, vector_of

ANNA, BERT = vector_of((1,)), vector_of((2,))
POINT = OperatingPoint(0.5, 0.05, MODEL, "administrator", NOON)


def gallery(*rows: tuple[int, np.ndarray], alike: Sequence[tuple[int, int]] = ()) -> Gallery:
    people, vectors = zip(*rows, strict=True)
    return Gallery(list(people), [Template(vector, MODEL) for vector in vectors], MODEL, 1, alike)


STAFF = gallery((1, ANNA), (2, BERT))


def look(vector: np.ndarray, place: float = 0, sharpness: float = 100.0) -> Probe:
    probe = make_probe(vector, box=Box(100 + place, 100, 200 + place, 240))
    return replace(probe, quality=replace(probe.quality, sharpness=sharpness))


def test_a_look_confirms_the_person_whom_it_reaches_alone() -> None:
    assert confirms(Template(near(ANNA, 0.6), MODEL), 1, STAFF, STAFF, POINT)
    assert not confirms(Template(near(ANNA, 0.49), MODEL), 1, STAFF, STAFF, POINT)
    assert not confirms(Template(near(ANNA, 0.6), MODEL), 2, STAFF, STAFF, POINT)
    assert not confirms(Template(near(ANNA, 0.6), "another"), 1, STAFF, STAFF, POINT)


def test_whoever_reaches_two_people_confirms_neither_however_far_apart_they_are() -> None:
    twin = gallery((1, ANNA), (2, near(ANNA, 0.7)))

    assert not confirms(Template(ANNA, MODEL), 1, twin, twin, POINT), "both reach the threshold"
    listed = gallery((1, ANNA), (2, near(ANNA, 0.45)), alike=[(1, 2)])
    assert confirms(Template(ANNA, MODEL), 1, listed, listed, POINT)
    halfway = Template(near(ANNA, 0.52), MODEL)
    assert not confirms(halfway, 1, gallery((1, ANNA), (2, near(halfway.vector, 0.48))), STAFF, POINT), "the margin"


def test_only_what_an_operator_confirmed_is_the_base_and_what_grew_of_others_still_counts_against() -> None:
    drifted = near(ANNA, 0.6)
    further = Template(near(drifted, 0.7, seed=5), MODEL)
    grown = gallery((1, ANNA), (1, drifted), (2, BERT))

    assert float(ANNA @ further.vector) < 0.5 < float(drifted @ further.vector)
    assert not confirms(further, 1, STAFF, grown, POINT), "what grew is no base for more"
    bert_grew = gallery((1, ANNA), (2, BERT), (2, near(ANNA, 0.7)))
    assert not confirms(Template(ANNA, MODEL), 1, STAFF, bert_grew, POINT)


def test_scores_of_another_kind_confirm_nobody() -> None:
    pooled = Gallery([1], [Template(ANNA, MODEL)], MODEL, 1, scoring=MEAN_PHOTO)

    assert not confirms(Template(ANNA, MODEL), 1, pooled, pooled, POINT)


def test_different_good_looks_are_chosen_the_sharpest_first() -> None:
    looks = [look(near(ANNA, 0.62, seed), place=30 * seed, sharpness=50 + seed) for seed in range(1, 5)]
    own = np.stack([ANNA])

    found = chosen(looks, 1, own, STAFF, STAFF, POINT, 2)
    assert [round(one.quality.sharpness) for one in found] == [54], (
        "the others are unlike it by more than one person is"
    )
    alike = [look(near(ANNA, 0.8, seed), place=30 * seed, sharpness=50 + seed) for seed in range(1, 5)]
    assert [round(one.quality.sharpness) for one in chosen(alike, 1, own, STAFF, STAFF, POINT, 2)] == [54, 53]
    assert len(chosen([look(near(ANNA, 0.8)), look(near(ANNA, 0.8, 2))], 1, own, STAFF, STAFF, POINT, 2)) == 1


@pytest.mark.parametrize(
    "bad",
    [
        replace(look(near(ANNA, 0.8)), rested=True),
        make_probe(ANNA, flaws=(Reason.BLURRED,)),
        look(near(ANNA, REDUNDANT + 0.01)),
        look(near(BERT, 0.8)),
    ],
)
def test_a_poor_an_old_a_redundant_and_somebody_elses_look_are_left_out(bad: Probe) -> None:
    assert chosen([bad], 1, np.stack([ANNA]), STAFF, STAFF, POINT, 2) == []


def test_the_most_redundant_goes_and_of_two_alike_the_older() -> None:
    twice, other = near(ANNA, 0.7, 1), near(ANNA, 0.6, 2)

    assert spare(np.stack([twice, other, twice]), np.stack([ANNA]), 2) == [0]
    assert spare(np.stack([other, near(ANNA, 0.94, 3)]), np.stack([ANNA]), 1) == [1]
    assert spare(np.stack([other]), np.stack([ANNA]), 1) == []
