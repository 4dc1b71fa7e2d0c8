"""One centre or two where photos and looks do not share a camera: on invented people, against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.domain.access.scoring import Scoring, Vectors, centre_of, unit
from attendance.evaluation.recogniser.comparing import two_centres
from attendance.evaluation.recogniser.site import Visitor

DIM = 48


def people(photo_camera: float, look_camera: float, number: int = 12, seed: int = 1) -> list[Visitor]:
    """Photos and looks share a direction each, of this length beside a person's own of 1."""
    random = np.random.default_rng(seed)
    photos_share, looks_share = (random.normal(size=DIM) for _ in range(2))

    def rows(own: Vectors, share: Vectors, length: float, many: int) -> Vectors:
        light = random.uniform(0.4, 1.6, (many, 1))
        return unit((own + length * light * share + 0.8 * random.normal(size=(many, DIM))).astype(np.float32))

    owns = random.normal(size=(number, DIM))
    return [
        Visitor(f"P{n}", rows(own, photos_share, photo_camera, 3), rows(own, looks_share, look_camera, 30))
        for n, own in enumerate(owns)
    ]


def by_way(visitors: list[Visitor], fpir: float = 0.05) -> dict[str, dict[str, object]]:
    return {row["way"]: row for row in two_centres.measure(visitors, fpir)}


def test_two_centres_refuse_fewer_where_the_cameras_share_nothing() -> None:
    rows = by_way(people(1.5, 1.5))
    one, two = rows["one centre"], rows["two centres, 100 passages"]
    assert float(two["fnir"]) < float(one["fnir"]) - 0.05  # type: ignore[arg-type]
    assert two["against_one_centre"] == pytest.approx(float(two["fnir"]) - float(one["fnir"]), abs=1e-4)  # type: ignore[arg-type]
    low, high = two["against_one_centre95"]  # type: ignore[misc]
    assert low <= two["against_one_centre"] <= high
    assert (one["against_one_centre"], one["against_one_centre95"]) == (0, [0, 0])


def test_the_cameras_centre_is_the_shrunk_mean_over_people_and_never_of_the_person_judged() -> None:
    visitors = people(1.0, 1.0, number=4)
    tries = [visitor.looks[:5] for visitor in visitors]
    chosen = [(0, 1), (0, 2), (1, 0), (3, 4)]
    first = unit((tries[0][1] + tries[0][2])[None])[0]
    expected = centre_of(np.stack([first, tries[3][4]]))
    assert expected is not None
    assert np.allclose(two_centres._camera_centre(chosen, tries, 1), expected, atol=1e-6)
    assert two_centres._camera_centre(chosen[:3], tries, 0) is None


def test_only_passages_that_were_granted_without_a_centre_make_it() -> None:
    visitors = people(0.5, 0.5, number=5)
    tries = [visitor.looks for visitor in visitors]
    means = np.stack([unit(visitor.photos.sum(0)[None])[0] for visitor in visitors])
    inside = [0, 1, 3, 4]
    found = two_centres._chosen(means, tries, inside, 1000, 0.6, 0)
    expected = set()
    for number in inside:
        for attempt, look in enumerate(tries[number]):
            scores = {other: float(look @ means[other]) for other in inside}
            if max(scores, key=scores.__getitem__) == number and scores[number] >= 0.6:
                expected.add((number, attempt))
    assert set(found) == expected and expected
    assert len(two_centres._chosen(means, tries, inside, 3, 0.6, 0)) == 3


def test_without_a_shared_component_each_way_is_nearly_the_same_and_the_table_names_them() -> None:
    rows = two_centres.measure(people(0.0, 0.0), 0.05)
    assert max(float(row["fnir"]) for row in rows) - min(float(row["fnir"]) for row in rows) < 0.1
    text = two_centres.table({"photos by camera 0": rows})
    assert text.count("\n| ") == 6 and "| two centres, 30 passages |" in text


def test_each_side_is_compared_less_its_own_centre() -> None:
    """One stranger's attempt, by hand."""
    visitors = people(1.0, 1.0, number=4)
    tries = [visitor.looks[:6] for visitor in visitors]
    found = two_centres.folds(visitors, tries, two_centres.ONE, 1000, -1.0)
    means = np.stack([unit(visitor.photos.sum(0)[None])[0] for visitor in visitors])
    chosen = two_centres._chosen(means, tries, [1, 2, 3], 1000, -1.0, 0)
    looked = Scoring(True, two_centres._camera_centre(chosen, tries, 0)).faces(tries[0])
    rows = Scoring(True, centre_of(means[1:])).faces(means[1:])
    assert np.allclose(found.strangers[0], (looked @ rows.T).max(1), atol=1e-5)


def test_too_few_people_are_refused() -> None:
    with pytest.raises(ValueError, match="three people"):
        two_centres.measure(people(0.0, 0.0, number=2))
