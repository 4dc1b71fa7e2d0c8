"""How often a comparison is wrong, with the number of trials behind each rate.

In: raw cosines of genuine pairs (one person) and impostor pairs (two people).  Out: rates with
counts and intervals, curves, thresholds.
Does not know: where the pairs come from.
Main choice: a rate is never given without its trials: 0 of 100 and 0 of 1,000,000 are not the same.
Trade-off: pairs that share a photo are not independent, so the intervals are somewhat too narrow.

A score at or above the threshold is a match, as in `decision`.  A score that is not finite is an
error of whoever made it and raises ValueError: it would count as a safe refusal.
Terms after ISO/IEC 19795-1: FMR false match rate (impostors), FNMR false non-match rate (genuine
pairs), FPIR false positive identification rate (a stranger against a whole gallery).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """`errors` of `trials`; ValueError unless 0 ≤ errors ≤ trials."""

    errors: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.trials:
            raise ValueError(f"{self.errors} errors of {self.trials} trials")

    @property
    def value(self) -> float | None:
        """None without trials."""
        return self.errors / self.trials if self.trials else None

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson interval; (0, 1) without trials."""
        return wilson_interval(self.errors, self.trials, confidence)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """`fmr` and `fnmr` [T] at each of the ascending `thresholds` [T]; the DET curve is fnmr over fmr.

    The last threshold lies above every score, so that fmr ends at 0.
    """

    thresholds: Scores
    fmr: Scores
    fnmr: Scores

    @property
    def tar(self) -> Scores:
        """True accept rate, 1 - fnmr; over fmr it is the ROC curve."""
        result: Scores = 1 - self.fnmr
        return result


@dataclass(frozen=True, slots=True)
class Verification:
    """What a threshold gives that keeps the false match rate at or below a target."""

    threshold: float
    false_matches: ErrorRate
    false_non_matches: ErrorRate

    @property
    def tar(self) -> float | None:
        """True accept rate, None without genuine pairs."""
        value = self.false_non_matches.value
        return None if value is None else 1 - value


