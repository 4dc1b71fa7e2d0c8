"""Changes of packed crops: the same camera for both crops, and surroundings cut at the same place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attendance.training.liveness.augment import changed, plain, tight
from attendance.vision.liveness import FAR, FAR_PX, GREY, NEAR, NEAR_PX

SIZE = 128


def crops() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A near and a far crop: noise of two means, so that they can be told apart."""
    random = np.random.default_rng(2)
    near, far = (random.integers(low, low + 60, (SIZE, SIZE, 3)) for low in (20, 160))
    return near.astype(np.uint8), far.astype(np.uint8)


def test_a_tight_crop_keeps_the_face_and_loses_all_around_it_in_both_crops() -> None:
    near, far = crops()
    for crop, cut, sides in zip((near, far), tight(near, far), (NEAR, FAR), strict=True):
        reach = round(0.6 * SIZE / sides)
        middle = slice(SIZE // 2 - reach + 1, SIZE // 2 + reach - 1)
        assert (cut[middle, middle] == crop[middle, middle]).all()
        outside = np.ones((SIZE, SIZE), bool)
        outside[SIZE // 2 - reach - 1 : SIZE // 2 + reach + 1, SIZE // 2 - reach - 1 : SIZE // 2 + reach + 1] = False
        assert (cut[outside] == GREY).all()


def test_a_plain_input_holds_the_near_crop_left_and_the_far_one_right() -> None:
    seen = plain(*crops())
    assert seen.shape == (3, NEAR_PX, NEAR_PX + FAR_PX)
    assert abs(seen[:, :, :NEAR_PX].mean() - 50) < 3
    assert abs(seen[:, :FAR_PX, NEAR_PX:].mean() - 190) < 3


def test_a_change_is_a_picture_again_repeatable_and_new_each_time() -> None:
    near, far = crops()
    once, again, other = (changed(near, far, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert once.shape == (3, NEAR_PX, NEAR_PX + FAR_PX)
    assert once.min() >= 0
    assert once.max() <= 255
    assert (once == again).all()
    assert np.abs(once - other).mean() > 5


def test_both_crops_are_seen_by_one_camera() -> None:
    even = np.full((SIZE, SIZE, 3), (90, 110, 130), np.uint8)
    apart = []
    for seed in range(30):
        seen = changed(even, even, np.random.default_rng(seed))
        near = seen[:, NEAR_PX // 2 - 4 : NEAR_PX // 2 + 4, NEAR_PX // 2 - 4 : NEAR_PX // 2 + 4].mean((1, 2))
        at = NEAR_PX + FAR_PX // 2
        far = seen[:, FAR_PX // 2 - 4 : FAR_PX // 2 + 4, at - 4 : at + 4].mean((1, 2))
        apart.append(np.abs(near - far).max())
    assert np.median(apart) < 4  # noise and JPEG only, whatever the light
