"""A site in small: people enrolled in one session and met in another, each left out once as the stranger.

In: by person the vectors of a few enrolment photographs and of looks.  Out: own people refused (FNIR) where so
many strangers are let in (FPIR), by look and by attempt, with and without pooling and centre, with intervals.
Does not know: images, networks, whose pictures they are.
Main choice: the folds share one threshold, as a site has one, and the bootstrap draws people, known and stranger at
once, since each is both; with fifteen of them the interval is wide, and that is the truth.

An unseen face is an error of a known person's look; an attempt fails when none of its looks shows a face.  Strangers
who are not seen are left out, as in `identification`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.domain.error_rates import threshold_at_fmr
from attendance.evaluation.pair_rates import Floats, draws, interval, percentiles

Vectors = NDArray[np.float32]
LOOKS_AN_ATTEMPT = 3
ATTEMPTS = 60  # drawn for each person
SHRINKAGE = 0.0  # people's worth of pull of the centre towards none


@dataclass(frozen=True, eq=False)
class Visitor:
    """`photos` [K,D] and `looks` [L,D], unit rows, NaN where no face was found.

    `elsewhere`: the looks are of another session than the photographs; such people are counted as known, the others
    are enrolled and come as strangers only.
    """

    name: str
    photos: Vectors
    looks: Vectors
    elsewhere: bool = True


@dataclass(frozen=True)
class Way:
    """How a face is compared: one look or several pooled, each photograph or their mean, less the centre or not."""

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
    """Rows of length 1; NaN stays."""
    result: Vectors = (x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
    return result


def pooled(vectors: Vectors) -> Vectors:
    """[K,D] → the unit mean [D] of those that were seen; NaN of none."""
    seen = vectors[~np.isnan(vectors).any(-1)]
    return unit(seen.mean(0)) if len(seen) else np.full(vectors.shape[-1], np.nan, np.float32)


def centre_of(templates: Vectors, shrinkage: float = SHRINKAGE) -> Vectors:
    """What the people [P,D] of a site have in common, the less of it the fewer they are."""
    seen = templates[~np.isnan(templates).any(-1)]
    result: Vectors = (seen.sum(0) / (len(seen) + shrinkage) if len(seen) else np.zeros(templates.shape[-1])).astype(
        np.float32
    )
    return result


def attempts(visitor: Visitor, looks: int, many: int = ATTEMPTS) -> Vectors:
    """[A,D]: every look by itself, or `many` draws of several pooled ones, the same at each call."""
    if looks == 1 or len(visitor.looks) < looks:
        return visitor.looks
    random = np.random.default_rng(zlib.crc32(visitor.name.encode()))
    chosen = [random.choice(len(visitor.looks), looks, replace=False) for _ in range(many)]
    return np.stack([pooled(visitor.looks[each]) for each in chosen])


@dataclass(frozen=True, eq=False)
class Folds:
    """`known[s][p]` [A]: by left-out person and known person, the right score where they are ranked first, else
    -inf · `strangers[s]` [A]: the best score of the left-out person's attempts at the others, NaN unseen."""

    known: list[list[Floats]]
    strangers: list[Floats]

    def rate(self, times: Floats, fpir: float, people: NDArray[np.bool_]) -> tuple[float, float]:
        """(FNIR, threshold) where person i counts `times[i]` times, over the known among `people`."""
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
    """Every person once as the stranger, all others enrolled."""
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
    """[A,K] → [A], -inf where no photograph and no face can be compared."""
    filled = np.where(np.isnan(scores), -np.inf, scores).astype(np.float64)
    best: Floats = filled.max(1, initial=-np.inf)
    return best


def _right(scores: Floats, column: int) -> Floats:
    """The right person's score where it is the best, else -inf."""
    own = scores[:, column]
    others = np.delete(scores, column, axis=1).max(1, initial=-np.inf)
    return np.where(own > others, own, -np.inf)


def measure(
    visitors: Sequence[Visitor], fpir: float = 0.01, ways: Sequence[Way] = WAYS, shrinkage: float = SHRINKAGE
) -> list[dict[str, Any]]:
    """One row a way.  Raises ValueError with fewer than three people or nobody to be met again."""
    met = np.array([one.elsewhere and len(one.looks) > 0 for one in visitors])
    if len(visitors) < 3 or not met.any():
        raise ValueError("a site needs three people, of whom one is met in a second session")
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
    """Each known person's share of tries that are refused, mean over the folds."""
    result = {}
    for person in np.flatnonzero(met).tolist():
        missed = [float((row[person] < threshold).mean()) for s, row in enumerate(found.known) if s != person]
        result[visitors[person].name] = round(float(np.mean(missed)), 4)
    return result


def norm_of_mean(visitors: Sequence[Visitor]) -> float:
    """Length of the mean of people's templates: 0 where nothing is common to all, 1 where all are alike."""
    return float(np.linalg.norm(centre_of(np.stack([pooled(one.photos) for one in visitors]), 0.0)))
