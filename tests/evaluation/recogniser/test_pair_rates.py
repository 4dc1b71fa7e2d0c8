"""Rates over pairs, against counting by hand and against bootstrap draws written out in full."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.domain.calibration import error_rates
from attendance.evaluation.recogniser import pair_rates
from attendance.evaluation.recogniser.pair_rates import Impostors, Pairs

FARS = (0.3, 0.1, 0.01)


def some_pairs(seed: int, people: int = 12, each: int = 4, step: float = 0.05) -> tuple[Pairs, Pairs]:
    """Genuine and impostor pairs of made-up photographs; steps, so that ties are common."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), each)
    a, b, c, d = pair_rates.of_people(labels, 10**6)
    genuine = np.round(random.normal(0.6, 0.2, len(a)) / step) * step
    impostor = np.round(random.normal(0.1, 0.2, len(c)) / step) * step
    return Pairs(genuine, labels[a], labels[b]), Pairs(impostor, labels[c], labels[d])


def rate(result: dict[str, dict[str, object]], far: float) -> float:
    value = result[f"tar_at_far_{far:g}"]["rate"]
    assert isinstance(value, float)
    return value


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_true_accepts_agree_with_the_rates_of_the_domain_and_rise_with_the_false_ones(seed: int) -> None:
    genuine, impostor = some_pairs(seed)
    result = pair_rates.tar_at_far(genuine, impostor, FARS, people=12)
    for far in FARS:
        expected = error_rates.verification(genuine.scores, impostor.scores, far)
        assert rate(result, far) == pytest.approx(expected.tar, abs=1e-5)
        assert result[f"tar_at_far_{far:g}"]["threshold"] == pytest.approx(expected.threshold, abs=1e-4)
    assert rate(result, 0.3) >= rate(result, 0.1) >= rate(result, 0.01)


def test_the_order_of_the_pairs_does_not_matter() -> None:
    genuine, impostor = some_pairs(1)
    random = np.random.default_rng(2)
    shuffled = []
    for pairs in (genuine, impostor):
        order = random.permutation(len(pairs))
        shuffled.append(Pairs(pairs.scores[order], pairs.first[order], pairs.second[order]))
    assert pair_rates.tar_at_far(*shuffled, FARS, 12) == pair_rates.tar_at_far(genuine, impostor, FARS, 12)


def test_a_face_not_found_is_an_error_of_a_genuine_pair_and_no_comparison_of_an_impostor_pair() -> None:
    genuine, impostor = some_pairs(3)
    genuine.scores[:10] = np.nan
    impostor.scores[:100] = np.nan
    (cell,) = pair_rates.tar_at_far(genuine, impostor, (0.1,), 12).values()
    expected = error_rates.verification(
        np.where(np.isnan(genuine.scores), -1, genuine.scores), impostor.scores[100:], 0.1
    )
    assert cell["rate"] == pytest.approx(expected.tar, abs=1e-5)
    assert (cell["genuine"], cell["impostor"]) == (len(genuine), len(impostor) - 100)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_a_draws_threshold_is_that_of_the_pairs_written_out_as_often_as_drawn(seed: int) -> None:
    _, impostor = some_pairs(seed, people=6, each=2)
    times = np.random.default_rng(seed).integers(0, 3, 6).astype(float)
    repeats = (times[impostor.first] * times[impostor.second]).astype(int)
    written_out = np.repeat(impostor.scores, repeats)
    if len(written_out):
        expected = error_rates.threshold_at_fmr(written_out, 0.1)
        assert Impostors(impostor, 0.1).threshold(0.1, times) == pytest.approx(expected)


def test_an_interval_over_people_sees_that_one_person_spoils_many_pairs() -> None:
    genuine, impostor = some_pairs(4, people=20, each=8)
    genuine.scores[:] = 0.9
    genuine.scores[genuine.first == 3] = 0.0
    (cell,) = pair_rates.tar_at_far(genuine, impostor, (0.01,), 20).values()
    low, high = cell["interval95_people"]
    by_pairs = error_rates.wilson_interval(round(cell["rate"] * len(genuine)), len(genuine))
    assert cell["rate"] == 0.95
    assert high - low > 2 * (by_pairs[1] - by_pairs[0])


