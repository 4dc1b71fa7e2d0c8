"""Rates of presentation-attack detection, with intervals clustered by person.

In: scores (higher is alive), labels, people.  Out: APCER, BPCER, EER, limits fixed at a share.
Does not know: pictures, networks, sets.
Main choice: people are drawn anew and never frames (bootstrap over clusters), since frames of one person are alike.
Words as in ISO/IEC 30107-3: APCER is the share of attacks taken for live people, BPCER the share of live people taken
for attacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Rate:
    """`errors` of `count` frames of `people` people; `low` and `high` bound the 95 % interval."""

    errors: int
    count: int
    people: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return errors per frame; NaN without frames."""
        return self.errors / self.count if self.count else float("nan")


def rate(wrong: Sequence[bool] | NDArray[np.bool_], people: Sequence[str] | NDArray[np.str_], seed: int = 0) -> Rate:
    """Return the rate of errors with its interval over people.

    With one person, or without any error (or nothing else), the bootstrap would have no width: then the interval is
    Wilson's, over people.
    """
    flags, names = np.asarray(wrong, bool), np.asarray(people)
    if len(flags) != len(names):
        raise ValueError("one person for each answer")
    if not len(flags):
        return Rate(0, 0, 0, 0.0, 1.0)
    unique, index = np.unique(names, return_inverse=True)
    errors = np.bincount(index, weights=flags.astype(np.float64), minlength=len(unique))
    counts = np.bincount(index, minlength=len(unique)).astype(np.float64)
    total = int(flags.sum())
    if len(unique) == 1 or total in (0, len(flags)):
        low, high = wilson(total / len(flags), len(unique))
        return Rate(total, len(flags), len(unique), low, high)
    drawn = np.random.default_rng(seed).integers(0, len(unique), (DRAWS, len(unique)))
    shares = errors[drawn].sum(1) / counts[drawn].sum(1)
    low, high = (float(value) for value in np.percentile(shares, [2.5, 97.5]))
    return Rate(total, len(flags), len(unique), low, high)


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share among `count` independent ones."""
    if count <= 0:
        return 0.0, 1.0
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def equal_error_rate(live: Scores, attacks: Scores) -> float:
    """Return the rate at which APCER and BPCER are equal, by interpolation; NaN without both."""
    if not len(live) or not len(attacks):
        return float("nan")
    limits = np.unique(np.concatenate([live, attacks]))
    limits = np.concatenate([limits, [limits[-1] + 1.0]])
    apcer = np.array([(attacks >= limit).mean() for limit in limits])
    bpcer = np.array([(live < limit).mean() for limit in limits])
    gap = apcer - bpcer  # falls from 1 to -1
    after = int(np.argmax(gap <= 0))
    before = max(after - 1, 0)
    span = gap[before] - gap[after]
    part = 0.0 if span == 0 else gap[before] / span
    return float(apcer[before] + part * (apcer[after] - apcer[before]))


def limit_at(live: Scores, bpcer: float) -> float:
    """Return the score below which the share `bpcer` of live people lies."""
    if not len(live):
        raise ValueError("no live people to fix a threshold on")
    return float(np.quantile(live, bpcer))


def calibration(live: Scores, attacks: Scores, steps: int = 200) -> tuple[float, float]:
    """Return slope and offset that turn a logit into a log-likelihood ratio (logistic regression, both classes equal).

    A weak pull towards a slope of 1 keeps it finite where the classes do not overlap.
    """
    if not len(live) or not len(attacks):
        raise ValueError("a calibration needs live people and attacks")
    # Brought to one scale first: Newton's steps overshoot on a logit that lies far from 0.
    middle = float(live.mean() + attacks.mean()) / 2
    spread = float(np.sqrt((live.var() + attacks.var()) / 2 + (live.mean() - attacks.mean()) ** 2 / 4)) or 1.0
    x = (np.concatenate([live, attacks]) - middle) / spread
    y = np.concatenate([np.ones(len(live)), np.zeros(len(attacks))])
    weight = np.concatenate([np.full(len(live), 0.5 / len(live)), np.full(len(attacks), 0.5 / len(attacks))])
    design = np.column_stack([x, np.ones(len(x))])
    pull, start = np.array([1e-3, 1e-5]), np.array([spread, 0.0])
    found = np.zeros(2)
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -40, 40)))
        gradient = design.T @ (weight * (chance - y)) + pull * (found - start)
        curve = (design * (weight * chance * (1 - chance))[:, None]).T @ design + np.diag(pull)
        step = np.clip(np.linalg.solve(curve, gradient), -1.0, 1.0)
        found = found - step
        if float(np.abs(step).max()) < 1e-9:
            break
    found = np.array([found[0] / spread, found[1] - found[0] * middle / spread])
    return max(float(found[0]), 1e-3), float(found[1])
