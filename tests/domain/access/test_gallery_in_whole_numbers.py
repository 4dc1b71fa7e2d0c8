"""The search in whole numbers finds whom comparing with everybody finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from attendance.domain.access.gallery import CoarseRows, Gallery, Product
from attendance.domain.access.scoring import BEST_PHOTO, MEAN_PHOTO, Scoring
from attendance.domain.faces import Template
from tests.factories import MODEL


def plain_product(rows: NDArray[np.int8]) -> Product:
    return lambda face: rows.astype(np.int32) @ face.astype(np.int32)


def rows_of(number: int, dim: int, spread: float, seed: int) -> NDArray[np.float32]:
    """Unit rows around a common direction; the smaller `spread`, the nearer to each other."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal((1, dim)) + spread * random.standard_normal((number, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@settings(deadline=None)
@given(
    st.integers(1, 120),
    st.integers(2, 40),
    st.sampled_from((1e-6, 0.01, 0.3, 3.0)),
    st.integers(1, 5),
    st.sampled_from((BEST_PHOTO, MEAN_PHOTO)),
    st.integers(0, 99),
)
def test_it_finds_whom_comparing_with_everybody_finds(
    number: int, dim: int, spread: float, limit: int, scoring: Scoring, seed: int
) -> None:
    rows = rows_of(number, dim, spread, seed)
    owners = np.random.default_rng(seed).integers(1, number + 1, number)
    every = Gallery(owners, rows, MODEL, 1, scoring=scoring)
    quick = Gallery(owners, rows, MODEL, 1, scoring=scoring, make_product=plain_product, worth_it=1)
    for face in (*rows_of(4, dim, spread, seed + 1), rows[0]):
        found, wanted = (gallery.search(Template(face, MODEL), limit) for gallery in (quick, every))
        assert [one.score for one in found] == pytest.approx([one.score for one in wanted], abs=1e-6)
        scores = dict(zip(every.person_ids, every.person_scores(face[None])[0].tolist(), strict=True))
        assert [scores[one.person_id] for one in found] == pytest.approx([one.score for one in wanted], abs=1e-6)


def test_of_many_different_rows_few_are_compared_twice() -> None:
    rows = rows_of(5_000, 64, 50.0, 3)
    coarse = CoarseRows(rows, plain_product)
    near = coarse.near(rows[7], np.arange(5_000), 2)
    assert 7 in near.tolist() and len(near) < 500


def test_small_galleries_do_without() -> None:
    def never(_rows: NDArray[np.int8]) -> Product:
        raise AssertionError

    gallery = Gallery([1, 2], rows_of(2, 8, 1.0, 1), MODEL, 1, make_product=never)
    assert gallery.search(Template(rows_of(1, 8, 1.0, 1)[0], MODEL), 1)
    assert (
        Gallery([], [], MODEL, 1, make_product=never, worth_it=0).search(Template(rows_of(1, 8, 1, 1)[0], MODEL)) == ()
    )
