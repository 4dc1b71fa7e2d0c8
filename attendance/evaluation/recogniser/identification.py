"""Open-set identification: is a known person found, and is a stranger taken for nobody?

In: embeddings of enrolled photographs and of probes, and whose they are.  Out: FNIR at FPIR for galleries
of several sizes, with intervals.
Does not know: images, networks.
Main choice: the rule of the door in its plainest form: the best person wins if nobody equals them
and the score reaches the threshold.  Several galleries of each size are drawn, because a hundred
people may be easy or hard; the price is that the interval mixes both kinds of luck, as a site would.

FNIR: known people who are not found, or taken for another (ISO/IEC 19795-1); an unseen face is an
error, in the gallery too.  FPIR: strangers who are taken for anybody; strangers whose face is not found are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.error_rates import threshold_at_fmr
from attendance.evaluation.recogniser.pair_rates import DRAWS, Floats, interval

GALLERIES = 10


@dataclass(frozen=True, eq=False)
class Search:
    """`scores` [P,G]: the best of each enrolled person's photographs for each probe; -inf where a face is missing.

    `person` [P]: the column that is right, -1 for a stranger · `owner` [P]: whose photograph it is,
    strangers too, so that a bootstrap draws people.
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
    """Photographs of people [M,D] against probes [P,D]; NaN rows are faces that were not found."""
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
    """One drawn gallery: `right` [M] the score of a known probe that is ranked first, else -inf; `wrong` [S] the best
    score of a stranger, NaN where no face was found; and whose they are."""

    right: Floats
    right_owner: NDArray[np.int64]
    wrong: Floats
    wrong_owner: NDArray[np.int64]

    def fnir(self, fpir: float) -> tuple[float, float, int]:
        """(rate, threshold, strangers whose face was found)."""
        seen = self.wrong[~np.isnan(self.wrong)]
        threshold = threshold_at_fmr(seen, fpir)
        return float((self.right < threshold).mean()), threshold, len(seen)


def outcome(found: Search, chosen: NDArray[np.int64]) -> Outcome:
    """The search in a gallery of the `chosen` columns; probes of people who are not in it are left out."""
    scores = found.scores[:, chosen].astype(np.float64)
    where = np.full(found.people + 1, -1)
    where[chosen] = np.arange(len(chosen))
    known = np.flatnonzero(where[found.person] >= 0)  # a stranger's -1 reads the last entry, which is -1
    mine = where[found.person[known]]
    theirs = scores[known]
    own = theirs[np.arange(len(known)), mine].copy()
    theirs[np.arange(len(known)), mine] = -np.inf
    best_other = theirs.max(1, initial=-np.inf)
    strangers = np.flatnonzero(found.person < 0)
    top = scores[strangers].max(1, initial=-np.inf)
    return Outcome(
        np.where(own > best_other, own, -np.inf),
        found.owner[known],
        np.where(np.isinf(top), np.nan, top),
        found.owner[strangers],
    )


def open_set(
    found: Search, sizes: tuple[int, ...], fpirs: tuple[float, ...], galleries: int = GALLERIES, seed: int = 0
) -> list[dict[str, Any]]:
    """One row a gallery size and FPIR.  Sizes beyond the enrolled people are left out.

    Raises ValueError without strangers or without probes of enrolled people.
    """
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for size in sorted({size for size in sizes if size <= found.people}):
        count = galleries if size < found.people else 1
        drawn = [outcome(found, np.sort(random.permutation(found.people)[:size])) for _ in range(count)]
        drawn = [one for one in drawn if len(one.right)]
        if not drawn or not any((~np.isnan(one.wrong)).any() for one in drawn):
            raise ValueError("identification needs probes of enrolled people, and strangers")
        rows += [_row(drawn, size, fpir, seed) for fpir in fpirs]
    return rows


def _row(drawn: list[Outcome], size: int, fpir: float, seed: int) -> dict[str, Any]:
    each = [one.fnir(fpir) for one in drawn]
    trials = sum(len(one.right) for one in drawn)
    misses = sum(round(rate * len(one.right)) for (rate, _, _), one in zip(each, drawn, strict=True))
    people = min(len(np.unique(one.right_owner)) for one in drawn)
    strangers = each[0][2]
    return {
        "gallery": size,
        "fpir": fpir,
        "fnir": round(float(np.mean([rate for rate, _, _ in each])), 5),
        "interval95_people": interval(_replicates(drawn, fpir, seed), misses, trials, people)
        if 0 < misses < trials
        else _complement(interval([], misses, trials, people)),
        "threshold": round(float(np.mean([threshold for _, threshold, _ in each])), 4),
        "not_ranked_first": round(float(np.mean([np.isinf(one.right).mean() for one in drawn])), 5),
        "galleries": len(drawn),
        "probes_of_enrolled_people": round(float(np.mean([len(one.right) for one in drawn]))),
        "strangers": strangers,
    } | ({"beyond_the_data": True} if fpir * strangers < 1 else {})


def _complement(bounds: list[float]) -> list[float]:
    return [round(1 - bounds[1], 5), round(1 - bounds[0], 5)]


def _replicates(drawn: list[Outcome], fpir: float, seed: int) -> list[float]:
    """FNIR of a gallery drawn among `drawn`, with its people and its strangers drawn anew."""
    random = np.random.default_rng(seed + 1)
    result = []
    for _ in range(DRAWS):
        one = drawn[int(random.integers(len(drawn)))]
        known, strangers = _resample(one.right_owner, random), _resample(one.wrong_owner, random)
        wrong = one.wrong[strangers]
        if not len(known) or np.isnan(wrong).all():
            continue
        result.append(Outcome(one.right[known], known, wrong, strangers).fnir(fpir)[0])
    return result


def _resample(owner: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Rows of people drawn with replacement; each person brings all their rows."""
    people, number = np.unique(owner, return_inverse=True)
    times = np.bincount(random.integers(0, len(people), len(people)), minlength=len(people))
    return np.repeat(np.arange(len(owner)), times[number])
