"""A face in front of a room, and a picture of a face in front of the same room: which one is flat?"""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.access.liveness.still_pictures import Sight, plane, ring, sight_of
from attendance.domain.faces import Box, Landmarks

SIDE = 100.0
FIVE = np.array([[-18, -12], [18, -12], [0, 8], [-14, 26], [14, 26]], np.float32)


def texture(seed: int, size: int) -> NDArray[np.uint8]:
    rough = np.random.default_rng(seed).normal(128, 45, (size // 12, size // 12, 3)).astype(np.float32)
    return np.asarray(cv2.resize(rough, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 255), np.uint8)


ROOM, PORTRAIT = texture(1, 480), texture(2, 380)


def seen(x: float, y: float, held: bool, noise: int, scale: float = 1.0) -> Sight:
    """A face at x, y; `held`: everything around it, to 1.9 face sides, is a picture that moves with it."""
    reach = (1.9 if held else 0.55) * SIDE * scale
    image = ROOM.astype(np.float32)
    moved = cv2.warpAffine(
        PORTRAIT, np.array([[scale, 0, x - 190 * scale], [0, scale, y - 190 * scale]], np.float32), (480, 480)
    )
    rows, columns = np.mgrid[0:480, 0:480]
    inside = (abs(rows - y) < reach) & (abs(columns - x) < reach)
    image[inside] = moved[inside]
    image += np.random.default_rng(noise).normal(0, 4, image.shape)
    points = FIVE * scale + np.array([x, y]) + np.random.default_rng(noise).normal(0, 0.5, FIVE.shape)
    half = SIDE * scale / 2
    box = Box(x - half, y - half, x + half, y + half)
    return sight_of(image.clip(0, 255).astype(np.uint8), box, Landmarks(points.astype(np.float32)))


def test_the_surroundings_of_a_held_picture_move_with_its_face() -> None:
    value = ring([seen(210, 240, True, 1), seen(226, 236, True, 2), seen(244, 244, True, 3)])
    assert value is not None
    assert value > 0.4


def test_the_surroundings_of_a_living_face_stay() -> None:
    value = ring([seen(210, 240, False, 1), seen(226, 236, False, 2), seen(244, 244, False, 3)])
    assert value is not None
    assert value < -0.4


def test_a_picture_that_comes_nearer_is_seen_too() -> None:
    value = ring([seen(240, 240, True, 1), seen(240, 240, True, 2, scale=1.12)])
    assert value is not None
    assert value > 0.25


@pytest.mark.parametrize("held", [True, False])
def test_without_motion_both_cues_abstain(held: bool) -> None:
    sights = [seen(240, 240, held, 1), seen(240.8, 240.4, held, 2)]
    assert ring(sights) is None
    assert plane(sights) is None


def test_one_look_says_nothing() -> None:
    assert ring([seen(240, 240, True, 1)]) is None
    assert plane([seen(240, 240, True, 1)]) is None


def shaped(points: NDArray[np.float64]) -> Sight:
    blank = np.zeros((72, 72))
    return Sight(SIDE, points.mean(0), points, blank, np.zeros(2), 1.0)


def test_a_tilted_picture_is_flat_and_a_turned_head_is_not() -> None:
    solid = np.column_stack([FIVE.astype(np.float64), [0, 0, 22, 4, 4]])  # the nose stands out

    def turned(degrees: float, depth: float) -> Sight:
        angle = np.deg2rad(degrees)
        x = solid[:, 0] * np.cos(angle) + solid[:, 2] * depth * np.sin(angle)
        return shaped(np.column_stack([x, solid[:, 1]]))

    flat = plane([turned(0, 0.0), turned(50, 0.0)])
    real = plane([turned(0, 1.0), turned(25, 1.0)])
    assert flat is not None
    assert real is not None
    assert flat < 0.05
    assert real > 0.6
