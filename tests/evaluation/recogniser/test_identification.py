"""Open-set identification against counting in plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from attendance.evaluation.recogniser import identification
from attendance.evaluation.recogniser.identification import Search, open_set, outcome, search


def a_site(seed: int, people: int = 12, strangers: int = 40) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Enrolled vectors and names, probes and names: two looks a person, one a stranger."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(people + strangers, 16))
    names = np.array([f"p{i:03d}" for i in range(people + strangers)])

    def looks(rows: NDArray) -> NDArray:
        seen = centres[rows] + random.normal(size=(len(rows), 16)) * 0.8
        return (seen / np.linalg.norm(seen, axis=1, keepdims=True)).astype(np.float32)

    enrolled = np.arange(people)
    probes = np.concatenate([np.repeat(enrolled, 2), np.arange(people, people + strangers)])
    return looks(enrolled), names[enrolled], looks(probes), names[probes]


@given(st.integers(0, 10**6), st.sampled_from([0.3, 0.1, 0.05]))
@settings(max_examples=20, deadline=None)
def test_both_rates_agree_with_counting_probe_by_probe(seed: int, fpir: float) -> None:
    gallery, enrolled, probes, owners = a_site(seed)
    found = search(gallery, enrolled, probes, owners)
    rate, threshold, strangers = outcome(found, np.arange(12)).fnir(fpir)
    missed = let_in = known = 0
    for probe, owner in zip(probes, owners, strict=True):
        scores = {name: float(vector @ probe) for name, vector in zip(enrolled, gallery, strict=True)}
        best = max(scores, key=lambda name: scores[name])
        if owner in scores:
            known += 1
            missed += not (best == owner and scores[best] > threshold)
        else:
            let_in += scores[best] > threshold + 1e-6  # the threshold lies just above a stranger
    assert rate == pytest.approx(missed / known)
    assert let_in <= fpir * strangers
    assert let_in == int(fpir * strangers + 1e-9)  # the lowest threshold that keeps the rate


def test_missing_more_strangers_means_missing_fewer_known_people() -> None:
    rows = open_set(search(*a_site(1)), (12,), (0.2, 0.1, 0.05))
    rates = [row["fnir"] for row in rows]
    assert rates == sorted(rates)
    assert all(row["interval95_people"][0] <= row["fnir"] <= row["interval95_people"][1] for row in rows)


def test_the_order_of_people_and_probes_does_not_matter() -> None:
    gallery, enrolled, probes, owners = a_site(2)
    random = np.random.default_rng(0)
    a, b = random.permutation(len(gallery)), random.permutation(len(probes))
    there = open_set(search(gallery, enrolled, probes, owners), (12,), (0.1,))
    again = open_set(search(gallery[a], enrolled[a], probes[b], owners[b]), (12,), (0.1,))
    for key in ("fnir", "threshold", "not_ranked_first", "strangers"):
        assert there[0][key] == pytest.approx(again[0][key], abs=1e-4)


def test_the_best_of_a_persons_photographs_counts() -> None:
    gallery, enrolled, probes, owners = a_site(3)
    twice = search(np.concatenate([gallery, -gallery]), np.concatenate([enrolled, enrolled]), probes, owners)
    assert twice.people == 12
    assert twice.scores == pytest.approx(np.abs(probes @ gallery.T), abs=1e-6)


def test_a_face_not_found_in_the_gallery_or_the_probe_is_a_miss() -> None:
    gallery, enrolled, probes, owners = a_site(4)
    gallery[0], probes[2] = np.nan, np.nan
    one = outcome(search(gallery, enrolled, probes, owners), np.arange(12))
    assert list(np.isinf(one.right[:3])) == [True, True, True]  # two looks at person 0, one at person 1
    assert np.isfinite(one.right).any()


def test_a_stranger_whose_face_is_not_found_is_left_out() -> None:
    gallery, enrolled, probes, owners = a_site(5)
    probes[-10:] = np.nan
    (row,) = open_set(search(gallery, enrolled, probes, owners), (12,), (0.1,))
    assert row["strangers"] == 30


def test_a_tie_is_nobody() -> None:
    found = Search(
        np.array([[0.9, 0.9], [0.9, 0.8], [0.1, 0.1]], np.float32), np.array([0, 0, -1]), np.array([0, 0, 1])
    )
    assert outcome(found, np.arange(2)).right == pytest.approx([-np.inf, 0.9])


def test_several_galleries_are_drawn_and_larger_ones_than_there_are_people_left_out() -> None:
    rows = open_set(search(*a_site(6)), (4, 12, 100), (0.1,), galleries=5)
    assert [(row["gallery"], row["galleries"]) for row in rows] == [(4, 5), (12, 1)]
    assert rows[0]["fnir"] <= rows[1]["fnir"] + 0.1  # more people, more mistakes


def test_too_few_strangers_for_a_rate_are_marked() -> None:
    rows = open_set(search(*a_site(7)), (12,), (0.001, 0.1))
    assert rows[0]["beyond_the_data"] is True and "beyond_the_data" not in rows[1]


def test_without_strangers_there_is_no_number() -> None:
    gallery, enrolled, probes, owners = a_site(8, strangers=0)
    with pytest.raises(ValueError, match="strangers"):
        open_set(search(gallery, enrolled, probes, owners), (12,), (0.1,))


def test_nobody_missed_among_few_people_is_no_certainty() -> None:
    names = np.array(["a", "b", "c", "d"])
    gallery = np.eye(4, dtype=np.float32)
    probes = np.concatenate([gallery, -np.ones((20, 4), np.float32) / 2])
    owners = np.concatenate([names, [f"s{i}" for i in range(20)]])
    (row,) = open_set(identification.search(gallery, names, probes, owners), (4,), (0.1,))
    assert row["fnir"] == 0
    assert row["interval95_people"][0] == 0 and row["interval95_people"][1] > 0.4
