"""Open-set identification: how often known people are missed and strangers are identified.

In: embeddings of enrolled photographs and of probes, and whose they are.  Out: FNIR at FPIR for galleries
of several sizes, with intervals.
Does not know: images, networks.
Main choice: the door's rule in its plainest form: the best person wins if nobody has the same score and the
score reaches the threshold.  Several galleries of each size are drawn, because a hundred people may be easy
or hard.
Trade-off: the interval mixes the luck of the gallery and of the probes, as a site would.

FNIR: known people who are missed or identified as another (ISO/IEC 19795-1); a face that is not detected is
an error, in the gallery too.  FPIR: strangers who are identified as anybody; strangers without a detected
face are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.error_rates import threshold_at_fmr
from attendance.evaluation.recogniser.pair_rates import DRAWS, Floats, complement, interval

GALLERIES = 10


@dataclass(frozen=True, eq=False)
class Search:
    """The scores of probes against enrolled people.

    `scores` [P,G]: the best of each enrolled person's photographs for each probe, -inf without a face ·
    `person` [P]: the right column, -1 for a stranger · `owner` [P]: whose photograph it is, strangers
    included, so that a bootstrap draws people.
    """

    scores: NDArray[np.float32]
    person: NDArray[np.int64]
    owner: NDArray[np.int64]

    @property
    def people(self) -> int:
        return int(self.scores.shape[1])


def search(
    gallery: NDArray[np.float32],
    gallery_labels: NDArray[np.str_],
    probes: NDArray[np.float32],
    labels: NDArray[np.str_],
) -> Search:
    """Compare enrolled photographs [M,D] with probes [P,D]; NaN rows have no detected face."""
    names = np.unique(gallery_labels)
    scores = np.full((len(probes), len(names)), -np.inf, np.float32)
    every = probes @ gallery.T
    every[np.isnan(every)] = -np.inf
    column = np.searchsorted(names, gallery_labels)
    for row in range(len(gallery)):
        np.maximum(scores[:, column[row]], every[:, row], out=scores[:, column[row]])
    place = np.minimum(np.searchsorted(names, labels), len(names) - 1)
    person = np.where(names[place] == labels, place, -1).astype(np.int64)
    return Search(scores, person, np.unique(labels, return_inverse=True)[1].astype(np.int64))


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result in one drawn gallery.

    `right` [M]: a known probe's score if its person is ranked first, else -inf · `wrong` [S]: a stranger's best
    score, NaN without a face · `…_owner`: whose they are.
    """

    right: Floats
    right_owner: NDArray[np.int64]
    wrong: Floats
    wrong_owner: NDArray[np.int64]

    def fnir(self, fpir: float) -> tuple[float, float, int]:
        """Return (rate, threshold, strangers with a face) at this FPIR."""
        seen = self.wrong[~np.isnan(self.wrong)]
        threshold = threshold_at_fmr(seen, fpir)
        return float((self.right < threshold).mean()), threshold, len(seen)


def outcome(scored: Search, chosen: NDArray[np.int64]) -> Outcome:
    """Search in a gallery of the `chosen` columns; leave out probes of people who are not in it."""
    scores = scored.scores[:, chosen].astype(np.float64)
    where = np.full(scored.people + 1, -1)
    where[chosen] = np.arange(len(chosen))
    known = np.flatnonzero(where[scored.person] >= 0)  # a stranger's -1 reads the last entry, which is -1
    strangers = np.flatnonzero(scored.person < 0)
    return Outcome(
        if_ranked_first(scores[known], where[scored.person[known]]),
        scored.owner[known],
        best_of_all(scores[strangers]),
        scored.owner[strangers],
    )


def if_ranked_first(scores: Floats, mine: NDArray[np.int64]) -> Floats:
    """Return [P]: of scores [P,N] the one in column `mine` [P] if it is the best of its row, else -inf."""
    rows = np.arange(len(scores))
    own, others = scores[rows, mine], scores.copy()
    others[rows, mine] = -np.inf
    return np.where(own > others.max(1, initial=-np.inf), own, -np.inf)


def best_of_all(scores: Floats) -> Floats:
    """Return [P]: the best of each row of [P,N]; NaN if nothing could be compared."""
    top = scores.max(1, initial=-np.inf)
    return np.where(np.isinf(top), np.nan, top)


def open_set(
    scored: Search, sizes: tuple[int, ...], fpirs: tuple[float, ...], galleries: int = GALLERIES, seed: int = 0
) -> list[dict[str, Any]]:
    """Return one row for each gallery size and FPIR; leave out sizes beyond the enrolled people.

    Raises ValueError without strangers or without probes of enrolled people.
    """
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for size in sorted({size for size in sizes if size <= scored.people}):
        count = galleries if size < scored.people else 1
        drawn = [outcome(scored, np.sort(random.permutation(scored.people)[:size])) for _ in range(count)]
        drawn = [result for result in drawn if len(result.right)]
        if not drawn or not any((~np.isnan(result.wrong)).any() for result in drawn):
            raise ValueError("identification needs probes of enrolled people, and strangers")
        rows += [_row(drawn, size, fpir, seed) for fpir in fpirs]
    return rows


def _row(drawn: list[Outcome], size: int, fpir: float, seed: int) -> dict[str, Any]:
    each = [result.fnir(fpir) for result in drawn]
    trials = sum(len(result.right) for result in drawn)
    misses = sum(round(rate * len(result.right)) for (rate, _, _), result in zip(each, drawn, strict=True))
    people = min(len(np.unique(result.right_owner)) for result in drawn)
    strangers = each[0][2]
    return {
        "gallery": size,
        "fpir": fpir,
        "fnir": round(float(np.mean([rate for rate, _, _ in each])), 5),
        "interval95_people": interval(_replicates(drawn, fpir, seed), misses, trials, people)
        if 0 < misses < trials
        else complement(interval([], misses, trials, people)),
        "threshold": round(float(np.mean([threshold for _, threshold, _ in each])), 4),
        "not_ranked_first": round(float(np.mean([np.isinf(result.right).mean() for result in drawn])), 5),
        "galleries": len(drawn),
        "probes_of_enrolled_people": round(float(np.mean([len(result.right) for result in drawn]))),
        "strangers": strangers,
    } | ({"beyond_the_data": True} if fpir * strangers < 1 else {})


def _replicates(drawn: list[Outcome], fpir: float, seed: int) -> list[float]:
    """Return FNIR of galleries drawn among `drawn`, with their people and strangers drawn again."""
    random = np.random.default_rng(seed + 1)
    rates = []
    for _ in range(DRAWS):
        gallery = drawn[int(random.integers(len(drawn)))]
        known, strangers = _resample(gallery.right_owner, random), _resample(gallery.wrong_owner, random)
        wrong = gallery.wrong[strangers]
        if not len(known) or np.isnan(wrong).all():
            continue
        rates.append(Outcome(gallery.right[known], known, wrong, strangers).fnir(fpir)[0])
    return rates


def _resample(owner: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows of people drawn with replacement; each person brings all their rows."""
    people, number = np.unique(owner, return_inverse=True)
    times = np.bincount(random.integers(0, len(people), len(people)), minlength=len(people))
    return np.repeat(np.arange(len(owner)), times[number])
