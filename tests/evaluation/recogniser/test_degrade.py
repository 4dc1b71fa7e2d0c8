"""Worse images: what each degradation must do, and must leave alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from attendance.domain.faces import Box, Landmarks
from attendance.evaluation.recogniser.degrade import DEGRADATIONS, worsen

BOX = Box(60, 50, 160, 170)
FIVE = Landmarks(np.array([[90, 95], [130, 95], [110, 115], [95, 140], [125, 140]], np.float32))
IMAGE = np.random.default_rng(0).integers(0, 256, (240, 220, 3), np.uint8)


@pytest.mark.parametrize("condition", DEGRADATIONS)
def test_the_same_image_always_becomes_the_same_and_is_left_as_it_was(condition: str) -> None:
    before = IMAGE.copy()
    first, second = worsen(condition, IMAGE, BOX, FIVE), worsen(condition, IMAGE, BOX, FIVE)
    assert first.dtype == np.uint8 and (first == second).all()
    assert (before == IMAGE).all()
    assert first.shape != IMAGE.shape or (first != IMAGE).any()


@pytest.mark.parametrize("side", [24, 32, 48])
def test_a_face_is_shrunk_to_its_side_and_never_enlarged(side: int) -> None:
    small = worsen(f"{side} px", IMAGE, BOX, FIVE)
    assert small.shape[1] / IMAGE.shape[1] * 100 == pytest.approx(side, abs=0.5)
    tiny = IMAGE[:30, :30]
    assert worsen(f"{side} px", tiny, Box(5, 5, 25, 25), FIVE) is tiny


def test_a_blur_takes_detail_and_leaves_the_light() -> None:
    blurred = worsen("blur", IMAGE, BOX, FIVE)
    assert cv2.Laplacian(blurred, cv2.CV_64F).std() < 0.1 * cv2.Laplacian(IMAGE, cv2.CV_64F).std()
    assert blurred.mean() == pytest.approx(IMAGE.mean(), abs=2)


def test_the_dark_leaves_an_eighth_of_the_light() -> None:
    assert worsen("dark", IMAGE, BOX, FIVE).mean() == pytest.approx(0.12 * IMAGE.mean(), abs=2)


def test_a_mask_covers_nose_and_mouth_and_leaves_the_eyes() -> None:
    changed = (worsen("mask", IMAGE, BOX, FIVE) != IMAGE).any(2)
    eyes, nose_and_mouth = FIVE.points[:2].astype(int), FIVE.points[2:].astype(int)
    assert all(changed[y - 1 : y + 2, x - 1 : x + 2].any() for x, y in nose_and_mouth)
    assert not any(changed[y, x] for x, y in eyes)
    assert not changed[:90].any()
