"""A site in small, with people whose rates are known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.scoring import Scoring, centre_of, mean_of, unit
from attendance.evaluation.recogniser import site
from attendance.evaluation.recogniser.site import Visitor, Way
from attendance.evaluation.recogniser.site_run import folder_people, nuaa_people


def _people(count: int, noise: float, common: float = 0.0, elsewhere: bool = True) -> list[Visitor]:
    random = np.random.default_rng(0)
    shared = random.standard_normal(32)
    people = []
    for number in range(count):
        own = random.standard_normal(32) + common * shared
        photos, looks = (own + noise * random.standard_normal((n, 32)) for n in (3, 24))
        people.append(
            Visitor(f"{number:04}", unit(photos.astype(np.float32)), unit(looks.astype(np.float32)), elsewhere)
        )
    return people


def _rates(people: list[Visitor], ways: Sequence[Way]) -> dict[str, float]:
    return {row["way"]: row["fnir"] for row in site.measure(people, ways=ways)}


def test_people_who_look_like_themselves_are_found_and_pooling_helps_the_others() -> None:
    row = site.measure(_people(8, 0.1), ways=site.WAYS[-1:])[0]
    assert row["fnir"] == 0.0 and row["interval95_people"][0] == 0.0 and 0.2 < row["interval95_people"][1] < 0.4
    rates = _rates(_people(10, 1.4), site.WAYS)

    assert rates["attempt, mean of the photos"] < rates["look, mean of the photos"] < rates["look, best of the photos"]
    assert rates["attempt, mean of the photos"] < rates["each of 3 looks, mean of the photos"]
    assert rates["up to 8 looks, mean of the photos"] <= rates["attempt, mean of the photos"]


def test_an_attempt_is_scored_as_its_way_says() -> None:
    person = _people(1, 0.8)[0]
    gallery = Gallery([1, 1, 1], person.photos, "m", 0, scoring=Scoring(pooled=True))
    looks = person.looks[None, :5].copy()
    looks[0, 1] = np.nan  # no face was found
    single = gallery.person_scores(looks[0])[:, 0]

    def scored(**how: bool) -> float:
        return float(site.attempt_scores(gallery, looks, Way("w", True, 5, **how))[0, 0])

    seen = looks[0][[0, 2, 3, 4]]
    assert scored(each=True) == pytest.approx(float(np.nanmin(single)))
    assert scored() == pytest.approx(float(gallery.person_scores(mean_of(seen)[None])[0, 0]), abs=1e-6)
    pools = [float(gallery.person_scores(mean_of(seen[:n])[None])[0, 0]) for n in (2, 3, 4)]
    assert scored(growing=True) == pytest.approx(max(pools), abs=1e-6)
    nobody = np.full_like(looks, np.nan)
    assert np.isneginf(site.attempt_scores(gallery, nobody, Way("w", True, 5, each=True))).all()


def test_a_run_holds_looks_that_follow_each_other() -> None:
    person = _people(1, 0.8)[0]
    runs = site.attempts(person, Way("w", True, 8, run=True))
    assert all(np.array_equal(one, person.looks[start : start + 8]) for start, one in enumerate(runs))
    assert len(runs) == 24 - 8 + 1


def test_without_what_all_have_in_common_strangers_are_less_like_everybody() -> None:
    people = _people(10, 0.5, common=2.0)
    assert site.norm_of_mean(people) > 0.6 > site.norm_of_mean(_people(10, 0.5))

    plain, centred = (site.folds(people, way) for way in site.WAYS[1:3])
    likeness = [float(np.mean(np.concatenate(found.strangers))) for found in (plain, centred)]
    assert likeness[0] > 0.7 and likeness[1] < 0.5  # how like a stranger is to the likest person
    rates = _rates(people, site.WAYS[1:3])
    assert rates["look, mean, centre"] <= rates["look, mean of the photos"]


def test_the_doors_own_gallery_gives_the_scores_its_shrunk_centre_too() -> None:
    people = _people(5, 0.3, common=1.0)
    people[3] = Visitor("0003", np.full_like(people[3].photos, np.nan), people[3].looks)  # no photo with a face
    inside = [people[i] for i in (0, 1, 4)]
    centre = centre_of(np.stack([mean_of(one.photos) for one in inside]))
    assert centre is not None
    door = Scoring(pooled=True, centre=centre)
    gallery = Gallery([1, 1, 1, 2, 2, 2, 5, 5, 5], np.concatenate([v.photos for v in inside]), "m", 0, scoring=door)
    scores = gallery.person_scores(people[2].looks)

    found = site.folds(people, site.WAYS[2])
    assert np.array_equal(found.strangers[2], scores.max(1))
    own = gallery.person_scores(people[1].looks)
    assert np.array_equal(found.known[2][1], np.where(own.argmax(1) == 1, own[:, 1], -np.inf))
    assert np.isneginf(found.known[2][3]).all()
    mean = np.stack([mean_of(one.photos) for one in inside]).mean(0)
    assert np.linalg.norm(centre) < 0.99 * np.linalg.norm(mean)  # what chance explains stays


def test_an_unseen_face_is_an_error_and_a_person_without_a_photo_is_never_found() -> None:
    people = _people(6, 0.1)
    blind = people[0].looks.copy()
    blind[:12] = np.nan
    people[0] = Visitor("0000", people[0].photos, blind)
    people[1] = Visitor("0001", np.full_like(people[1].photos, np.nan), people[1].looks)
    row = site.measure(people, ways=site.WAYS[:1])[0]

    assert row["by_person"]["0000"] == 0.5 and row["by_person"]["0001"] == 1.0 and row["by_person"]["0002"] == 0.0
    assert row["fnir"] == pytest.approx((0.5 + 1) / 6, abs=1e-4)
    assert row["interval95_people"][0] <= row["fnir"] <= row["interval95_people"][1]


def test_who_comes_in_one_session_only_is_a_stranger_and_not_counted_as_known() -> None:
    people = _people(5, 0.1) + _people(3, 0.1, elsewhere=False)
    people = [Visitor(f"{i:04}", v.photos, v.looks, v.elsewhere) for i, v in enumerate(people)]
    row = site.measure(people, ways=site.WAYS[:1])[0]

    assert row["known"] == 5 and row["strangers"] == 8
    with pytest.raises(ValueError, match="three people"):
        site.measure(_people(5, 0.1, elsewhere=False))


def test_sessions_are_read_from_names_and_from_folders(tmp_path: Path) -> None:
    live = tmp_path / "data" / "nuaa" / "ClientRaw"
    for person, sessions in (("0001", ("01", "02")), ("0002", ("03",))):
        (live / person).mkdir(parents=True)
        for session in sessions:
            for number in (0, 5, 11, 100, 7, 20):
                (live / person / f"{person}_00_00_{session}_{number}.jpg").touch()
    (live / "0001" / "notes.txt").touch()
    first, second = nuaa_people(tmp_path / "data")

    assert first.elsewhere and not second.elsewhere
    assert [path.stem for path in first.photos] == ["0001_00_00_01_5", "0001_00_00_01_11", "0001_00_00_01_100"]
    assert len(first.looks) == 6 and all("_02_" in path.stem for path in first.looks)
    assert [path.stem for path in second.photos] == ["0002_00_00_03_0", "0002_00_00_03_5"]
    assert [path.stem for path in second.looks] == ["0002_00_00_03_11", "0002_00_00_03_20", "0002_00_00_03_100"]

    for name in ("a/1/x.png", "a/2/y.png", "b/x.png", "b/y.png", "alone/x.png"):
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).touch()
    assert [(p.name, p.elsewhere, len(p.looks)) for p in folder_people(tmp_path / "site")] == [
        ("a", True, 1),
        ("b", False, 1),
    ]
