"""The site protocol: people enrolled in one session and met in another, each left out once as the stranger.

In: for each person the vectors of a few enrolment photos and of later looks.  Out: own people refused (FNIR) at a given
share of strangers let in (FPIR), by look and by attempt, with and without pooling and centre, with intervals.
Does not know: images, networks, who the people are.
Main choice: all folds share one threshold, as a site has one threshold.  The bootstrap draws people, since each person
is both known and a stranger.  Trade-off: with fifteen people the interval is wide.

A look without a found face is an error if the person is enrolled; an attempt fails if none of its looks shows a face.
Looks of strangers without a found face are left out, as in `identification`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.error_rates import threshold_at_fmr
from attendance.evaluation.recogniser.pair_rates import Floats, draws, interval, percentiles

Vectors = NDArray[np.float32]
LOOKS_AN_ATTEMPT = 3
ATTEMPTS = 60  # drawn for each person
SHRINKAGE = 0.0  # people's worth of pull of the centre towards none


@dataclass(frozen=True, eq=False)
class Visitor:
    """One person: `photos` [K,D] and `looks` [L,D], unit rows, NaN without a found face.

    `elsewhere`: the looks are from another session than the photos.  Only such people count as known; the others are
    enrolled and come as strangers.
    """

    name: str
    photos: Vectors
    looks: Vectors
    elsewhere: bool = True


@dataclass(frozen=True)
class Way:
    """How faces are compared: one look or several pooled, each photo or their mean, with or without the centre."""

    name: str
    pooled_photos: bool
    looks: int = 1
    centre: bool = False


WAYS = (
    Way("look, best of the photos", False),
    Way("look, mean of the photos", True),
    Way("look, mean, centre", True, centre=True),
    Way("attempt, best of the photos", False, LOOKS_AN_ATTEMPT),
    Way("attempt, mean of the photos", True, LOOKS_AN_ATTEMPT),
    Way("attempt, mean, centre", True, LOOKS_AN_ATTEMPT, True),
)


def unit(x: Vectors) -> Vectors:
    """Return the rows of `x` [...,D] at length 1; NaN stays."""
    result: Vectors = (x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
    return result


def pooled(vectors: Vectors) -> Vectors:
    """Return the unit mean [D] of the rows of [K,D] that are not NaN; NaN if there are none."""
    seen = vectors[~np.isnan(vectors).any(-1)]
    return unit(seen.mean(0)) if len(seen) else np.full(vectors.shape[-1], np.nan, np.float32)


def centre_of(templates: Vectors, shrinkage: float = SHRINKAGE) -> Vectors:
    """Return what the people's templates [P,D] have in common; `shrinkage` pulls it to zero for small sites."""
    seen = templates[~np.isnan(templates).any(-1)]
    result: Vectors = (seen.sum(0) / (len(seen) + shrinkage) if len(seen) else np.zeros(templates.shape[-1])).astype(
        np.float32
    )
    return result


def attempts(visitor: Visitor, looks: int, many: int = ATTEMPTS) -> Vectors:
    """Return [A,D]: each look, or `many` draws of several pooled looks, the same draws at each call."""
    if looks == 1 or len(visitor.looks) < looks:
        return visitor.looks
    random = np.random.default_rng(zlib.crc32(visitor.name.encode()))
    chosen = [random.choice(len(visitor.looks), looks, replace=False) for _ in range(many)]
    return np.stack([pooled(visitor.looks[each]) for each in chosen])


@dataclass(frozen=True, eq=False)
class Folds:
    """Scores of all folds.

    `known[s][p]` [A]: with person s left out, the scores of person p's attempts with their own template; -inf if
    somebody else is ranked first · `strangers[s]` [A]: the best score of each attempt of s; NaN without a found face.
    """

    known: list[list[Floats]]
    strangers: list[Floats]

    def rate(self, times: Floats, fpir: float, people: NDArray[np.bool_]) -> tuple[float, float]:
        """Return (FNIR, threshold) over the known `people`, if person i counts `times[i]` times."""
        repeated = [np.tile(scores, int(n)) for scores, n in zip(self.strangers, times, strict=True)]
        seen = np.concatenate(repeated)
        threshold = threshold_at_fmr(seen[~np.isnan(seen)], fpir)
        wrong = trials = 0.0
        for stranger, row in enumerate(self.known):
            for person, scores in enumerate(row):
                weight = times[stranger] * times[person]
                if weight and person != stranger and people[person] and len(scores):
                    wrong += weight * float((scores < threshold).mean())
                    trials += weight
        return (wrong / trials if trials else float("nan")), threshold


