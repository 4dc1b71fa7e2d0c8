"""Search against a slow reference; and that nothing is ignored silently."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.gallery import Candidate, Gallery
from attendance.domain.faces import Template
from tests.factories import MODEL, make_template, near, vector_of


@st.composite
def galleries(draw: st.DrawFn) -> tuple[list[int], list[Template]]:
    owners = draw(st.lists(st.integers(1, 12), max_size=30))
    templates = [Template(vector_of((draw(st.integers(0, 8)),), dim=6), MODEL) for _ in owners]
    return owners, templates


def slow_search(owners: list[int], templates: list[Template], probe: Template) -> list[tuple[int, float]]:
    best: dict[int, float] = {}
    for owner, template in zip(owners, templates, strict=True):
        best[owner] = max(best.get(owner, -2.0), template.score(probe))
    return sorted(best.items(), key=lambda one: (-one[1], one[0]))


@given(galleries(), st.integers(0, 99), st.integers(1, 6))
def test_the_search_agrees_with_comparing_one_by_one(
    gallery: tuple[list[int], list[Template]], seed: int, limit: int
) -> None:
    probe = Template(vector_of((seed, 1), dim=6), MODEL)
    found = Gallery(*gallery, MODEL, 1).search(probe, limit)
    expected = slow_search(*gallery, probe)[:limit]
    assert [one.score for one in found] == pytest.approx([score for _, score in expected], abs=1e-5)
    assert len({one.person_id for one in found}) == len(found)
    every = dict(slow_search(*gallery, probe))
    assert all(every[one.person_id] == pytest.approx(one.score, abs=1e-5) for one in found)


@given(galleries(), st.randoms())
def test_the_order_of_enrolment_does_not_matter(gallery: tuple[list[int], list[Template]], random: Random) -> None:
    rows = list(zip(*gallery, strict=True))
    random.shuffle(rows)
    shuffled = Gallery([owner for owner, _ in rows], [template for _, template in rows], MODEL, 1)
    probe = Template(vector_of((3, 1), dim=6), MODEL)
    first, second = Gallery(*gallery, MODEL, 1).search(probe), shuffled.search(probe)
    assert [one.score for one in first] == pytest.approx([one.score for one in second], abs=1e-6)


def test_equal_scores_are_ranked_by_person_id_whatever_the_limit() -> None:
    same = make_template(1)
    gallery = Gallery([30, 10, 20], [same, same, same], MODEL, 1)
    assert [one.person_id for one in gallery.search(same, 2)] == [10, 20]


def test_a_person_counts_once_with_the_best_template() -> None:
    probe = make_template(1)
    gallery = Gallery(
        [5, 5], [Template(near(probe.vector, 0.3), MODEL), Template(near(probe.vector, 0.8), MODEL)], MODEL, 1
    )
    (only,) = gallery.search(probe)
    assert only == Candidate(5, pytest.approx(0.8, abs=1e-5))
    assert (gallery.size, len(gallery)) == (1, 2)


def test_a_matrix_and_templates_make_the_same_gallery() -> None:
    templates = [make_template(1), make_template(2)]
    matrix = np.stack([one.vector for one in templates])
    probe = make_template(2)
    assert Gallery([1, 2], matrix, MODEL, 1).search(probe) == Gallery([1, 2], templates, MODEL, 1).search(probe)


def test_the_callers_matrix_may_change_without_changing_the_gallery() -> None:
    matrix = np.stack([vector_of((1,)), vector_of((2,))])
    gallery = Gallery([1, 2], matrix, MODEL, 1)
    before = gallery.search(make_template(1))
    matrix[:] = 0
    assert gallery.search(make_template(1)) == before


def test_an_empty_gallery_finds_nobody() -> None:
    gallery = Gallery([], [], MODEL, 7)
    assert gallery.search(make_template(1)) == ()
    assert (gallery.size, len(gallery), gallery.version, gallery.model_id) == (0, 0, 7, MODEL)


@pytest.mark.parametrize("enrolled", [0, 1])
def test_a_probe_of_another_model_is_an_error_and_no_mismatch(enrolled: int) -> None:
    gallery = Gallery(list(range(enrolled)), [make_template(1)] * enrolled, MODEL, 1)
    with pytest.raises(ValueError, match="another-model"):
        gallery.search(make_template(1, model_id="another-model"))


def test_nothing_is_left_out_silently() -> None:
    good = make_template(1)
    with pytest.raises(ValueError, match="another-model"):
        Gallery([1, 2], [good, make_template(1, model_id="another-model")], MODEL, 1)
    with pytest.raises(ValueError, match="2 person ids for 1"):
        Gallery([1, 2], [good], MODEL, 1)
    with pytest.raises(ValueError, match="unit norm"):
        Gallery([1], np.full((1, 4), np.nan, np.float32), MODEL, 1)
    with pytest.raises(ValueError, match="unit norm"):
        Gallery([1], np.ones((1, 4), np.float32), MODEL, 1)
    with pytest.raises(ValueError, match=r"\[M,D\]"):
        Gallery([1], np.ones(1, np.float32), MODEL, 1)
    with pytest.raises(ValueError, match="4 numbers"):
        Gallery([1], [good], MODEL, 1).search(Template(vector_of((1,), dim=4), MODEL))
    with pytest.raises(ValueError, match="at least one"):
        Gallery([1], [good], MODEL, 1).search(good, limit=0)
    with pytest.raises(ValueError, match="names its model"):
        Gallery([], [], "", 1)
