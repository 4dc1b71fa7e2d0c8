"""Error versus discard: what a number that knows everything, nothing, and the opposite must give."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.evaluation.recogniser import error_vs_reject

SCORES = np.concatenate([np.full(100, 0.2), np.full(900, 0.8)])  # one in ten is wrong at 0.5
RANDOM = np.random.default_rng(0)


def test_a_quality_that_knows_the_errors_takes_them_away_first() -> None:
    rates = error_vs_reject.error_vs_reject(SCORES, SCORES, 0.5)
    assert rates[0] == 0.1
    assert rates[10:] == [0.0] * 21
    assert error_vs_reject.use(rates) == pytest.approx(1.0)


def test_a_quality_of_chance_is_of_no_use_and_an_inverted_one_is_worse() -> None:
    uses = [error_vs_reject.use(error_vs_reject.error_vs_reject(SCORES, RANDOM.random(1000), 0.5)) for _ in range(40)]
    assert np.mean(uses) == pytest.approx(0, abs=0.05)
    inverted = error_vs_reject.use(error_vs_reject.error_vs_reject(SCORES, -SCORES, 0.5))
    assert inverted is not None and inverted < -0.1


def test_each_rate_agrees_with_counting() -> None:
    scores, quality = RANDOM.random(500), RANDOM.random(500)
    rates = error_vs_reject.error_vs_reject(scores, quality, 0.3)
    best_first = sorted(zip(quality, scores, strict=True), reverse=True)
    for step, rate in zip(error_vs_reject.STEPS, rates, strict=True):
        kept = best_first[: 500 - int(step * 500 + 1e-9)]
        assert rate == pytest.approx(sum(score < 0.3 for _, score in kept) / len(kept))


def test_without_errors_nothing_can_be_said() -> None:
    assert error_vs_reject.use(error_vs_reject.error_vs_reject(np.ones(50), RANDOM.random(50), 0.5)) is None


def test_pairs_without_a_face_are_left_out() -> None:
    scores = np.concatenate([SCORES, np.full(200, np.nan)])
    found = error_vs_reject.report(scores, {"known": scores, "unknown": RANDOM.random(1200)}, 0.5)
    assert found["known"]["pairs"] == 1000
    assert found["known"]["fnmr_by_discard"]["0"] == 0.1
    assert error_vs_reject.report(np.full(3, np.nan), {"known": np.ones(3)}, 0.5) == {}
