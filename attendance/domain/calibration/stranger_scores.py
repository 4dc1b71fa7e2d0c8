"""How strangers score against a site's people: its own people as strangers to each other, and packaged strangers.

In: the doors' gallery, the enrolled templates, packaged strangers as vectors.  Out: `StrangerScores`.
Does not know: databases, risks and thresholds.
Main choice: the gallery's own scoring gives every score, and one function serves the threshold page and `evaluate`.
Trade-off: photos are compared, which are better than looks at a door.
"""

from __future__ import annotations

import numpy as np

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.scoring import LOOKS, MEAN_PHOTO, Scoring, Vectors, centre_of, mean_of
from attendance.domain.calibration.risk import Ints, Strangers
from attendance.domain.calibration.site_calibration import StrangerScores

# Up to so many people each is left out of the centre when standing in as a stranger.
LEFT_OUT = 300


def stranger_scores(
    gallery: Gallery, photos: Vectors, owners: Ints, people: Vectors, outside: Vectors | None, outside_model: str = ""
) -> StrangerScores:
    """Compare each person's first template with everybody else, and the packaged strangers [K,D] with everybody.

    `photos` [M,D], `owners` [M]: the enrolled ones, by owner · `people` [N,D]: each person's mean template as the doors
    have it, with what grew.  For an attempt a person's first templates are pooled.  A packaged stranger has a single
    one: pooled ones score about the same, and where the site's own people score higher, they are moved there.
    """
    among = among_themselves(gallery, photos, owners, people)
    own = Strangers(among, np.arange(gallery.size, dtype=np.int64), gallery.model_id)
    if outside is None:
        return StrangerScores(own, None)
    scores = gallery.person_scores(outside)
    return StrangerScores(own, Strangers(scores, np.full(len(scores), -1, np.int64), outside_model))


def among_themselves(gallery: Gallery, photos: Vectors, owners: Ints, people: Vectors) -> Vectors:
    """Compare each person's first template, or for an attempt the first ones pooled, with everybody: [N,N].

    A centre holds a share of each of its people, which a stranger has not, and few people are pushed apart by it.  So
    whoever stands in as a stranger is left out of the centre; among many the share is too small to matter.
    """
    if not gallery.size:
        return np.empty((0, 0), np.float32)
    looks = _first_looks(photos, owners, LOOKS if gallery.scoring.attempt else 1)
    if gallery.scoring.centre is None or not 2 < gallery.size <= LEFT_OUT:
        return gallery.person_scores(looks)
    means, _ids = MEAN_PHOTO.people(photos, owners)
    scores = np.empty((gallery.size, gallery.size), np.float32)
    for number in range(gallery.size):
        without = Scoring(True, centre_of(np.delete(means, number, axis=0)))
        scores[number] = without.faces(people) @ without.faces(looks[[number]])[0]
    return scores


def _first_looks(photos: Vectors, owners: Ints, most: int) -> Vectors:
    """Return [N,D], each person's first templates, at most so many, pooled."""
    _people, starts, counts = np.unique(owners, return_index=True, return_counts=True)
    if most == 1:
        return photos[starts]
    parts = zip(starts, counts, strict=True)
    return np.stack([mean_of(photos[start : start + min(most, count)]) for start, count in parts])
