"""Measures of a detector: matches, curves, rates.

In: `Picture`s and what a detector found in each (`PictureDetections`).  Out: counts, rates and curves with 95 %
intervals, as plain values for JSON.
Does not know: networks, files.
Main choice: a detector runs once, at a confidence near 0, and everything is computed from that.  The
faces above a confidence are those that it would have found at that confidence.

Matching follows PASCAL VOC and WIDER FACE.  In the order of the scores, a box belongs to the face that
it overlaps most.  It is a hit at IoU ≥ 0.5 if that face has no box yet, else wrong; a box on an ignored
face counts neither way.  Average precision is the area under the monotone curve of 2010, at every score
that occurs (WIDER's program uses 1,000 steps, which gives the same to about 0.1 %).
Intervals: Wilson's for shares, the bootstrap over images for everything else (images are drawn with
replacement, because faces of one image are not independent).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.error_rates import wilson_interval
from attendance.evaluation.detector.pictures import Picture
from attendance.vision.boxes import Detections, iou_matrix

MATCH = 0.5
HIT, WRONG, NEITHER = 1, 0, -1
HEIGHTS = (0, 8, 12, 16, 24, 32, 48, 64, 96, 128)  # px in the detector's input; the last is open
USEFUL = 24
DRAWS, AP_DRAWS = 1000, 500
CURVE_POINTS = 200
FALSE_ALARM = 1 / 200  # of scenes without a face: the most that the comparison at equal false alarms allows


@dataclass(frozen=True, slots=True, eq=False)
class PictureDetections:
    """A picture's detections; `scale`: input px for one px of the image, None if it was unreadable."""

    detections: Detections
    scale: float | None


def rate(part: int, whole: int) -> dict[str, Any]:
    """Return a share with its counts and Wilson's 95 % interval; None for a share of nothing."""
    if not whole:
        return {"count": part, "of": whole, "rate": None, "interval95": None}
    low, high = wilson_interval(part, whole)
    return {"count": part, "of": whole, "rate": round(part / whole, 5), "interval95": [round(low, 5), round(high, 5)]}


def mean(values: Sequence[float], digits: int = 5) -> dict[str, Any]:
    """Return the mean of one number an image with its bootstrap interval; None without images."""
    if not len(values):
        return {"images": 0, "mean": None, "interval95": None}
    array = np.asarray(values, np.float64)
    random = np.random.default_rng(0)
    drawn = [float(array[random.integers(0, len(array), len(array))].mean()) for _ in range(DRAWS)]
    return {"images": len(array), "mean": round(float(array.mean()), digits), "interval95": _middle95(drawn, digits)}


def _middle95(drawn: Sequence[float] | NDArray[np.float64], digits: int) -> list[float]:
    return [round(float(value), digits) for value in np.percentile(drawn, [2.5, 97.5])]


def match(
    boxes: NDArray[np.float32], truth: NDArray[np.float32], ignored: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], NDArray[np.intp]]:
    """Match boxes [N,4], best first, with faces [G,4].

    Return each box's HIT, WRONG or NEITHER [N] and each face's box, or -1 [G].
    """
    states, taken_by = np.full(len(boxes), WRONG, np.int8), np.full(len(truth), -1, np.intp)
    if not len(boxes) or not len(truth):
        return states, taken_by
    overlap = iou_matrix(boxes, truth)
    best, reaches = overlap.argmax(axis=1), overlap.max(axis=1) >= MATCH
    for row in np.flatnonzero(reaches):
        face = best[row]
        if ignored[face]:
            states[row] = NEITHER
        elif taken_by[face] < 0:
            states[row], taken_by[face] = HIT, row
    return states, taken_by


