"""The site protocol: people enrolled in one session and met in another, each left out once as the stranger.

In: for each person the vectors of a few enrolment photos and of later looks.  Out: own people refused (FNIR) at a given
share of strangers let in (FPIR), by look and by attempt, with and without pooling and centre, with intervals.
Does not know: images, networks, who the people are.
Main choice: the door's own gallery and scoring give every score.  All folds share one threshold, as a site has one
threshold.  The bootstrap draws people, since each person is both known and a stranger.  Trade-off: with fifteen people
the interval is wide.

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

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.scoring import Scoring, Vectors, centre_of, mean_of
from attendance.domain.access.track import LOOKS_MOST
from attendance.domain.calibration.error_rates import threshold_at_fmr
from attendance.evaluation.recogniser.identification import best_of_all, if_ranked_first
from attendance.evaluation.recogniser.pair_rates import Floats, complement, draws, interval, percentiles

LOOKS_AN_ATTEMPT = 3
ATTEMPTS = 60  # drawn for each person


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
    """How faces are compared: one look or several, each photo or their mean, with or without the centre.

    Several looks are pooled; `each`: every one of them must reach the threshold instead; `growing`: pooled one after
    the other from LOOKS_AN_ATTEMPT on, and the best such pool counts, as at a door.  `run`: looks that follow each
    other in one session, as in one passage; else drawn from all of them.
    """

    name: str
    pooled_photos: bool
    looks: int = 1
    centre: bool = False
    each: bool = False
    growing: bool = False
    run: bool = False


WAYS = (
    Way("look, best of the photos", False),
    Way("look, mean of the photos", True),
    Way("look, mean, centre", True, centre=True),
    Way("each of 3 looks, best of the photos", False, LOOKS_AN_ATTEMPT, each=True),
    Way("each of 3 looks, mean of the photos", True, LOOKS_AN_ATTEMPT, each=True),
    Way("attempt, best of the photos", False, LOOKS_AN_ATTEMPT),
    Way("attempt, mean of the photos", True, LOOKS_AN_ATTEMPT),
    Way("attempt, mean, centre", True, LOOKS_AN_ATTEMPT, True),
    Way("up to 8 looks, mean of the photos", True, LOOKS_MOST, growing=True),
    Way("up to 8 looks, mean, centre", True, LOOKS_MOST, True, growing=True),
    Way("passage, each of 3 looks, best of the photos", False, LOOKS_AN_ATTEMPT, each=True, run=True),
    Way("passage, up to 8 looks, mean of the photos", True, LOOKS_MOST, growing=True, run=True),
    Way("passage, up to 8 looks, mean, centre", True, LOOKS_MOST, True, growing=True, run=True),
)


def with_a_face(vectors: Vectors) -> Vectors:
    """Return the rows of [K,D] that are not NaN."""
    return vectors[~np.isnan(vectors).any(-1)]


def pooled(vectors: Vectors) -> Vectors:
    """Return the unit mean [D] of the rows of [K,D] that are not NaN; NaN if there are none."""
    seen = with_a_face(vectors)
    return mean_of(seen) if len(seen) else np.full(vectors.shape[-1], np.nan, np.float32)


def attempts(visitor: Visitor, way: Way, many: int = ATTEMPTS) -> Vectors:
    """Return [A,L,D]: each look by itself, or `many` draws of several looks, the same draws at each call."""
    number = len(visitor.looks)
    if way.looks == 1 or number < LOOKS_AN_ATTEMPT:
        return visitor.looks[:, None]
    looks = min(way.looks, number)
    if way.run:
        starts = np.unique(np.linspace(0, number - looks, min(many, number - looks + 1)).astype(int))
        return np.stack([visitor.looks[start : start + looks] for start in starts])
    random = np.random.default_rng(zlib.crc32(visitor.name.encode()))
    return np.stack([visitor.looks[random.choice(number, looks, replace=False)] for _ in range(many)])


def attempt_scores(gallery: Gallery, looks: Vectors, way: Way) -> Floats:
    """Return [A,P], the score of each attempt [A,L,D] with each person; -inf without a found face."""
    number, many, dim = looks.shape
    if way.each and many > 1:
        scores = gallery.person_scores(looks.reshape(-1, dim)).astype(np.float64).reshape(number, many, -1)
        scores = np.where(np.isnan(scores), np.inf, scores).min(axis=1)
        return np.where(np.isinf(scores), -np.inf, scores)
    pools = range(min(LOOKS_AN_ATTEMPT, many) if way.growing else many, many + 1)
    best = np.full((number, gallery.size), -np.inf)
    for first in pools:
        rows = looks[:, 0] if first == 1 else np.stack([pooled(one[:first]) for one in looks])
        scores = gallery.person_scores(rows).astype(np.float64)
        best = np.maximum(best, np.where(np.isnan(scores), -np.inf, scores))
    return best


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
        threshold = threshold_at_fmr(self._seen(times), fpir)
        return self.refused(times, threshold, people), threshold

    def let_in(self, times: Floats, threshold: float) -> float:
        """Return the share of the strangers' attempts that reach `threshold`; NaN if no face was seen."""
        seen = self._seen(times)
        return float((seen >= threshold).mean()) if len(seen) else float("nan")

    def _seen(self, times: Floats) -> Floats:
        repeated = [np.tile(scores, int(n)) for scores, n in zip(self.strangers, times, strict=True)]
        seen = np.concatenate(repeated)
        return seen[~np.isnan(seen)]

    def refused(self, times: Floats, threshold: float, people: NDArray[np.bool_]) -> float:
        """Return the share of the known `people`'s attempts that miss `threshold`, a mean over people and strangers."""
        wrong = trials = 0.0
        for stranger, row in enumerate(self.known):
            for person, scores in enumerate(row):
                weight = times[stranger] * times[person]
                if weight and person != stranger and people[person] and len(scores):
                    wrong += weight * float((scores < threshold).mean())
                    trials += weight
        return wrong / trials if trials else float("nan")


