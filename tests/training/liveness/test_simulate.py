"""Simulated attacks: a face stays where its box says, and each medium leaves its traces."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.faces import Box
from attendance.training.liveness import simulate

BOX = Box(120, 100, 200, 200)


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    """Grey, with a bright green face."""
    picture = np.full((320, 320, 3), 90, np.uint8)
    picture[100:200, 120:200] = (40, 220, 40)
    return picture


@pytest.mark.parametrize("species", simulate.SPECIES)
def test_the_face_is_in_its_box_whatever_holds_it(portrait: NDArray[np.uint8], species: str) -> None:
    scene = np.full((300, 400, 3), (60, 30, 20), np.uint8)
    greener = []
    for seed in range(12):
        seen, box = simulate.attack(portrait, BOX, scene, species, np.random.default_rng(seed))
        assert seen.shape == (simulate.CANVAS, simulate.CANVAS, 3)
        x, y = int((box.x1 + box.x2) / 2), int((box.y1 + box.y2) / 2)
        assert abs(x - simulate.CANVAS / 2) < 20
        middle = seen[y - 8 : y + 8, x - 8 : x + 8].astype(float).mean((0, 1))
        greener.append(middle[1] - max(middle[0], middle[2]))
    assert np.median(greener) > 10


def test_attacks_of_one_seed_are_the_same(portrait: NDArray[np.uint8]) -> None:
    scene = np.full((300, 400, 3), 50, np.uint8)
    first, second = (simulate.attack(portrait, BOX, scene, "screen", np.random.default_rng(5))[0] for _ in range(2))
    assert np.array_equal(first, second)


def test_black_ink_is_brighter_than_black_light() -> None:
    black = np.zeros((60, 60, 3), np.uint8)
    levels = [float(simulate.printed(black, np.random.default_rng(seed)).mean()) for seed in range(6)]
    assert min(levels) > 5


def test_a_screen_has_stripes_of_one_colour_each() -> None:
    white = np.full((40, 40, 3), 200, np.uint8)
    striped = [simulate.screened(white, False, np.random.default_rng(seed)) for seed in range(8)]
    threefold = [s for s in striped if s.shape[1] == 120]
    assert threefold
    columns = threefold[0].mean(0)  # [120,3]
    assert all(len(set(columns[i : i + 3].argmax(0))) == 3 for i in (0, 30, 60))