class Curve:
    """Precision against recall over all pictures, and average precision of any draw of them."""

    def __init__(
        self, pictures: Sequence[Picture], results: Sequence[PictureDetections], level: str | None = None
    ) -> None:
        """Count the faces that `level` lists; without a level, those that the picture does not ignore."""
        scores, states, images, faces = [], [], [], []
        self.first_seen: list[NDArray[np.float32]] = []  # for each counted face the score of its box, or -1
        for number, (picture, result) in enumerate(zip(pictures, results, strict=True)):
            ignored = picture.ignored if level is None else ~picture.levels[level]
            state, taken_by = match(result.detections.boxes, picture.boxes, ignored)
            judged = state != NEITHER
            scores.append(result.detections.scores[judged])
            states.append(state[judged] == HIT)
            images.append(np.full(int(judged.sum()), number))
            faces.append(int((~ignored).sum()))
            seen = np.where(
                taken_by >= 0, result.detections.scores[taken_by] if len(result.detections.scores) else -1, -1
            )
            self.first_seen.append(seen[~ignored].astype(np.float32))
        flat = np.concatenate(scores) if scores else np.zeros(0, np.float32)
        order = np.argsort(-flat, kind="stable")
        self.scores = flat[order]
        self._hits = np.concatenate(states)[order] if states else np.zeros(0, bool)
        self._images = np.concatenate(images)[order] if images else np.zeros(0, np.intp)
        self._faces = np.array(faces, np.int64)
        # Boxes with equal scores count together: their order among themselves means nothing.
        self._ends = np.flatnonzero(np.append(np.diff(self.scores) != 0, True)) if len(flat) else np.zeros(0, np.intp)

    @property
    def faces(self) -> int:
        return int(self._faces.sum())

    def points(self, times: NDArray[np.int64] | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (recall, precision) at each score that occurs, best first.  `times`: draws of each picture."""
        weight = np.ones(len(self._images), np.int64) if times is None else times[self._images]
        total = self.faces if times is None else int((self._faces * times).sum())
        true = np.cumsum(weight * self._hits)[self._ends]
        boxes = np.cumsum(weight)[self._ends]
        return true / max(total, 1), true / np.maximum(boxes, 1)

    def average_precision(self, times: NDArray[np.int64] | None = None) -> float:
        recall, precision = self.points(times)
        if not len(recall):
            return 0.0
        ceiling = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(recall, prepend=0.0) * ceiling).sum())

    @cached_property
    def drawn(self) -> NDArray[np.float64]:
        """Return the average precision of `AP_DRAWS` draws of the pictures; the same draws for every detector."""
        random, count = np.random.default_rng(0), len(self._faces)
        draws = (np.bincount(random.integers(0, count, count), minlength=count) for _ in range(AP_DRAWS))
        return np.array([self.average_precision(times) for times in draws])

    def report(self) -> dict[str, Any]:
        """Return average precision with its interval; None without a face."""
        if not self.faces:
            return {"value": None, "interval95": None}
        return {"value": round(self.average_precision(), 4), "interval95": _middle95(self.drawn, 4)}

    def lead(self, other: Curve) -> dict[str, Any]:
        """Return by how much this average precision is higher, with the interval of the difference.

        Both are drawn together: what is easy or hard about a picture is so for both, and cancels out.
        """
        if not self.faces:
            return {"value": None, "interval95": None}
        value = self.average_precision() - other.average_precision()
        return {"value": round(value, 4), "interval95": _middle95(self.drawn - other.drawn, 4)}

    def at(self, confidence: float) -> dict[str, Any]:
        """Return recall and precision of the boxes that score at least `confidence`."""
        above = self.scores >= confidence
        hits = int(self._hits[above].sum())
        return {
            "confidence": round(confidence, 4),
            "recall": rate(hits, self.faces),
            "precision": rate(hits, int(above.sum())),
        }

    def thinned(self) -> dict[str, list[float]]:
        """Return the curve for plots, with its scores: even steps of recall, then of the remaining boxes."""
        recall, precision = self.points()
        if not len(recall):
            return {"recall": [], "precision": [], "confidence": []}
        steps = np.searchsorted(recall, np.linspace(0, recall[-1], CURVE_POINTS))
        chosen = np.unique(np.append(steps, np.linspace(steps[-1], len(recall) - 1, CURVE_POINTS // 4).astype(int)))
        values = {"recall": recall, "precision": precision, "confidence": self.scores[self._ends]}
        return {name: [round(float(v), 4) for v in array[chosen]] for name, array in values.items()}


def by_height(
    pictures: Sequence[Picture], results: Sequence[PictureDetections], curve: Curve, confidence: float
) -> tuple[list[dict[str, Any]], NDArray[np.float64], NDArray[np.bool_]]:
    """Return recall in steps of face height, the heights [F] in input px, and which faces were found [F]."""
    heights, found = [np.zeros(0)], [np.zeros(0, bool)]
    for picture, result, seen in zip(pictures, results, curve.first_seen, strict=True):
        if result.scale is not None:
            height = (picture.boxes[:, 3] - picture.boxes[:, 1])[~picture.ignored]
            heights.append(height.astype(np.float64) * result.scale)
            found.append(seen >= confidence)
    all_heights, all_found = np.concatenate(heights), np.concatenate(found)
    rows = []
    for low, high in zip(HEIGHTS, (*HEIGHTS[1:], None), strict=True):
        inside = (all_heights >= low) & (all_heights < (np.inf if high is None else high))
        rows.append({"from_px": low, "below_px": high} | rate(int(all_found[inside].sum()), int(inside.sum())))
    return rows, all_heights, all_found


def crowd(
    pictures: Sequence[Picture],
    results: Sequence[PictureDetections],
    confidence: float,
    equal: float | None = None,
    curve: Curve | None = None,
) -> dict[str, Any]:
    """Measure pictures with every face boxed: average precision, recall by height, and both at the working confidence.

    `curve`: of these pictures and results, if it was computed already.
    `equal`: the confidence at which this detector boxes few scenes without a face; it makes detectors
    comparable whose scores mean different things.
    """
    curve = curve or Curve(pictures, results)
    rows, heights, found = by_height(pictures, results, curve, confidence)
    useful = heights >= USEFUL
    result: dict[str, Any] = {
        "images": len(pictures),
        "unreadable": sum(result.scale is None for result in results),
        "faces": curve.faces,
        "ignored_faces": int(sum(picture.ignored.sum() for picture in pictures)),
        "ap50": curve.report(),
        "at_confidence": curve.at(confidence),
        f"recall_from_{USEFUL}_px": rate(int(found[useful].sum()), int(useful.sum())),
        "recall_by_height_in_input_px": rows,
    }
    if equal is not None:
        _, heights, found = by_height(pictures, results, curve, equal)
        useful = heights >= USEFUL
        result["at_equal_false_alarms"] = curve.at(equal) | {
            f"recall_from_{USEFUL}_px": rate(int(found[useful].sum()), int(useful.sum()))
        }
    if pictures and all(picture.levels for picture in pictures):
        result["levels"] = {
            level: {"faces": (of_level := Curve(pictures, results, level)).faces, "ap50": of_level.report()}
            for level in pictures[0].levels
        }
    return result | {"curve": curve.thinned()}


def main_face(pictures: Sequence[Picture], results: Sequence[PictureDetections], confidence: float) -> dict[str, Any]:
    """Measure pictures of one person each: main face found, other boxes, error of the five points.

    An image that cannot be read, or whose main face is not labelled, counts as a failure to acquire.
    """
    hits = 0
    strange, beside, errors = [], [], []
    for picture, result in zip(pictures, results, strict=True):
        found = result.detections.down_to(confidence)
        overlap = iou_matrix(found.boxes, picture.boxes)
        on_face = overlap.max(axis=1) >= MATCH if len(picture.boxes) else np.zeros(len(found.boxes), bool)
        strange.append(float((~on_face).sum()))
        hit = picture.main is not None and len(found.boxes) > 0 and bool(overlap[:, picture.main].max() >= MATCH)
        hits += hit
        beside.append(float(len(found.boxes) - hit))
        if hit and picture.points is not None:
            points = picture.points[picture.main]
            eyes = max(float(np.hypot(*(points[1] - points[0]))), 1.0)
            ours = found.landmarks[int(overlap[:, picture.main].argmax())]
            errors.append(float(np.hypot(*(ours - points).T).mean()) / eyes)
    return {
        "confidence": confidence,
        "images": len(pictures),
        "unreadable": sum(result.scale is None for result in results),
        "main_face_found": rate(hits, len(pictures)),
        "failure_to_acquire": rate(len(pictures) - hits, len(pictures)),
        "images_with_a_box_on_no_labelled_face": rate(sum(value > 0 for value in strange), len(pictures)),
        "boxes_on_no_labelled_face_an_image": mean(strange),
        "boxes_beside_the_main_face_an_image": mean(beside),
        "landmark_error_interocular": mean(errors),
        "landmark_error_interocular_median": round(float(np.median(errors)), 5) if errors else None,
    }


def face_free(results: Sequence[PictureDetections], confidence: float) -> dict[str, Any]:
    """Measure the boxes in scenes without a face, and the confidence that leaves 1 in 200 of them with a box."""
    counts = [float(len(result.detections.down_to(confidence).scores)) for result in results]
    return {
        "confidence": confidence,
        "images": len(results),
        "unreadable": sum(result.scale is None for result in results),
        "images_with_a_box": rate(sum(count > 0 for count in counts), len(results)),
        "boxes_an_image": mean(counts),
        "confidence_for_1_in_200": round(confidence_for(results, FALSE_ALARM), 4),
    }


def confidence_for(results: Sequence[PictureDetections], share: float) -> float:
    """Return the least confidence at which at most this share of the scenes gets a box."""
    highest = np.sort([result.detections.scores[0] if len(result.detections.scores) else 0.0 for result in results])[
        ::-1
    ]
    allowed = int(np.floor(round(share * len(highest), 9)))
    return float(np.nextafter(np.float32(highest[allowed]), np.float32(2))) if allowed < len(highest) else 0.0
