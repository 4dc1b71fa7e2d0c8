from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.calibration import error_rates as rates

# Two decimals, so that ties are common.
scores = st.lists(st.integers(-100, 100).map(lambda value: value / 100), min_size=1, max_size=40)
thresholds = st.integers(-110, 110).map(lambda value: value / 100)


@given(scores, thresholds)
def test_rates_at_a_threshold_agree_with_counting(values: list[float], threshold: float) -> None:
    matches = sum(value >= threshold for value in values)
    assert rates.fmr_at(values, threshold) == rates.ErrorRate(matches, len(values))
    assert rates.fnmr_at(values, threshold) == rates.ErrorRate(len(values) - matches, len(values))


@given(scores, scores)
def test_the_curve_agrees_with_the_rates_and_only_falls_and_rises(genuine: list[float], impostor: list[float]) -> None:
    curve = rates.curve(genuine, impostor)
    for threshold, fmr, fnmr in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
        assert fmr == pytest.approx(rates.fmr_at(impostor, threshold).value)
        assert fnmr == pytest.approx(rates.fnmr_at(genuine, threshold).value)
    assert (np.diff(curve.fmr) <= 0).all()
    assert (np.diff(curve.fnmr) >= 0).all()
    assert (curve.fmr[-1], curve.fnmr[-1], curve.tar[-1]) == (0, 1, 0)


@given(scores, st.floats(0, 1))
def test_the_threshold_for_a_rate_keeps_it_and_a_lower_one_would_not(impostor: list[float], target: float) -> None:
    threshold = rates.threshold_at_fmr(impostor, target)
    reached = rates.fmr_at(impostor, threshold).value
    assert reached is not None
    assert reached <= target + 1e-9
    lower = [value for value in impostor if value < threshold]
    if lower:
        beyond = rates.fmr_at(impostor, max(lower)).value
        assert beyond is not None
        assert beyond > target


def test_true_accepts_at_a_rate_of_false_ones_come_with_their_counts() -> None:
    result = rates.verification(genuine=[0.9, 0.8, 0.5, 0.2], impostor=[0.6, 0.4, 0.3, 0.1], far=0.25)
    assert result.false_matches == rates.ErrorRate(1, 4)
    assert result.false_non_matches == rates.ErrorRate(1, 4)
    assert result.tar == 0.75
    assert 0.4 < result.threshold < 0.41


def test_scores_that_are_apart_have_no_equal_error_and_equal_ones_have_a_half() -> None:
    assert rates.eer([0.8, 0.9], [0.1, 0.2])[0] == 0
    assert rates.eer([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4])[0] == pytest.approx(0.5, abs=0.13)


def test_the_equal_error_of_two_bells_is_the_one_of_the_formula() -> None:
    random = np.random.default_rng(0)
    rate, threshold = rates.eer(random.normal(0.6, 0.1, 50_000), random.normal(0.2, 0.1, 50_000))
    assert rate == pytest.approx(0.5 * math.erfc(2 / math.sqrt(2)), abs=2e-3)  # both bells are 2 sigma away
    assert threshold == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(errors: int, trials: int, low: float, high: float) -> None:
    assert rates.wilson_interval(errors, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0.5, 0.999))
def test_an_interval_holds_its_share_and_is_symmetric(one: int, other: int, confidence: float) -> None:
    errors, trials = min(one, other), max(one, other)
    low, high = rates.wilson_interval(errors, trials, confidence)
    if not trials:
        assert (low, high) == (0, 1)
        return
    assert 0 <= low <= errors / trials <= high <= 1
    mirrored = rates.wilson_interval(trials - errors, trials, confidence)
    assert mirrored == (pytest.approx(1 - high, abs=1e-9), pytest.approx(1 - low, abs=1e-9))


@given(st.floats(0, 1), st.integers(0, 10_000))
def test_a_strangers_chance_grows_with_the_gallery(fmr: float, size: int) -> None:
    chance = rates.fpir_at_gallery_size(fmr, size)
    assert 0 <= chance <= rates.fpir_at_gallery_size(fmr, size + 1) <= 1
    assert chance <= fmr * size * (1 + 1e-9)


def test_a_tiny_rate_is_not_lost_in_rounding() -> None:
    assert rates.fpir_at_gallery_size(1e-18, 1000) == pytest.approx(1e-15)
    assert rates.fpir_at_gallery_size(1e-3, 412) == pytest.approx(1 - 0.999**412)
    assert (rates.fpir_at_gallery_size(1, 1), rates.fpir_at_gallery_size(1, 0)) == (1, 0)


def test_without_trials_there_is_no_rate_but_the_widest_interval() -> None:
    nothing = rates.fmr_at([], 0.5)
    assert (nothing.value, nothing.interval()) == (None, (0, 1))


def test_a_score_that_is_no_number_is_no_safe_refusal() -> None:
    for function in (rates.fmr_at, rates.fnmr_at):
        with pytest.raises(ValueError, match="finite"):
            function([0.5, math.nan], 0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rates.wilson_interval(2, 1),
        lambda: rates.wilson_interval(0, 1, 1.0),
        lambda: rates.ErrorRate(-1, 1),
        lambda: rates.curve([], [0.1]),
        lambda: rates.eer([0.1], []),
        lambda: rates.threshold_at_fmr([], 0.1),
        lambda: rates.threshold_at_fmr([0.1], -0.1),
        lambda: rates.fpir_at_gallery_size(1.1, 1),
        lambda: rates.fpir_at_gallery_size(math.nan, 1),
    ],
)
def test_impossible_questions_are_errors(call: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        call()  # type: ignore[operator]
