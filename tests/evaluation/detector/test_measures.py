"""Measures of finding faces, against references written in another way."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.evaluation.detector import measures
from attendance.evaluation.detector.measures import Curve, PictureDetections, crowd, face_free, main_face, match
from attendance.evaluation.detector.pictures import Picture
from attendance.vision.boxes import Detections

FACE = [10.0, 10.0, 50.0, 60.0]


def found(*rows: tuple[list[float], float]) -> Detections:
    """Boxes with their scores, best first; the points lie where `points_of` puts them."""
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([score for _, score in rows], np.float32), points_of(boxes))


def points_of(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Eyes a tenth of the width off the middle, to each side, the rest below."""
    middle, width = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2] - boxes[:, 0]
    offsets = np.array([[-0.1, 0], [0.1, 0], [0, 0.1], [-0.1, 0.2], [0.1, 0.2]], np.float32)
    return (middle[:, None] + offsets * width[:, None, None]).astype(np.float32)


def picture(*boxes: list[float], ignored: tuple[int, ...] = (), main: int | None = None) -> Picture:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    flags = np.isin(np.arange(len(array)), ignored)
    return Picture(Path("none.png"), array, flags, points_of(array), main)


def random_case(random: np.random.Generator) -> tuple[Picture, PictureDetections]:
    """A few faces, some ignored, and boxes near and beside them, some of one score."""
    faces = int(random.integers(0, 6))
    corner = random.uniform(0, 80, (faces, 2))
    truth = np.concatenate([corner, corner + random.uniform(12, 40, (faces, 2))], axis=1).astype(np.float32)
    near = truth[random.integers(0, faces, 8)] if faces else np.zeros((0, 4), np.float32)
    near = near + random.normal(0, 3, near.shape)
    corner = random.uniform(0, 100, (3, 2))
    boxes = np.concatenate([near, np.concatenate([corner, corner + random.uniform(5, 40, (3, 2))], axis=1)])
    scores = np.sort(np.round(random.uniform(0.02, 1, len(boxes)), 1))[::-1]
    result = PictureDetections(
        Detections(boxes.astype(np.float32), scores.astype(np.float32), points_of(boxes.astype(np.float32))), 1.0
    )
    return Picture(Path("none.png"), truth, random.random(faces) < 0.3), result


def wider_reference(
    boxes: NDArray[np.float32], truth: NDArray[np.float32], ignored: NDArray[np.bool_]
) -> tuple[list[int], list[int]]:
    """The loop of the benchmark's own program: proposals 1 or -1, and how many faces each step has recalled."""
    recalled, proposals, recalls = [0] * len(truth), [1] * len(boxes), []
    for h, (x1, y1, x2, y2) in enumerate(boxes.astype(np.float64)):
        best, best_iou = -1, -1.0
        for g, (a1, b1, a2, b2) in enumerate(truth.astype(np.float64)):
            shared = max(0.0, min(x2, a2) - max(x1, a1)) * max(0.0, min(y2, b2) - max(y1, b1))
            iou = shared / ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared)
            if iou > best_iou:
                best, best_iou = g, iou
        if best_iou >= 0.5:
            if ignored[best]:
                recalled[best] = proposals[h] = -1
            elif recalled[best] == 0:
                recalled[best] = 1
        recalls.append(sum(value == 1 for value in recalled))
    return proposals, recalls


def test_matching_is_that_of_the_benchmarks_own_program() -> None:
    random = np.random.default_rng(1)
    for _ in range(100):
        one, result = random_case(random)
        states, taken_by = match(result.detections.boxes, one.boxes, one.ignored)
        proposals, recalls = wider_reference(result.detections.boxes, one.boxes, one.ignored)
        assert np.array_equal(states == measures.NEITHER, np.array(proposals) == -1)
        assert np.array_equal(np.cumsum(states == measures.HIT), recalls)
        assert (taken_by >= 0).sum() == recalls[-1]