def gallery_without(
    photos: Sequence[Vectors], left_out: int, way: Way, grown: Sequence[Vectors] | None = None
) -> Gallery:
    """Return the door's gallery of everybody but one, of each person's photos with a face; its ids are positions.

    `grown`: by person, templates that grew, which are in no centre.
    """
    inside = [i for i in range(len(photos)) if i != left_out]
    means = [mean_of(photos[i]) for i in inside if len(photos[i])]
    scoring = Scoring(way.pooled_photos, centre_of(np.array(means)) if way.centre else None)
    rows = [photos[i] if grown is None or not len(photos[i]) else np.vstack([photos[i], grown[i]]) for i in inside]
    owners = np.repeat(inside, [len(one) for one in rows])
    return Gallery(owners.tolist(), np.concatenate(rows), "site", 0, scoring=scoring)


def folds(visitors: Sequence[Visitor], way: Way, grown: Sequence[Sequence[Vectors]] | None = None) -> Folds:
    """Score each person once as the stranger, with all others enrolled; `grown`: by stranger and person."""
    tries = [attempts(one, way) for one in visitors]
    photos = [with_a_face(one.photos) for one in visitors]
    known: list[list[Floats]] = []
    strangers: list[Floats] = []
    for left_out in range(len(visitors)):
        gallery = gallery_without(photos, left_out, way, None if grown is None else grown[left_out])
        row: list[Floats] = []
        for person, looks in enumerate(tries):
            scores = attempt_scores(gallery, looks, way)
            if person == left_out:
                strangers.append(best_of_all(scores))
                row.append(np.zeros(0))
            elif person in gallery.person_ids:
                own = gallery.person_ids.index(person)
                row.append(if_ranked_first(scores, np.full(len(scores), own)))
            else:  # no photo with a face: never found
                row.append(np.full(len(scores), -np.inf))
        known.append(row)
    return Folds(known, strangers)


def met_again(visitors: Sequence[Visitor]) -> NDArray[np.bool_]:
    """Return who of them is met in another session [P]; ValueError with fewer than three people, or if nobody is."""
    met = np.array([one.elsewhere and len(one.looks) > 0 for one in visitors])
    if len(visitors) < 3 or not met.any():
        raise ValueError("it takes three people, of whom one is met in a second session")
    return met


def measure(visitors: Sequence[Visitor], fpir: float = 0.01, ways: Sequence[Way] = WAYS) -> list[dict[str, Any]]:
    """Return one row for each way.  Raises ValueError with fewer than three people, or if nobody is met again."""
    met = met_again(visitors)
    rows = []
    for way in ways:
        found = folds(visitors, way)
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
                "tries_of_known": sum(len(attempts(v, way)) for v, m in zip(visitors, met, strict=True) if m),
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
        return complement(interval([], round(rate * people), people, people))
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
    means = with_a_face(np.stack([pooled(one.photos) for one in visitors]))
    return float(np.linalg.norm(means.mean(0))) if len(means) else 0.0
