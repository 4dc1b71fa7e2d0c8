from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from attendance.vision.align import ARCFACE_112, align_face, similarity_transform


def placed(scale: float, degrees: float, x: float, y: float) -> NDArray[np.float32]:
    """The reference points, scaled and turned about the crop's middle, which comes to lie at x, y."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points: NDArray[np.float64] = (ARCFACE_112 - 56) * scale @ turn.T + [x, y]
    return points.astype(np.float32)


@given(st.floats(0.1, 20), st.floats(-180, 180), st.floats(-500, 5000), st.floats(-500, 5000))
def test_the_transform_carries_the_points_onto_the_reference(scale: float, degrees: float, x: float, y: float) -> None:
    points = placed(scale, degrees, x, y)
    matrix = similarity_transform(points, ARCFACE_112)
    assert points @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(ARCFACE_112, abs=0.05)
    assert matrix[0, 0] == pytest.approx(matrix[1, 1], abs=1e-6)
    assert matrix[0, 1] == pytest.approx(-matrix[1, 0], abs=1e-6)


@given(st.integers(0, 10_000))
def test_of_all_similarities_it_is_the_best_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = (placed(2, 20, 300, 200) + random.normal(0, 5, (5, 2))).astype(np.float32)
    matrix = similarity_transform(points, ARCFACE_112).astype(np.float64)
    # Independently: x' = ax - by + c, y' = bx + ay + d is linear in a, b, c, d.
    rows = [row for x, y in points.astype(np.float64) for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    a, b, c, d = np.linalg.lstsq(np.array(rows), ARCFACE_112.astype(np.float64).ravel(), rcond=None)[0]
    assert matrix == pytest.approx(np.array([[a, -b, c], [b, a, d]]), abs=1e-3)


def painted(points: NDArray[np.float32], height: int, width: int, radius: int) -> NDArray[np.uint8]:
    """Grey, with a dot of its own brightness on each point."""
    image = np.full((height, width, 3), 90, np.uint8)
    for number, (x, y) in enumerate(points):
        cv2.circle(image, (round(float(x)), round(float(y))), radius, (130 + 30 * number,) * 3, -1)
    return image


@given(st.floats(0.7, 12), st.floats(-60, 60), st.sampled_from([112, 256]))
def test_each_landmark_lands_on_its_place_in_the_crop(scale: float, degrees: float, size: int) -> None:
    points = placed(scale, degrees, 900, 700)
    crop = align_face(painted(points, 1400, 1800, max(2, round(4 * scale))), points, size)
    assert crop.shape == (size, size, 3)
    for number, (x, y) in enumerate(ARCFACE_112 / 112 * size):
        assert int(crop[round(float(y)), round(float(x)), 0]) == pytest.approx(130 + 30 * number, abs=8)


def test_a_margin_widens_the_view() -> None:
    points = placed(2, 0, 300, 300)
    crop = align_face(painted(points, 600, 600, 6), points, 128, margin=1 / 14)
    for number, (x, y) in enumerate(ARCFACE_112 + 8):
        assert int(crop[round(float(y)), round(float(x)), 0]) == pytest.approx(130 + 30 * number, abs=8)


def test_only_what_the_crop_sees_matters() -> None:
    """The rest of a large photo changes nothing, and neither does its size."""
    random = np.random.default_rng(0)
    photo = cv2.GaussianBlur(random.integers(0, 256, (900, 1200, 3)).astype(np.uint8), (0, 0), 8)
    points = placed(4, 15, 600, 450)
    crop = align_face(photo, points, 112)
    elsewhere = photo.copy()
    elsewhere[:80], elsewhere[:, 1000:] = 0, 255
    assert np.abs(align_face(elsewhere, points, 112).astype(int) - crop).max() <= 1


def test_a_face_at_the_edge_is_filled_with_black() -> None:
    crop = align_face(np.full((400, 200, 3), 200, np.uint8), placed(2, 0, 0, 200), 112)
    assert (crop[:, :50] == 0).all()
    assert (crop[:, 62:] == 200).all()


@pytest.mark.parametrize("middle", [(-4000.0, 50.0), (50.0, 9000.0)])
def test_a_face_beyond_the_picture_is_black(middle: tuple[float, float]) -> None:
    crop = align_face(np.full((200, 200, 3), 200, np.uint8), placed(2, 0, *middle), 112)
    assert (crop == 0).all()


def test_a_panorama_wider_than_opencv_can_warp_is_aligned() -> None:
    image = np.full((300, 40_000, 3), 200, np.uint8)
    assert (align_face(image, placed(2, 0, 39_000, 150), 112)[30:80] == 200).all()


def test_landmarks_that_coincide_are_an_error() -> None:
    with pytest.raises(ValueError, match="coincide"):
        align_face(np.zeros((100, 100, 3), np.uint8), np.full((5, 2), 30, np.float32))
