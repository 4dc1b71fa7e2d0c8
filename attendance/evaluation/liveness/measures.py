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
DRAWS, EER_DRAWS = 2000, 300


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


def error_rate_interval(
    live: Scores, attacks: Scores, live_people: NDArray[np.str_], attack_people: NDArray[np.str_], seed: int = 0
) -> tuple[float, float] | None:
    """Return the 95 % interval of the equal error rate, by drawing people anew; None for fewer than two people."""
    names = np.unique(np.concatenate([live_people, attack_people]))
    if len(names) < 2:
        return None
    random, found = np.random.default_rng(seed), []
    of_live = [live[live_people == name] for name in names]
    of_attacks = [attacks[attack_people == name] for name in names]
    for _ in range(EER_DRAWS):
        drawn = random.integers(0, len(names), len(names))
        one = equal_error_rate(
            np.concatenate([of_live[i] for i in drawn]), np.concatenate([of_attacks[i] for i in drawn])
        )
        if np.isfinite(one):
            found.append(one)
    low, high = (float(value) for value in np.percentile(found, [2.5, 97.5]))
    return low, high


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
    apcer = 1 - np.searchsorted(np.sort(attacks), limits) / len(attacks)
    bpcer = np.searchsorted(np.sort(live), limits) / len(live)
    gap = apcer - bpcer  # falls from 1 to -1
    after = int(np.argmax(gap <= 0))
    before = max(after - 1, 0)
    span = gap[before] - gap[after]
    part = 0.0 if span == 0 else gap[before] / span
    return float(apcer[before] + part * (apcer[after] - apcer[before]))
