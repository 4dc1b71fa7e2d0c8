"""What was looked at once is not looked at again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attendance.evaluation.detector import pictures
from attendance.evaluation.detector.detection_cache import look_at
from attendance.evaluation.detector.detectors import Found
from tests.evaluation.detector.labelled_pictures import FakeFinder, labelled


def test_what_was_kept_is_not_looked_at_again_and_gives_the_same(tmp_path: Path) -> None:
    shown = pictures.main_faces(labelled(tmp_path / "data"), "lfw")
    boxes = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)
    two = Found(boxes, np.array([0.9, 0.5], np.float32), np.ones((2, 5, 2), np.float32))
    finder = FakeFinder([two, Found.nothing()])
    keep = tmp_path / "keep"

    first = look_at(shown[:1], finder, 256, "lfw", keep)
    assert finder.looks == 1
    both = look_at(shown, finder, 256, "lfw", keep)
    assert finder.looks == 2
    again = look_at(shown, finder, 256, "lfw", keep)
    assert finder.looks == 2
    assert [look.scale for look in first + both + again] == [2.56] * 5
    for look in (first[0], both[0], again[0]):
        assert np.array_equal(look.found.boxes, two.boxes) and np.array_equal(look.found.points, two.points)

    finder.key = "2" * 64  # other numbers: nothing of the old is taken
    look_at(shown, finder, 256, "lfw", keep)
    assert finder.looks == 4


def test_a_kept_file_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    shown = pictures.main_faces(labelled(tmp_path / "data"), "lfw")
    finder = FakeFinder([Found.nothing()] * 2)
    look_at(shown, finder, 256, "lfw", tmp_path / "keep")
    (file,) = (tmp_path / "keep").iterdir()
    file.write_bytes(file.read_bytes()[:100])

    look_at(shown, finder, 256, "lfw", tmp_path / "keep")

    assert finder.looks == 4
