"""A blend is two faces that may be learned from, and the teachers are asked about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attendance.training.protocol import BLENDS
from attendance.training.recogniser import blends
from attendance.training.recogniser.face_packs import open_pack, training_packs
from attendance.training.recogniser.train import Faces


class Bright:
    """A teacher that answers with the colours of a crop."""

    def __init__(self, _path: Path) -> None:
        pass

    def __call__(self, crops: np.ndarray) -> tuple[np.ndarray, None]:
        colours = crops.reshape(len(crops), -1, 3).mean(axis=1)
        return np.concatenate([colours, np.ones((len(crops), 5))], axis=1).astype(np.float32), None


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A set of one colour a face; the half that is kept for measuring is white."""
    packs = tmp_path / "packs"
    packs.mkdir()
    colours = np.array([[200, 0, 0], [0, 200, 0], [255, 255, 255], [255, 255, 255]], np.uint8)
    crops = np.broadcast_to(colours[:, None, None], (4, 128, 128, 3)).copy()
    np.save(packs / "celeba_crops.crops.npy", crops)
    people = np.array(["celeba:1", "celeba:2", "celeba:5", "celeba:10"])
    np.savez(packs / "celeba_crops.npz", path=np.array([f"celeba_crops/{i}" for i in range(4)]), identity=people)
    for name in ("teacher", "teacher2"):
        np.save(packs / f"celeba_crops.{name}.npy", Bright(Path())(crops)[0].astype(np.float16))
    return tmp_path


def test_only_faces_that_may_be_learned_from_are_blended(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blends, "Teacher", Bright)
    blends.build(data, [Path("one"), Path("two")], 40)
    pack = open_pack(data / "packs", BLENDS)
    colours = pack.crops[:, 0, 0].astype(int)
    assert len(pack.crops) == 40 and len(pack.others) == 1
    assert (colours[:, 2] == 0).all()  # no white: nobody who is measured
    mixed = (colours[:, 0] > 0) & (colours[:, 1] > 0)
    assert mixed.any() and colours[mixed][:, :2].min() >= 200 * blends.LEAST - 1
    assert np.allclose(pack.teacher[:, :3], colours, atol=1)


def test_blends_are_learned_from_and_move_no_target_of_people(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blends, "Teacher", Bright)
    before = Faces([pack for pack, _ in training_packs(data)])
    blends.build(data, [Path("one"), Path("two")], 40)
    packs = [pack for pack, _ in training_packs(data)]
    assert [(pack.name, len(pack.rows)) for pack in packs] == [("celeba_crops", 2), (BLENDS, 40)]
    after = Faces(packs)
    assert len(after) == 42
    assert after.targets[0] @ after.targets[1] == pytest.approx(before.targets[0] @ before.targets[1], abs=1e-4)


def test_a_pack_of_blends_grows_and_keeps_what_it_has(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blends, "Teacher", Bright)
    blends.build(data, [Path("one"), Path("two")], 40)
    before = open_pack(data / "packs", BLENDS).crops[:].copy()
    blends.build(data, [Path("one"), Path("two")], 30)
    blends.build(data, [Path("one"), Path("two")], 100)
    pack = open_pack(data / "packs", BLENDS)
    colours = pack.crops[:, 0, 0].astype(int)
    assert len(pack.crops) == len(pack.teacher) == len(pack.others[0]) == 100
    assert (pack.crops[:40] == before).all() and not (pack.crops[40:80] == before).all()
    assert np.allclose(pack.teacher[:, :3], colours, atol=1)
    assert not list((data / "packs").glob("*.new"))
