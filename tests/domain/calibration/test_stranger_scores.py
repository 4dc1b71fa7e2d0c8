"""A site's people as strangers to each other, and packaged strangers, by the scoring of its doors."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.scoring import MEAN_PHOTO, Scoring, centre_of, mean_of, unit
from attendance.domain.calibration.stranger_scores import among_themselves, stranger_scores

OWNERS = np.repeat(np.arange(5), 3)


def photos(common: float = 1.5) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    random = np.random.default_rng(3)
    shared = random.standard_normal(32)
    own = np.repeat(random.standard_normal((5, 32)) + common * shared, 3, axis=0)
    return unit((own + 0.3 * random.standard_normal(own.shape)).astype(np.float32))


def test_who_stands_in_as_a_stranger_is_in_no_centre() -> None:
    rows = photos()
    means, _ids = MEAN_PHOTO.people(rows, OWNERS)
    gallery = Gallery(OWNERS, rows, "m", 0, scoring=Scoring(True, centre_of(means), attempt=True))
    inside, among = gallery.person_scores(means), among_themselves(gallery, rows, OWNERS, means)
    apart = ~np.eye(5, dtype=bool)

    assert among[apart].mean() > inside[apart].mean()  # a centre that holds them pushes them from the others


@pytest.mark.parametrize("attempt", [False, True])
def test_one_photo_stands_for_a_look_and_the_first_ones_together_for_an_attempt(attempt: bool) -> None:
    rows = photos()
    means, _ids = MEAN_PHOTO.people(rows, OWNERS)
    gallery = Gallery(OWNERS, rows, "m", 0, scoring=Scoring(True, None, attempt))
    look = mean_of(rows[3:6]) if attempt else rows[3]
    scores = stranger_scores(gallery, rows, OWNERS, means, rows[:2], "n")

    assert scores.own.scores[1] == pytest.approx(means @ look, abs=1e-6)
    assert scores.outside is not None and scores.outside.model_id == "n"
    assert scores.outside.scores == pytest.approx(rows[:2] @ means.T, abs=1e-6)
    assert stranger_scores(gallery, rows, OWNERS, means, None).outside is None


def test_an_empty_gallery_has_no_scores() -> None:
    nobody = np.empty((0, 32), np.float32)
    gallery = Gallery([], nobody, "m", 0)
    assert among_themselves(gallery, nobody, np.empty(0, np.int64), nobody).shape == (0, 0)
