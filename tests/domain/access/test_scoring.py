"""What a score is: the best photo or the mean of the photos, with or without the site's centre."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.domain.access.decision import decide
from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import ATTEMPT_MEAN, BEST_PHOTO, MEAN_PHOTO, Scoring, centre_of, unit
from attendance.domain.faces import Template
from attendance.domain.reason import Reason
from tests.factories import MODEL, NOON, make_probe

RANDOM = np.random.default_rng(3)
DIM = 64


def people_and_photos(people: int = 6, photos: int = 3, shared: float = 0.0, seed: int = 1) -> np.ndarray:
    """[people, photos, DIM]: unit rows; `shared`: how much of one common direction each has."""
    random = np.random.default_rng(seed)
    common = random.normal(size=DIM)
    own = random.normal(size=(people, 1, DIM)) + 0.5 * random.normal(size=(people, photos, DIM))
    return unit((own + shared * common).astype(np.float32))


def test_pooled_scores_are_cosines_with_the_mean_of_a_persons_photos() -> None:
    photos, looks = people_and_photos(), people_and_photos(seed=2)[:, 0]
    owners = np.repeat(np.arange(10, 16), 3)
    gallery = Gallery(owners.tolist(), photos.reshape(-1, DIM), MODEL, 1, scoring=MEAN_PHOTO)
    means = photos.mean(axis=1) / np.linalg.norm(photos.mean(axis=1), axis=1, keepdims=True)

    assert np.allclose(gallery.person_scores(looks), looks @ means.T, atol=1e-6)
    assert (len(gallery), gallery.size) == (18, 6)
    best = gallery.search(Template(looks[0], MODEL), limit=1)[0]
    assert best.score == pytest.approx(float((looks[0] @ means.T).max()), abs=1e-6)


def test_a_centre_is_taken_off_photos_and_looks_alike() -> None:
    photos = people_and_photos(shared=1.5)
    means = unit(photos.mean(axis=1))
    centre = centre_of(means)
    assert centre is not None
    gallery = Gallery(np.repeat(range(6), 3).tolist(), photos.reshape(-1, DIM), MODEL, 1, scoring=Scoring(True, centre))
    look = photos[2, 1]

    expected = unit(look - centre) @ unit(means - centre).T
    assert np.allclose(gallery.person_scores(look[None])[0], expected, atol=1e-6)
    assert [each.score for each in gallery.search(Template(look, MODEL), 6)] == pytest.approx(
        sorted(expected.tolist(), reverse=True), abs=1e-6
    )


@pytest.mark.parametrize("shared", [0.0, 1.5])
@pytest.mark.parametrize("kind", ["best photo", "mean photo", "centre"])
def test_a_photo_is_compared_with_the_persons_others_as_the_gallery_would(kind: str, shared: float) -> None:
    photos = people_and_photos(shared=shared)
    centre = centre_of(unit(photos.mean(axis=1))) if kind == "centre" else None
    scoring = Scoring(kind != "best photo", centre)
    own = photos[3]
    by_gallery = [
        Gallery([7, 7], np.delete(own, number, axis=0), MODEL, 1, scoring=scoring).person_scores(own[[number]])[0, 0]
        for number in range(3)
    ]
    assert np.allclose(scoring.own_scores(own), by_gallery, atol=1e-6)


def test_a_photo_of_somebody_else_among_six_shows_where_attempts_are_compared() -> None:
    photos = people_and_photos(photos=6)
    own = photos[3].copy()
    own[2] = photos[0][0]
    alone = ATTEMPT_MEAN.own_scores(own, most_looks=1)

    assert np.allclose(alone, MEAN_PHOTO.own_scores(own))
    assert alone[2] < 0.35 and np.delete(alone, 2).min() > 0.6
    assert ATTEMPT_MEAN.own_scores(own).min() > 0.6, "looks together hide it, as they should at a door"


def test_the_less_people_share_and_the_fewer_they_are_the_shorter_the_centre() -> None:
    def length(people: int, shared: float) -> float:
        each = [centre_of(people_and_photos(people, 1, shared, seed)[:, 0]) for seed in range(20)]
        return float(np.mean([np.linalg.norm(centre) for centre in each if centre is not None]))

    assert centre_of(people_and_photos(1)[:, 0]) is None
    assert length(5, 0.0) < 0.25  # the mean of five unrelated vectors is 0.45 long
    assert length(200, 0.0) < 0.05
    assert length(5, 1.0) == pytest.approx(length(200, 1.0), abs=0.12)
    assert length(200, 1.0) > 0.6


def test_versions_tell_scores_of_another_kind_apart() -> None:
    centre = np.full(DIM, 0.01, np.float32)
    versions = {
        BEST_PHOTO.version,
        MEAN_PHOTO.version,
        Scoring(True, centre).version,
        Scoring(True, centre * 2).version,
    }
    assert len(versions) == 4
    assert Scoring(True, centre.copy()).version == Scoring(True, centre).version


def test_a_threshold_for_other_scores_opens_nothing() -> None:
    rows = people_and_photos(2, 1)[:, 0]
    gallery = Gallery([1, 2], rows, MODEL, 1, scoring=MEAN_PHOTO)
    fitting = OperatingPoint(0.5, 0.05, MODEL, "calibration", NOON, MEAN_PHOTO.version)
    foreign = OperatingPoint(0.5, 0.05, MODEL, "calibration", NOON)
    probe = make_probe(rows[0])

    assert decide(probe, gallery, fitting).granted
    assert decide(probe, gallery, foreign).reason is Reason.FAULT


@pytest.mark.parametrize(
    "centre", [np.full(4, np.nan, np.float32), np.ones(4, np.float32), np.zeros((2, 2), np.float32)]
)
def test_a_centre_that_is_none_is_refused(centre: np.ndarray) -> None:
    with pytest.raises(ValueError, match="shorter than 1"):
        Scoring(True, centre.astype(np.float32))
    with pytest.raises(ValueError, match="of pooled photos"):
        Scoring(False, np.full(4, 0.1, np.float32))
