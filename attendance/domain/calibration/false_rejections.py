"""How often people are refused though they are who they are.

In: genuine scores with whose they are; a threshold; a source of chance from the caller.  Out: a share with interval.
Does not know: where the scores come from.
Main choice: the mean over people and not over looks, drawn again by people: ten photos of one person are one person.
Trade-off: with few people the interval is wide, whatever the number of photos.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.error_rates import wilson_interval


@dataclass(frozen=True, slots=True)
class Share:
    """`value` of `trials` looks of `people` people, with the 95 % interval; None without any."""

    value: float | None
    low: float
    high: float
    trials: int
    people: int


def share_refused(
    genuine: NDArray[np.float32],
    owners: NDArray[np.int64],
    threshold: float,
    random: np.random.Generator,
    draws: int = 400,
) -> Share:
    """How often people's own looks stay below the threshold: the mean over people, redrawn by people.

    Wilson's over people, taken together with it, speaks where nobody, or nearly nobody, was refused.
    """
    finite = np.isfinite(genuine)
    if not len(genuine) or not finite.all():
        return Share(None, 0.0, 1.0, int(finite.sum()), len(np.unique(owners)))
    _, index = np.unique(owners, return_inverse=True)
    refused = np.bincount(index, genuine < np.float64(threshold)) / np.bincount(index)
    number = len(refused)
    means = refused[random.integers(0, number, (draws, number))].mean(axis=1)
    value = float(refused.mean())
    low, high = (float(each) for each in np.quantile(means, [0.025, 0.975]))
    wilson = (
        wilson_interval(math.floor(value * number), number)[0],
        wilson_interval(math.ceil(value * number), number)[1],
    )
    return Share(value, min(low, wilson[0]), max(high, wilson[1]), len(genuine), number)