def slow_average_precision(pictures: list[Picture], results: list[PictureDetections]) -> float:
    """For each confidence the whole set is judged anew; then the best precision from each recall on."""
    faces = sum(int((~one.ignored).sum()) for one in pictures)
    points = []
    for confidence in sorted({float(score) for result in results for score in result.detections.scores}):
        hits = wrong = 0
        for one, result in zip(pictures, results, strict=True):
            states, _ = match(result.detections.down_to(confidence).boxes, one.boxes, one.ignored)
            hits += int((states == measures.HIT).sum())
            wrong += int((states == measures.WRONG).sum())
        if hits + wrong:
            points.append((hits / faces, hits / (hits + wrong)))
    steps = sorted({0.0, *(recall for recall, _ in points)})
    return sum(
        (high - low) * max(precision for recall, precision in points if recall >= high) for low, high in pairwise(steps)
    )


@pytest.mark.parametrize("seed", range(8))
def test_average_precision_is_what_a_slow_count_gives(seed: int) -> None:
    random = np.random.default_rng(seed)
    pictures, results = zip(*(random_case(random) for _ in range(6)), strict=True)
    curve = Curve(pictures, results)

    assert curve.average_precision() == pytest.approx(slow_average_precision(list(pictures), list(results)))
    assert 0 <= curve.report()["interval95"][0] <= curve.report()["interval95"][1] <= 1


def test_a_picture_drawn_twice_counts_as_two() -> None:
    random = np.random.default_rng(3)
    pictures, results = zip(*(random_case(random) for _ in range(4)), strict=True)
    times = np.array([2, 0, 1, 3])
    drawn = [index for index, many in enumerate(times) for _ in range(many)]

    twice = Curve([pictures[i] for i in drawn], [results[i] for i in drawn])

    assert Curve(pictures, results).average_precision(times) == pytest.approx(twice.average_precision())


def test_a_lead_of_two_detectors_is_drawn_together_so_that_the_pictures_cancel_out() -> None:
    random = np.random.default_rng(4)
    pictures, results = zip(*(random_case(random) for _ in range(20)), strict=True)
    curve, same = Curve(pictures, results), Curve(pictures, results)
    blind = Curve(pictures, [PictureDetections(Detections.nothing(), 1.0)] * 20)

    assert curve.lead(same) == {"value": 0.0, "interval95": [0.0, 0.0]}
    assert curve.lead(blind) == curve.report()


def test_a_perfect_detector_has_an_average_precision_of_one_and_a_blind_one_of_zero() -> None:
    one = picture(FACE, [60, 10, 90, 50])
    seen = PictureDetections(found((FACE, 0.9), ([60, 10, 90, 50], 0.4)), 1.0)
    blind = PictureDetections(Detections.nothing(), 1.0)

    assert Curve([one], [seen]).report() == {"value": 1.0, "interval95": [1.0, 1.0]}
    assert Curve([one], [blind]).report() == {"value": 0.0, "interval95": [0.0, 0.0]}


def test_without_a_face_there_is_no_average_precision_and_no_nan() -> None:
    report = crowd([picture()], [PictureDetections(found((FACE, 0.9)), 1.0)], 0.5)

    assert report["ap50"] == {"value": None, "interval95": None}
    assert report["at_confidence"]["precision"]["rate"] == 0


def test_a_second_box_on_a_face_is_wrong_and_one_on_an_ignored_face_counts_neither_way() -> None:
    boxes = found((FACE, 0.9), (FACE, 0.8), ([60, 10, 90, 50], 0.7))
    states, _ = match(boxes.boxes, np.array([FACE, [60, 10, 90, 50]], np.float32), np.array([False, True]))

    assert states.tolist() == [measures.HIT, measures.WRONG, measures.NEITHER]


def test_recall_and_precision_are_those_of_a_detector_with_that_confidence() -> None:
    one = picture(FACE, [60, 10, 90, 50])
    result = PictureDetections(found((FACE, 0.9), ([0, 70, 9, 80], 0.6), ([60, 10, 90, 50], 0.3)), 1.0)

    at = Curve([one], [result]).at(0.5)

    assert (at["recall"]["count"], at["recall"]["of"]) == (1, 2)
    assert (at["precision"]["count"], at["precision"]["of"]) == (1, 2)


