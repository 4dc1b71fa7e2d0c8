"""Rates over people, equal errors and calibration, against numbers worked out by hand or otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.domain.access.liveness.calibrating import calibration, limit_at
from attendance.evaluation.liveness.measures import equal_error_rate, rate, wilson


def test_a_rate_counts_frames_and_its_interval_people() -> None:
    people = np.repeat([f"p{n}" for n in range(10)], 50)
    one_bad = np.repeat(np.arange(10) == 3, 50)
    scattered = np.arange(500) % 10 == 0
    clustered, even = rate(one_bad, people), rate(scattered, people)
    assert (clustered.errors, clustered.count, clustered.people, clustered.share) == (50, 500, 10, 0.1)
    assert even.share == 0.1
    assert clustered.high - clustered.low > 5 * (even.high - even.low)


def test_without_an_error_the_interval_still_has_a_width_over_people() -> None:
    found = rate([False] * 900, ["a"] * 450 + ["b"] * 450)
    assert found.low == 0
    assert found.high == pytest.approx(wilson(0, 2)[1])
    assert found.high > 0.6


def test_nobody_measured_says_nothing() -> None:
    assert (rate([], []).low, rate([], []).high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="one person"):
        rate([True], [])


def test_the_equal_error_rate_of_two_normal_classes_is_the_tail_between_them() -> None:
    random = np.random.default_rng(0)
    live, attacks = random.normal(1, 1, 20_000), random.normal(-1, 1, 20_000)
    assert equal_error_rate(live, attacks) == pytest.approx(0.1587, abs=0.01)
    assert equal_error_rate(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 0.0
    assert equal_error_rate(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 1.0


def test_a_calibrated_logit_is_the_log_likelihood_ratio() -> None:
    random = np.random.default_rng(1)
    # Of two normal classes at ±1 with deviation 1 the ratio is 2x; here the logit is off by 3 and half as steep.
    live, attacks = random.normal(1, 1, 30_000) / 2 + 3, random.normal(-1, 1, 3_000) / 2 + 3
    slope, offset = calibration(live, attacks)
    assert slope == pytest.approx(4.0, rel=0.25)
    assert offset == pytest.approx(-12.0, rel=0.25)


def test_classes_that_do_not_overlap_get_a_finite_slope() -> None:
    slope, offset = calibration(np.full(50, 5.0), np.full(50, -5.0))
    assert 0 < slope < 100
    assert abs(offset) < 10


def test_a_limit_refuses_the_share_it_was_asked_for() -> None:
    assert (np.arange(100) < limit_at(np.arange(100.0), 0.03)).mean() == pytest.approx(0.03)