def folds(visitors: Sequence[Visitor], way: Way, shrinkage: float = SHRINKAGE) -> Folds:
    """Score each person once as the stranger, with all others enrolled."""
    tries = [attempts(one, way.looks) for one in visitors]
    means = np.stack([pooled(one.photos) for one in visitors])
    known: list[list[Floats]] = []
    strangers: list[Floats] = []
    for left_out in range(len(visitors)):
        inside = [i for i in range(len(visitors)) if i != left_out]
        centre = centre_of(means[inside], shrinkage) if way.centre else np.float32(0)
        sheets = [(means[i : i + 1] if way.pooled_photos else visitors[i].photos) for i in inside]
        columns = [unit(sheet - centre) for sheet in sheets]
        row: list[Floats] = []
        for person, looks in enumerate(tries):
            probe = unit(looks - centre)
            scores = np.stack([_best(probe @ column.T) for column in columns], axis=1)
            if person == left_out:
                top = scores.max(1, initial=-np.inf)
                strangers.append(np.where(np.isinf(top), np.nan, top))
                row.append(np.zeros(0))
            else:
                row.append(_right(scores, inside.index(person)))
        known.append(row)
    return Folds(known, strangers)


def _best(scores: Vectors) -> Floats:
    """Return the best of each row [A,K] as [A]; -inf if nothing can be compared."""
    filled = np.where(np.isnan(scores), -np.inf, scores).astype(np.float64)
    best: Floats = filled.max(1, initial=-np.inf)
    return best


def _right(scores: Floats, column: int) -> Floats:
    """Return the right person's score if it is the best, else -inf."""
    own = scores[:, column]
    others = np.delete(scores, column, axis=1).max(1, initial=-np.inf)
    return np.where(own > others, own, -np.inf)


def measure(
    visitors: Sequence[Visitor], fpir: float = 0.01, ways: Sequence[Way] = WAYS, shrinkage: float = SHRINKAGE
) -> list[dict[str, Any]]:
    """Return one row for each way.  Raises ValueError with fewer than three people, or if nobody is met again."""
    met = np.array([one.elsewhere and len(one.looks) > 0 for one in visitors])
    if len(visitors) < 3 or not met.any():
        raise ValueError("it takes three people, of whom one is met in a second session")
    rows = []
    for way in ways:
        found = folds(visitors, way, shrinkage)
        rate, threshold = found.rate(np.ones(len(visitors)), fpir, met)
        rows.append(
            {
                "way": way.name,
                "fpir": fpir,
                "fnir": round(float(rate), 5),
                "interval95_people": _interval(found, fpir, met, rate),
                "threshold": round(float(threshold), 4),
                "known": int(met.sum()),
                "strangers": len(visitors),
                "tries_of_known": sum(len(attempts(v, way.looks)) for v, m in zip(visitors, met, strict=True) if m),
                "tries_of_strangers": int(sum((~np.isnan(s)).sum() for s in found.strangers)),
                "by_person": _by_person(found, threshold, visitors, met),
            }
        )
    return rows


def _interval(found: Folds, fpir: float, met: NDArray[np.bool_], rate: float) -> list[float]:
    replicates = []
    for times in draws(len(met)):
        try:
            drawn = found.rate(times, fpir, met)[0]
        except ValueError:  # nobody of whom a face was seen
            continue
        if not np.isnan(drawn):
            replicates.append(drawn)
    people = int(met.sum())
    if rate in (0, 1):  # the bootstrap has no width: Wilson's over people, of what was right
        low, high = interval([], round(rate * people), people, people)
        return [round(1 - high, 5), round(1 - low, 5)]
    return percentiles(replicates)


def _by_person(found: Folds, threshold: float, visitors: Sequence[Visitor], met: NDArray[np.bool_]) -> dict[str, float]:
    """Return each known person's share of refused tries, the mean over the folds."""
    result = {}
    for person in np.flatnonzero(met).tolist():
        missed = [float((row[person] < threshold).mean()) for s, row in enumerate(found.known) if s != person]
        result[visitors[person].name] = round(float(np.mean(missed)), 4)
    return result


def norm_of_mean(visitors: Sequence[Visitor]) -> float:
    """Return the length of the mean of people's templates: 0 if they share nothing, 1 if all are the same."""
    return float(np.linalg.norm(centre_of(np.stack([pooled(one.photos) for one in visitors]), 0.0)))
