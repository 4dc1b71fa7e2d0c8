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
    assert len(pack.crops) == 40 and len(pack.others) == 1
    assert (pack.crops[..., 2] == 0).all()  # no white: nobody who is measured
    means = pack.crops.reshape(40, -1, 3).mean(axis=1)
    assert ((means[:, 0] > 0) & (means[:, 1] > 0)).any()
    assert np.allclose(pack.teacher[:, :3], means, atol=0.1)


def test_a_blend_is_two_faces_or_parts_of_both_or_one_in_another_shape() -> None:
    one = np.zeros((128, 128, 3), np.uint8)
    one[..., 0] = np.arange(128)  # brighter to the right, so that another shape shows
    other = np.full((128, 128, 3), (0, 200, 0), np.uint8)
    kinds = set()
    for seed in range(40):
        made = blends.blend(one, other, np.random.default_rng(seed))
        share = made[..., 1] / 200
        if (made[..., 1] == 0).all():
            kinds.add("another shape")
            assert not (made == one).all() and abs(made[..., 0].astype(int) - one[..., 0]).max() < 8 * blends.BEND_PX
        elif np.ptp(made[..., 1]) == 0:
            kinds.add("whole")
            assert blends.LEAST - 0.01 <= share[0, 0] <= 1 - blends.LEAST + 0.01
        else:
            kinds.add("parts")
            assert share.min() >= 0 and share.max() <= 1
    assert kinds == {"another shape", "whole", "parts"}


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
    assert len(pack.crops) == len(pack.teacher) == len(pack.others[0]) == 100
    assert (pack.crops[:40] == before).all() and not (pack.crops[40:80] == before).all()
    assert np.allclose(pack.teacher[:, :3], pack.crops.reshape(100, -1, 3).mean(axis=1), atol=0.1)
    assert not list((data / "packs").glob("*.new"))


def test_most_pairs_are_of_one_origin_and_each_origin_comes_alike_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blends, "Teacher", Bright)
    packs = tmp_path / "packs"
    packs.mkdir()
    # 40 white people are red, 2 asian ones green: blended alone, or with each other where a pair is of any two.
    groups = [0] * 40 + [2] * 2
    crops = np.zeros((42, 128, 128, 3), np.uint8)
    crops[:40, ..., 0] = crops[40:, ..., 1] = 200
    np.save(packs / "utkface.crops.npy", crops)
    paths = np.array([f"utkface/_/30_0_{group}_{i}.jpg" for i, group in enumerate(groups)])
    np.savez(packs / "utkface.npz", path=paths, identity=np.full(42, ""))
    for name in ("teacher", "teacher2"):
        np.save(packs / f"utkface.{name}.npy", Bright(Path())(crops)[0].astype(np.float16))
    blends.build(tmp_path, [Path("one"), Path("two")], 400)
    pack = open_pack(packs, BLENDS)
    assert pack.groups is not None
    means = pack.crops.reshape(400, -1, 3).mean(axis=1)
    assert (means[pack.groups == "asian"][:, 0] == 0).all() and (means[pack.groups == "white"][:, 1] == 0).all()
    assert float((pack.groups == "").mean()) == pytest.approx(1 - blends.ALIKE, abs=0.08)
    green = float((means[:, 0] == 0).mean())
    assert green == pytest.approx(blends.ALIKE / 2, abs=0.08)
