"""How often one's own people are refused: over people, never over looks."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.domain.calibration.false_rejections import share_refused


def chance() -> np.random.Generator:
    return np.random.default_rng(0)


def scores(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_the_share_is_the_mean_over_people() -> None:
    """One person of two is always refused, ten times; the other never, once."""
    share = share_refused(scores(*[0.2] * 10, 0.9), np.array([1] * 10 + [2]), 0.5, chance())
    assert (share.value, share.trials, share.people) == (0.5, 11, 2)


def test_nobody_refused_among_few_is_not_never() -> None:
    share = share_refused(scores(0.9, 0.8, 0.9), np.array([1, 2, 3]), 0.5, chance())
    assert share.value == 0
    assert share.low == 0
    assert share.high > 0.5


def test_ten_photos_of_one_person_are_one_person() -> None:
    one = share_refused(scores(*[0.9] * 100), np.repeat([1, 2], 50), 0.5, chance())
    many = share_refused(scores(*[0.9] * 100), np.arange(100), 0.5, chance())
    assert one.high > 5 * many.high


def test_a_score_on_the_threshold_passes() -> None:
    assert share_refused(scores(0.5), np.array([1]), 0.5, chance()).value == 0


def test_it_rises_with_the_threshold_whatever_the_order() -> None:
    random = chance()
    values, owners = random.uniform(0, 1, 200).astype(np.float32), random.integers(0, 30, 200)
    rates = [share_refused(values, owners, at, chance()).value or 0 for at in np.linspace(0.05, 0.95, 19)]
    assert rates == sorted(rates)
    order = random.permutation(200)
    assert share_refused(values[order], owners[order], 0.4, chance()).value == pytest.approx(
        share_refused(values, owners, 0.4, chance()).value
    )


@pytest.mark.parametrize("values", [[], [0.5, np.nan], [np.inf]])
def test_no_scores_or_broken_ones_give_no_number(values: list[float]) -> None:
    share = share_refused(scores(*values), np.arange(len(values)), 0.5, chance())
    assert (share.value, share.low, share.high) == (None, 0.0, 1.0)
