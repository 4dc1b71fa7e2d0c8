"""What a threshold would accept and refuse among the photos that are enrolled.

In: the enrolled templates of one model.  Out: score distributions, error rates with their
intervals, the pairs of people who look alike.
Does not know: live faces at the door (enrolment photos are better, so these rates are hopeful); a stranger's
chance, which `domain/calibration` alone computes.
Main choice: every pair is compared while there are few, else a fixed random subsample of known
size, so that the page answers at once and the same gallery always gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from attendance.domain.calibration.error_rates import ErrorRate, fmr_at, fnmr_at
from attendance.store.calibration.operating_points import scoring_in_force
from attendance.store.crypto import Keys
from attendance.store.people import templates as stored_templates
from attendance.store.people.templates import Enrolled

MAX_PAIRS = 500_000
_CHUNK = 20_000  # pairs a step: 20,000 of 384 floats are 30 MB


@dataclass(frozen=True, slots=True)
class LookAlike:
    """Two people and the highest score between their templates."""

    person_id: int
    name: str
    other_id: int
    other_name: str
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class GalleryScores:
    """`genuine`: raw cosines of pairs of templates of one person, `impostor`: of two people, float32, sorted.

    `*_total`: how many such pairs exist; fewer scores than that means a subsample was taken.
    `look_alikes` are the highest impostor pairs by people, among the pairs that were compared.
    """

    model_id: str
    people: int
    templates: int
    genuine: NDArray[np.float32]
    impostor: NDArray[np.float32]
    genuine_total: int
    impostor_total: int
    look_alikes: tuple[LookAlike, ...]


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a threshold does to pairs of enrolled photos.

    `fmr`: pairs of two people that it would accept as one; `fnmr`: pairs of one person that it would refuse.
    A stranger's chance does not follow from these: `domain/calibration` computes it, from people and not from photos.
    """

    threshold: float
    fmr: ErrorRate
    fnmr: ErrorRate


def gallery_scores(
    session: Session, keys: Keys, model_id: str, max_pairs: int = MAX_PAIRS, look_alikes: int = 10
) -> GalleryScores:
    """Compare the active people's templates with each other, photo by photo, at most `max_pairs` of each kind.

    A site's centre is taken off, if it is in force.
    """
    enrolled = stored_templates.enrolled_templates(session, keys, model_id)
    owners = np.array([one.person_id for one in enrolled], dtype=np.int64)
    if len(enrolled) == 0:
        none = np.empty(0, np.float32)
        return GalleryScores(model_id, 0, 0, none, none, 0, 0, ())
    scoring = scoring_in_force(session, keys, model_id)
    matrix = scoring.faces(np.stack([one.template.vector for one in enrolled]))
    genuine_pairs = _genuine_pairs(owners)
    same_total = len(genuine_pairs)
    impostor_total = len(owners) * (len(owners) - 1) // 2 - same_total
    if same_total > max_pairs:
        chosen = np.random.default_rng(0).choice(same_total, max_pairs, replace=False)
        genuine_pairs = genuine_pairs[np.sort(chosen)]
    impostor_pairs = _impostor_pairs(owners, impostor_total, max_pairs)
    genuine, impostor = _scores(matrix, genuine_pairs), _scores(matrix, impostor_pairs)
    return GalleryScores(
        model_id=model_id,
        people=len(np.unique(owners)),
        templates=len(owners),
        genuine=np.sort(genuine),
        impostor=np.sort(impostor),
        genuine_total=same_total,
        impostor_total=impostor_total,
        look_alikes=_look_alikes(enrolled, impostor_pairs, impostor, look_alikes),
    )


def consequences(scores: GalleryScores, threshold: float) -> Consequences:
    """Return the error rates among enrolled photos at `threshold`: a score at or above it is a match."""
    return Consequences(threshold, fmr_at(scores.impostor, threshold), fnmr_at(scores.genuine, threshold))


def histogram(scores: NDArray[np.float32], bins: int = 60) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return counts [bins] and edges [bins+1] over -1..1; every score falls into a bin."""
    counts, edges = np.histogram(np.clip(scores, -1, 1), bins=bins, range=(-1.0, 1.0))
    return counts.astype(np.int64), edges.astype(np.float64)


def _genuine_pairs(owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row pairs [P,2] of one person; `owners` is sorted."""
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    pairs = [np.empty((0, 2), np.int64)]
    for start, end in zip(starts, np.r_[starts[1:], len(owners)], strict=True):
        first, second = np.triu_indices(int(end - start), k=1)
        pairs.append(np.stack([first, second], axis=1).astype(np.int64) + start)
    return np.concatenate(pairs)


def _impostor_pairs(owners: NDArray[np.int64], total: int, most: int) -> NDArray[np.int64]:
    """Row pairs [P,2] of two people: all of them, or `most` distinct random ones, the same every time."""
    if total <= most:
        first, second = np.triu_indices(len(owners), k=1)
        across = owners[first] != owners[second]
        return np.stack([first[across], second[across]], axis=1).astype(np.int64)
    random = np.random.default_rng(0)
    chosen = np.empty(0, np.int64)
    while len(chosen) < most:
        pair = np.sort(random.integers(0, len(owners), (2 * most, 2)), axis=1)
        pair = pair[owners[pair[:, 0]] != owners[pair[:, 1]]]
        chosen = np.unique(np.r_[chosen, pair[:, 0] * len(owners) + pair[:, 1]])
    chosen = np.sort(random.permutation(chosen)[:most])
    return np.stack([chosen // len(owners), chosen % len(owners)], axis=1)


def _scores(matrix: NDArray[np.float32], pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    scores = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), _CHUNK):
        part = pairs[start : start + _CHUNK]
        scores[start : start + _CHUNK] = np.einsum("pd,pd->p", matrix[part[:, 0]], matrix[part[:, 1]])
    return scores


def _look_alikes(
    enrolled: list[Enrolled], pairs: NDArray[np.int64], scores: NDArray[np.float32], most: int
) -> tuple[LookAlike, ...]:
    found: dict[tuple[int, int], LookAlike] = {}
    number = len({one.person_id for one in enrolled})
    most = min(most, number * (number - 1) // 2)  # so that the search ends once every pair was met
    for index in np.argsort(-scores, kind="stable"):
        one, other = enrolled[pairs[index, 0]], enrolled[pairs[index, 1]]
        key = (one.person_id, other.person_id)  # rows are in the order of person ids, so a pair has one key
        if key not in found:
            found[key] = LookAlike(one.person_id, one.name, other.person_id, other.name, float(scores[index]))
        if len(found) == most:
            break
    return tuple(found.values())