def test_no_error_among_few_people_is_no_certainty() -> None:
    genuine, impostor = some_pairs(5)
    genuine.scores[:] = 2.0
    (cell,) = pair_rates.tar_at_far(genuine, impostor, (0.1,), 12).values()
    assert cell["rate"] == 1.0
    assert cell["interval95_people"] == [round(error_rates.wilson_interval(12, 12)[0], 5), 1.0]


def test_a_rate_below_one_of_the_impostors_is_marked() -> None:
    genuine, impostor = some_pairs(6)
    result = pair_rates.tar_at_far(genuine, impostor, (0.1, 1e-5), 12)
    assert "beyond_the_data" not in result["tar_at_far_0.1"]
    assert result["tar_at_far_1e-05"]["beyond_the_data"] is True


def test_nothing_to_compare_is_an_error_and_no_number() -> None:
    genuine, impostor = some_pairs(7)
    nothing = Pairs(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))
    with pytest.raises(ValueError, match="needs impostor pairs"):
        pair_rates.tar_at_far(genuine, nothing, FARS, 12)
    with pytest.raises(ValueError, match="needs genuine pairs"):
        pair_rates.tar_at_far(nothing, impostor, FARS, 12)


@pytest.mark.parametrize("most", [10**6, 50])
def test_pairs_are_all_genuine_ones_and_distinct_impostors(most: int) -> None:
    labels = np.array([0, 1, 0, 2, 2, 2, 3, 1, 4, 5, 6, 7, 8, 9])
    a, b, c, d = pair_rates.of_people(labels, most)
    everything = {(i, j) for i in range(len(labels)) for j in range(i + 1, len(labels))}
    genuine = {(i, j) for i, j in everything if labels[i] == labels[j]}
    assert {tuple(sorted(pair)) for pair in zip(a, b, strict=True)} == genuine
    drawn = {tuple(sorted(pair)) for pair in zip(c, d, strict=True)}
    assert len(drawn) == len(c) == min(most, len(everything - genuine))
    assert drawn <= everything - genuine


def test_scores_are_cosines_and_a_missing_face_has_none() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(5, 8)).astype(np.float32)
    vectors[2] = np.nan
    found = pair_rates.pairs_between(vectors, np.arange(5), np.array([0, 1, 2]), np.array([3, 4, 0]))
    assert found.scores[:2] == pytest.approx([float(vectors[0] @ vectors[3]), float(vectors[1] @ vectors[4])], abs=1e-5)
    assert np.isnan(found.scores[2])


def test_intervals_over_people_cover_the_truth_where_intervals_over_pairs_do_not() -> None:
    """30 simulated sites of 40 people, some of whom are harder than others; the truth is a site of 1,000."""
    random = np.random.default_rng(1)

    def site(people: int, each: int) -> tuple[Pairs, Pairs]:
        labels = np.repeat(np.arange(people), each)
        a, b, c, d = pair_rates.of_people(labels, 20_000)
        ease, look = random.normal(0, 0.1, people), random.normal(0, 0.05, people)
        genuine = 0.5 + ease[labels[a]] + random.normal(0, 0.1, len(a))
        impostor = 0.1 + look[labels[c]] + look[labels[d]] + random.normal(0, 0.1, len(c))
        return Pairs(genuine, labels[a], labels[b]), Pairs(impostor, labels[c], labels[d])

    (truth,) = pair_rates.tar_at_far(*site(1000, 3), (0.01,), 1000).values()
    by_people = by_pairs = 0
    for _ in range(30):
        genuine, impostor = site(40, 5)
        (cell,) = pair_rates.tar_at_far(genuine, impostor, (0.01,), 40).values()
        low, high = cell["interval95_people"]
        by_people += low <= truth["rate"] <= high
        low, high = error_rates.wilson_interval(round(cell["rate"] * len(genuine)), len(genuine))
        by_pairs += low <= truth["rate"] <= high
    assert by_people >= 24  # 28 are promised; percentiles of few people fall somewhat short
    assert by_pairs < by_people
