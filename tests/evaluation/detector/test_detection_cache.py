"""What was looked at once is not looked at again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attendance.evaluation.detector import pictures
from attendance.evaluation.detector.detection_cache import cached_detections
from attendance.vision.boxes import Detections
from tests.evaluation.detector.labelled_pictures import FakeDetector, labelled


def test_what_was_kept_is_not_looked_at_again_and_gives_the_same(tmp_path: Path) -> None:
    shown = pictures.main_faces(labelled(tmp_path / "data"), "lfw")
    boxes = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)
    two = Detections(boxes, np.array([0.9, 0.5], np.float32), np.ones((2, 5, 2), np.float32))
    detector = FakeDetector([two, Detections.nothing()])
    keep = tmp_path / "keep"

    first = cached_detections(shown[:1], detector, 256, "lfw", keep)
    assert detector.calls == 1
    both = cached_detections(shown, detector, 256, "lfw", keep)
    assert detector.calls == 2
    again = cached_detections(shown, detector, 256, "lfw", keep)
    assert detector.calls == 2
    assert [result.scale for result in first + both + again] == [2.56] * 5
    for result in (first[0], both[0], again[0]):
        assert np.array_equal(result.detections.boxes, two.boxes) and np.array_equal(
            result.detections.landmarks, two.landmarks
        )

    detector.key = "2" * 64  # other numbers: nothing of the old is taken
    cached_detections(shown, detector, 256, "lfw", keep)
    assert detector.calls == 4


def test_a_kept_file_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    shown = pictures.main_faces(labelled(tmp_path / "data"), "lfw")
    detector = FakeDetector([Detections.nothing()] * 2)
    cached_detections(shown, detector, 256, "lfw", tmp_path / "keep")
    (file,) = (tmp_path / "keep").iterdir()
    file.write_bytes(file.read_bytes()[:100])

    cached_detections(shown, detector, 256, "lfw", tmp_path / "keep")

    assert detector.calls == 4
