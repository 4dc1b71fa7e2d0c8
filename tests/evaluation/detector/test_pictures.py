"""What is measured on is what was kept from training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attendance.evaluation.detector import pictures
from tests.evaluation.detector.labelled_pictures import labelled


def test_only_what_is_kept_from_training_is_measured_on(tmp_path: Path) -> None:
    data = labelled(tmp_path)

    (crowd,) = pictures.true_boxes(data, "facemask853")
    first, second = pictures.main_faces(data, "lfw")

    assert crowd.path.name == "maks4.png"
    assert crowd.boxes.tolist() == [[10, 10, 40, 50], [50, 50, 80, 90]]
    assert (first.main, second.main) == (0, None)
    assert [scene.path.name for scene in pictures.face_free(data)] == ["9.png", "19.png"]


def test_the_main_face_is_the_one_that_training_takes(tmp_path: Path) -> None:
    from attendance.training.recogniser import face_packs

    data = labelled(tmp_path)
    (theirs,) = face_packs.main_faces(data, "lfw")
    first, _ = pictures.main_faces(data, "lfw")
    assert first.points is not None and first.main is not None
    assert np.array_equal(theirs.points, first.points[first.main])
