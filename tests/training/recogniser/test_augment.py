"""Views as a door camera would see them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from attendance.training.recogniser import augment
from attendance.training.recogniser.augment import STEPS, face_views, worn

CROPS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, 3, 128, 128)).astype(np.float32))


@pytest.mark.parametrize("size", [64, 112])
@pytest.mark.parametrize("degrade", [0.0, 1.0])
def test_views_have_the_size_asked_for_and_stay_within_what_a_camera_gives(size: int, degrade: float) -> None:
    for seed in range(12):
        view, flipped = face_views(CROPS, size, np.random.default_rng(seed), degrade)
        assert view.shape == (6, 3, size, size) and flipped.shape == (6,)
        assert torch.isfinite(view).all() and float(view.min()) >= 0 and float(view.max()) <= 255


def test_the_same_seed_gives_the_same_views_and_leaves_the_crops_alone() -> None:
    before = CROPS.clone()
    first, second = (face_views(CROPS, 80, np.random.default_rng(5), 1.0)[0] for _ in range(2))
    assert torch.equal(first, second) and torch.equal(CROPS, before)


@pytest.mark.parametrize(("chance", "share", "change"), STEPS)
def test_each_step_changes_a_part_and_takes_a_part_of_one_too(chance: float, share: float, change) -> None:  # type: ignore[no-untyped-def]
    view = torch.nn.functional.interpolate(CROPS[:1], (80, 80))
    changed = change(view, np.random.default_rng(1))
    assert 0 < chance <= 1 and 0 < share <= 1
    assert changed.shape == view.shape and not torch.allclose(changed, view)


def test_a_mask_covers_the_mouth_and_glasses_the_eyes_and_neither_the_forehead() -> None:
    eyes = (augment.ARCFACE_112[:2] + augment.RIM).round().astype(int)
    mouth = (augment.ARCFACE_112[3:] + augment.RIM).round().astype(int)
    mask, glasses = (augment._drawn(what)[0] for what in ("mask", "glasses"))
    assert all(mask[y, x] > 0.9 for x, y in mouth) and all(mask[y, x] == 0 for x, y in eyes)
    assert all(glasses[y, x] > 0.9 for x, y in eyes) and all(glasses[y, x] == 0 for x, y in mouth)
    assert float((mask + glasses)[:40].max()) == 0
    bare = worn(CROPS, np.random.default_rng(0), 0.0)
    assert torch.equal(bare, CROPS)
    covered = worn(CROPS, np.random.default_rng(0), 1.0)
    x, y = mouth[0]
    assert (covered[:, :, y, x] - CROPS[:, :, y, x]).abs().amax(1).min() > 1


def test_views_have_the_size_asked_for_and_stay_in_range() -> None:
    random = np.random.default_rng(0)
    for _ in range(8):
        view, flipped = face_views(torch.rand(4, 3, 128, 128) * 255, 80, random)
        assert view.shape == (4, 3, 80, 80) and flipped.shape == (4,)
        assert float(view.min()) >= 0 and float(view.max()) <= 255


def test_a_mirrored_view_is_the_mirror_image() -> None:
    left_bright = torch.zeros(32, 3, 128, 128)
    left_bright[..., :64] = 200
    view, flipped = face_views(left_bright, 64, np.random.default_rng(3))
    brighter_left = view[..., 4:24].mean((1, 2, 3)) > view[..., 40:60].mean((1, 2, 3))
    assert bool((brighter_left == ~flipped).all())