def wilson_interval(errors: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval for a share (Wilson, 1927): it stays within 0..1 and is honest about 0 errors.

    (0, 1) without trials.  Raises ValueError unless 0 ≤ errors ≤ trials and 0 < confidence < 1.
    """
    if not 0 <= errors <= trials:
        raise ValueError(f"{errors} errors of {trials} trials")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = errors / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    # At the ends the formula gives the bound exactly; rounding must not move it off.
    low = 0.0 if errors == 0 else max(0.0, middle - half)
    high = 1.0 if errors == trials else min(1.0, middle + half)
    return low, high


def clopper_pearson(errors: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact binomial interval, (0, 1) without trials; ValueError unless 0 ≤ errors ≤ trials.

    Each bound is the chance at which this count, or a rarer one, has half of 1 - confidence.  It is never too narrow,
    which a handful of trials needs.  Clopper and Pearson, Biometrika 26 (1934).
    """
    if not 0 <= errors <= trials:
        raise ValueError(f"{errors} errors of {trials} trials")
    if not trials:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else _chance_at(lambda chance: 1 - _at_most(errors - 1, trials, chance) >= tail)
    high = 1.0 if errors == trials else _chance_at(lambda chance: _at_most(errors, trials, chance) <= tail)
    return low, high


def _at_most(errors: int, trials: int, chance: float) -> float:
    """Return the chance of at most so many errors."""
    if chance in (0.0, 1.0):
        return float(chance == 0.0 or errors >= trials)
    ways = math.lgamma(trials + 1)  # in logarithms: the binomial coefficient of 2,000 trials is too large for a float
    yes, no = math.log(chance), math.log1p(-chance)
    return math.fsum(
        math.exp(ways - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * yes + (trials - k) * no)
        for k in range(errors + 1)
    )


def _chance_at(reached: Callable[[float], bool]) -> float:
    """Return the least chance, to 1e-12, from which on `reached` holds."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def fmr_at(impostor: ArrayLike, threshold: float) -> ErrorRate:
    """Count the pairs of two people that the threshold accepts as one."""
    scores = _sorted(impostor)
    return ErrorRate(len(scores) - int(np.searchsorted(scores, threshold, side="left")), len(scores))


def fnmr_at(genuine: ArrayLike, threshold: float) -> ErrorRate:
    """Count the pairs of one person that the threshold refuses."""
    scores = _sorted(genuine)
    return ErrorRate(int(np.searchsorted(scores, threshold, side="left")), len(scores))


def curve(genuine: ArrayLike, impostor: ArrayLike) -> Curve:
    """Return both rates at every score that occurs, and above all of them; ValueError if either kind is empty."""
    same, different = _sorted(genuine), _sorted(impostor)
    if not len(same) or not len(different):
        raise ValueError("a curve needs genuine and impostor scores")
    seen = np.unique(np.concatenate([same, different]))
    thresholds = np.append(seen, np.nextafter(seen[-1], np.inf))
    fmr = 1 - np.searchsorted(different, thresholds, side="left") / len(different)
    fnmr = np.searchsorted(same, thresholds, side="left") / len(same)
    return Curve(thresholds, fmr, fnmr)


def eer(genuine: ArrayLike, impostor: ArrayLike) -> tuple[float, float]:
    """Return (rate, threshold) where both rates are equal; between two steps, their mean at the nearest."""
    rates = curve(genuine, impostor)
    index = int(np.argmin(np.abs(rates.fmr - rates.fnmr)))
    return float((rates.fmr[index] + rates.fnmr[index]) / 2), float(rates.thresholds[index])


def threshold_at_fmr(impostor: ArrayLike, target: float) -> float:
    """Return the lowest threshold whose false match rate is at most `target`, 0..1.

    It is just above an impostor's score.  Mind the count: below 1/trials it says no more than
    "above the highest impostor score that was seen".  Raises ValueError without impostor scores.
    """
    scores = _sorted(impostor)
    if not len(scores):
        raise ValueError("without impostor scores there is no threshold for a false match rate")
    if not 0 <= target <= 1:
        raise ValueError(f"a rate is from 0 to 1, not {target}")
    # Rounded before it is cut, because 0.3 of 10 is 3 and not 2.9999999999999996.
    allowed = math.floor(round(target * len(scores), 9))
    if allowed == len(scores):
        return float(scores[0])
    return float(np.nextafter(scores[len(scores) - 1 - allowed], np.inf))


def verification(genuine: ArrayLike, impostor: ArrayLike, far: float) -> Verification:
    """Return TAR at FAR: the true accept rate at the lowest threshold whose false match rate is at most `far`."""
    threshold = threshold_at_fmr(impostor, far)
    return Verification(threshold, fmr_at(impostor, threshold), fnmr_at(genuine, threshold))


def fpir_at_gallery_size(fmr: float, comparisons: int) -> float:
    """Return the chance that a stranger matches anybody: 1 - (1 - fmr)^comparisons, without loss for a tiny rate.

    Takes the comparisons for independent, which overstates it where one person has several templates.
    """
    if not 0 <= fmr <= 1 or comparisons < 0:
        raise ValueError(f"no chance for a rate of {fmr} in {comparisons} comparisons")
    return float(fpirs_at_gallery_size(np.asarray([fmr], dtype=np.float64), comparisons)[0])


def fpirs_at_gallery_size(fmrs: Scores, comparisons: float) -> Scores:
    """Return `fpir_at_gallery_size` of many rates at once."""
    if not comparisons:
        return np.zeros_like(fmrs)
    with np.errstate(divide="ignore"):  # a rate of 1 gives -inf, and so a chance of 1
        chances: Scores = -np.expm1(comparisons * np.log1p(-fmrs))
    return chances


def fmr_for_fpir(fpir: float, comparisons: int) -> float:
    """Return the false match rate that gives this chance; the inverse of `fpir_at_gallery_size`."""
    return float(fmrs_for_fpir(np.asarray([fpir], dtype=np.float64), comparisons)[0])


def fmrs_for_fpir(fpirs: Scores, comparisons: int) -> Scores:
    """Return `fmr_for_fpir` of many chances at once."""
    return fpirs_at_gallery_size(fpirs, 1 / comparisons)


def direct_fpir(matches: NDArray[np.int64], size: int, people: int, own: NDArray[np.bool_] | None = None) -> Scores:
    """Return the chance of a match in a random `people` of `size`, for strangers that match `matches` of them.

    Exact, 1 - C(size-k, people) / C(size, people), so it is the mean over every gallery that could be drawn.
    `own`: strangers whose own column does not count, so that one person fewer is left to draw from.
    """
    sizes = np.full(len(matches), size) - (0 if own is None else own.astype(np.int64))
    people = min(people, size)
    table = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1)))])
    drawn = np.minimum(people, sizes)
    rest = sizes - matches
    certain = rest < drawn
    safe = np.where(certain, drawn, rest)
    log_none = table[safe] - table[safe - drawn] - table[sizes] + table[sizes - drawn]
    return np.where(certain, 1.0, -np.expm1(log_none))


def _sorted(scores: ArrayLike) -> Scores:
    values = np.sort(np.asarray(scores, dtype=np.float64).reshape(-1))
    if not np.isfinite(values).all():
        raise ValueError("a score is a finite number")
    return values
