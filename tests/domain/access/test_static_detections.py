"""A false face that does not change is no news; everything that might be somebody is."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.access.static_detections import StaticDetections
from attendance.domain.faces import Box
from tests.factories import NOON

POSTER = Box(40, 40, 120, 140)
HOUR = timedelta(hours=1)


def scene(seed: int = 0, brightness: float = 0.0, noise: float = 0.0) -> NDArray[np.uint8]:
    """A picture with structure: coarse random blocks, then light and sensor noise on top."""
    blocks = np.random.default_rng(seed).uniform(60, 180, (15, 20, 3)).repeat(16, axis=0).repeat(16, axis=1)
    grain = np.random.default_rng(99).normal(0, noise, blocks.shape) if noise else 0
    return np.clip(blocks + brightness + grain, 0, 255).astype(np.uint8)


def test_the_same_face_in_the_same_place_is_known_the_second_time() -> None:
    still = StaticDetections(HOUR)

    assert not still.knows(scene(), POSTER, NOON)
    assert still.knows(scene(), POSTER, NOON + timedelta(minutes=5))


def test_neither_noise_nor_a_jumping_box_nor_a_cloud_makes_it_new() -> None:
    still = StaticDetections(HOUR)
    still.knows(scene(), POSTER, NOON)

    assert still.knows(scene(noise=8, brightness=25), Box(46, 35, 122, 142), NOON)


def test_somebody_else_in_the_same_place_is_new_and_so_is_another_place() -> None:
    still = StaticDetections(HOUR)
    still.knows(scene(), POSTER, NOON)

    assert not still.knows(scene(seed=1), POSTER, NOON)
    assert not still.knows(scene(), Box(200, 100, 280, 200), NOON)


def test_faces_in_the_dark_are_never_taken_for_each_other() -> None:
    still = StaticDetections(HOUR)
    dark = [np.random.default_rng(seed).poisson(4, (240, 320, 3)).astype(np.uint8) for seed in range(2)]
    still.knows(dark[0], POSTER, NOON)
    still.knows(np.zeros_like(dark[0]), POSTER, NOON)

    assert not still.knows(dark[1], POSTER, NOON)
    assert not still.knows(np.zeros_like(dark[0]), POSTER, NOON)


@pytest.mark.parametrize("later", [HOUR, -HOUR, timedelta(days=3)])
def test_after_its_time_it_is_told_again_whatever_the_clock_did(later: timedelta) -> None:
    still = StaticDetections(HOUR)
    still.knows(scene(), POSTER, NOON)

    assert not still.knows(scene(), POSTER, NOON + later)


def test_with_no_time_nothing_is_ever_known() -> None:
    still = StaticDetections(timedelta(0))
    still.knows(scene(), POSTER, NOON)

    assert not still.knows(scene(), POSTER, NOON)


def test_a_box_at_the_border_of_the_picture_is_no_crash() -> None:
    still = StaticDetections(HOUR)
    for box in (Box(-50, -50, 10, 10), Box(310, 230, 400, 300), Box(0, 0, 0.5, 0.5)):
        still.knows(scene(), box, NOON)
        assert still.knows(scene(), box, NOON) in (True, False)