def test_heights_are_those_in_the_detectors_input() -> None:
    tall = [0.0, 0.0, 80.0, 100.0]
    half = PictureDetections(found((tall, 0.9)), 0.5)  # 100 px of the image are 50 px of the input
    tiny = PictureDetections(found((tall, 0.2)), 0.1)

    report = crowd([picture(tall), picture(tall)], [half, tiny], 0.5)

    rows = {row["from_px"]: (row["count"], row["of"]) for row in report["recall_by_height_in_input_px"] if row["of"]}
    assert rows == {48: (1, 1), 8: (0, 1)}
    assert report["recall_from_24_px"]["rate"] == 1


def test_a_level_counts_the_faces_that_it_lists_and_no_others() -> None:
    one = Picture(
        Path("none.png"),
        np.array([FACE, [60, 10, 90, 50]], np.float32),
        np.array([False, False]),
        levels={"easy": np.array([True, False]), "hard": np.array([True, True])},
    )
    result = PictureDetections(found((FACE, 0.5), ([60, 10, 90, 50], 0.9)), 1.0)

    report = crowd([one], [result], 0.95)

    assert {level: value["faces"] for level, value in report["levels"].items()} == {"easy": 1, "hard": 2}
    assert report["levels"]["easy"]["ap50"]["value"] == 1.0


def test_the_main_face_is_acquired_or_not_and_strangers_are_counted() -> None:
    shifted = [12.0, 10.0, 52.0, 60.0]  # by 2 px; the eyes are 8 px apart
    pictures = [picture(FACE, main=0), picture(FACE, main=0), picture(main=None), picture(FACE, main=0)]
    results = [
        PictureDetections(found((shifted, 0.9), ([70, 70, 90, 90], 0.8)), 1.0),
        PictureDetections(found((FACE, 0.3)), 1.0),  # below the confidence
        PictureDetections(Detections.nothing(), 1.0),
        PictureDetections(Detections.nothing(), None),  # could not be read
    ]

    report = main_face(pictures, results, 0.5)

    assert (report["main_face_found"]["count"], report["failure_to_acquire"]["count"]) == (1, 3)
    assert report["failure_to_acquire"]["of"] == 4
    assert report["boxes_on_no_labelled_face_an_image"]["mean"] == 0.25
    assert report["boxes_beside_the_main_face_an_image"]["mean"] == 0.25
    assert report["landmark_error_interocular"]["mean"] == pytest.approx(2 / 8, abs=1e-4)
    assert report["unreadable"] == 1


def test_false_boxes_are_counted_by_image_and_the_confidence_that_allows_few_is_told() -> None:
    scores = np.linspace(0.1, 0.9, 400)
    results = [PictureDetections(found((FACE, float(score)), (FACE, 0.05)), 1.0) for score in scores]

    report = face_free(results, 0.5)
    allowed = measures.confidence_for(results, 1 / 200)

    assert report["images_with_a_box"]["count"] == int((scores.astype(np.float32) >= 0.5).sum())
    assert report["boxes_an_image"]["mean"] == pytest.approx(0.5, abs=0.01)
    assert sum(result.detections.scores[0] >= allowed for result in results) == 2
    assert (
        sum(result.detections.scores[0] >= np.nextafter(np.float32(allowed), np.float32(0)) for result in results) == 3
    )


def test_an_interval_of_a_mean_covers_it_and_narrows_with_more_images() -> None:
    random = np.random.default_rng(5)
    few, many = (measures.mean(random.poisson(0.3, size).tolist()) for size in (50, 5000))

    for one in (few, many):
        assert one["interval95"][0] <= one["mean"] <= one["interval95"][1]
    assert few["interval95"][1] - few["interval95"][0] > 4 * (many["interval95"][1] - many["interval95"][0])
    assert measures.mean([]) == {"images": 0, "mean": None, "interval95": None}
