"""Packs: who is in them, and that crops, answers and labels stay together through a file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.faces import Box
from attendance.errors import UserError
from attendance.training.liveness import pack
from attendance.vision.liveness import FAR, NEAR, crop_around

BOX = Box(60, 60, 100, 100)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two people of NUAA, live and printed, each of one grey; one picture that is damaged, one without a face."""
    for number, (kind, person) in enumerate((k, p) for k in ("ClientRaw", "ImposterRaw") for p in ("0001", "0013")):
        folder = tmp_path / "nuaa" / kind / person
        folder.mkdir(parents=True)
        picture = np.full((160, 160, 3), 40 + 50 * number, np.uint8)
        picture[60:100, 60:100] = 250
        cv2.imwrite(str(folder / f"{person}_1.jpg"), picture)
    (tmp_path / "nuaa" / "ClientRaw" / "0001" / "0001_2.jpg").write_bytes(b"damaged")
    cv2.imwrite(str(tmp_path / "nuaa" / "ClientRaw" / "0001" / "0001_3.jpg"), np.zeros((160, 160, 3), np.uint8))
    return tmp_path


def find(picture: NDArray[np.uint8]) -> Box | None:
    return BOX if picture.max() > 200 else None


def test_crops_labels_and_the_teachers_answers_stay_together(data: Path) -> None:
    pack.build(data, find, lambda picture, box: float(picture[0, 0, 0]) / 255, simulated=0)
    faces = pack.load(data)
    assert len(faces) == 4
    rows = sorted(zip(faces.person, faces.species, faces.part, faces.teacher, strict=True))
    assert [(str(p), str(s), str(t)) for p, s, t, _ in rows] == [
        ("nuaa:0001", "live", "train"),
        ("nuaa:0001", "print", "train"),
        ("nuaa:0013", "live", "report"),
        ("nuaa:0013", "print", "report"),
    ]
    for row in range(4):
        near, far = pack.decoded(faces.near[row]), pack.decoded(faces.far[row])
        grey = faces.teacher[row] * 255
        assert near[4, 4].mean() == pytest.approx(grey, abs=4)  # this picture's own surroundings
        white = [(crop[..., 0] > 200).mean() for crop in (near, far)]
        assert white[0] == pytest.approx(1 / NEAR**2, abs=0.02)
        assert white[1] == pytest.approx(1 / FAR**2, abs=0.02)


def test_a_pack_that_is_there_is_not_made_again(data: Path) -> None:
    pack.build(data, find, None, simulated=0)
    for file in (data / "nuaa").rglob("*.jpg"):
        file.unlink()
    pack.build(data, find, None, simulated=0)
    faces = pack.load(data)
    assert len(faces) == 4
    assert np.isnan(faces.teacher).all()


def test_a_crop_in_a_pack_is_the_crop_that_is_served(data: Path) -> None:
    pack.build(data, find, None, simulated=0)
    faces = pack.load(data, ["nuaa"])
    picture = cv2.imread(str(data / "nuaa" / "ClientRaw" / "0001" / "0001_1.jpg"))
    row = int(np.flatnonzero((faces.person == "nuaa:0001") & (faces.species == "live"))[0])
    served = crop_around(np.asarray(picture, np.uint8), BOX, NEAR, pack.PX)
    assert np.abs(pack.decoded(faces.near[row]).astype(int) - served.astype(int)).mean() < 2


def test_a_folder_without_packs_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no packs in"):
        pack.load(tmp_path)
