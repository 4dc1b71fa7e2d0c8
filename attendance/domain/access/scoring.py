"""How two faces are compared: a look or a pooled attempt, against each photo or their mean, with or without a centre.

In: unit embeddings of photos and of looks.  Out: unit rows whose dot products are the scores.
Does not know: thresholds, names, databases.
Main choice: faces of one camera and one workforce share a component, which raises every score, those of strangers,
too.  Taking it off both sides, and going to unit length again, leaves what tells people apart.  Trade-off: the scores
of another centre are other scores, so a centre belongs to the operating point and changes with it only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

# How the version of scores less a centre begins, and the version of scores of an attempt (`track`).
CENTRE = "centre"
ATTEMPT = "attempt, "
# So many photos stand for the looks of an attempt.
LOOKS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """`pooled`: one template a person, the mean of the photos, instead of the best photo.

    `centre` [D] float32, shorter than 1, of pooled photos only: what the site's faces have in common; None: nothing is
    taken off.  `attempt`: the looks of an attempt are pooled, of pooled photos only; else each look is compared.
    `version`: what the scores are called in the records; the same for the same numbers only.
    Raises ValueError for a centre that is not finite or not shorter than 1, and for an attempt with single photos.
    """

    pooled: bool = False
    centre: Vectors | None = None
    attempt: bool = False
    version: str = field(init=False)

    def __post_init__(self) -> None:
        version = "mean photo" if self.pooled else "best photo"
        if self.centre is not None:
            if not (self.pooled and self.centre.ndim == 1 and float(np.linalg.norm(self.centre)) < 1):  # NaN fails too
                raise ValueError("a centre is a vector shorter than 1, of pooled photos")
            version = f"{CENTRE} {hashlib.sha256(self.centre.astype('<f4').tobytes()).hexdigest()[:12]}"
        if self.attempt and not self.pooled:
            raise ValueError("an attempt is compared with pooled photos")
        version = f"{ATTEMPT if self.attempt else ''}{version}"
        object.__setattr__(self, "version", version)

    def faces(self, vectors: Vectors) -> Vectors:
        """Return the unit rows [N,D] of single looks or photos as they are compared."""
        if self.centre is None or not len(vectors):
            return vectors
        return unit(vectors - self.centre)

    def people(self, rows: Vectors, owners: NDArray[np.int64]) -> tuple[Vectors, NDArray[np.int64]]:
        """Return the unit rows [M,D] of the gallery and whose they are, of photos [N,D] sorted by owner.

        Photos unlike a person's others stay in the mean: leaving them out was measured, and refused more
        (`docs/LOG.md`).
        """
        if self.pooled and len(rows):
            owners, starts, counts = np.unique(owners, return_index=True, return_counts=True)
            sums = rows[starts]
            for number in range(1, counts.max()):  # numpy's reduceat takes ten times as long along this axis
                more = counts > number
                sums[more] += rows[starts[more] + number]
            rows = unit(sums)
        return self.faces(rows), owners

    def own_scores(self, photos: Vectors, most_looks: int = LOOKS) -> NDArray[np.float32]:
        """Return the score [N] of each of one person's photos [N,D] with the person's others; N at least 2.

        For an attempt up to `most_looks` neighbours among the photos stand for its looks, but at most half of the
        photos.  With 1 each photo is compared alone: among others a photo of somebody else would not show.
        """
        number = len(photos)
        looks = min(most_looks, number // 2) if self.attempt else 1
        if looks > 1:
            around = np.arange(number)[:, None] + np.arange(looks)
            taken = photos[around % number].sum(axis=1)
            templates = self.faces(unit(photos.sum(axis=0) - taken))
            pooled: NDArray[np.float32] = np.einsum("nd,nd->n", self.faces(unit(taken)), templates)
            return pooled
        faces = self.faces(photos)
        scores: NDArray[np.float32]
        if self.pooled:
            scores = np.einsum("nd,nd->n", faces, self.faces(unit(photos.sum(axis=0) - photos)))
            return scores
        between = faces @ faces.T
        np.fill_diagonal(between, -np.inf)
        scores = between.max(axis=1)
        return scores


BEST_PHOTO = Scoring()
MEAN_PHOTO = Scoring(pooled=True)
ATTEMPT_MEAN = Scoring(pooled=True, attempt=True)


def kind_of(version: str) -> str:
    """Return the name of a way of comparing, without which centre it is, from a version of scores."""
    start = ATTEMPT if version.startswith(ATTEMPT) else ""
    return start + CENTRE if version.removeprefix(start).startswith(CENTRE) else version


def unit(rows: Vectors) -> Vectors:
    """Return the rows at length 1; a row of zeros stays one, and matches nobody."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    result: Vectors = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return result


def mean_of(rows: Vectors) -> Vectors:
    """Return the mean template [D] of unit rows [N,D], of length 1."""
    return unit(rows.sum(axis=0))


def centre_of(people: Vectors) -> Vectors | None:
    """Return the centre [D] of the people's mean templates [P,D]; None for fewer than two.

    The mean of P unrelated unit vectors is 1/√P long by chance alone.  Only what is longer than chance is taken
    off: the mean is shrunk towards zero by the share of its squared length that chance explains
    (James and Stein 1961, positive part).
    """
    number = len(people)
    if number < 2:
        return None
    mean = people.mean(axis=0)
    square = float(mean @ mean)
    by_chance = max(0.0, 1 - square) / (number - 1)
    kept = max(0.0, 1 - by_chance / max(square, 1e-9))
    centre: Vectors = (kept * mean).astype(np.float32)
    return centre
