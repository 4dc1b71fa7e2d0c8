"""An imitated camera: the same for all photos, another for another number."""

from __future__ import annotations

import numpy as np

from attendance.evaluation.recogniser.comparing.other_camera import OneCamera, seen_by
from tests.factories import face


def test_a_camera_draws_the_same_each_time_and_its_noise_anew() -> None:
    noise = np.random.default_rng(1)
    draws = []
    for _ in range(2):
        one = OneCamera(3, noise)
        draws.append((one.uniform(), one.random(), one.normal(0, 1, 3).tolist(), one.integers(0, 100)))
        draws.append(one.normal(0, 1, (2, 2, 3)).tolist())
    assert draws[0] == draws[2] and draws[1] != draws[3]
    assert OneCamera(4, noise).uniform() != OneCamera(3, noise).uniform()


def test_photos_of_one_camera_change_alike() -> None:
    noise = np.random.default_rng(1)
    crops = [face(seed)[:112, :112] for seed in (1, 2)]
    tints = np.array(
        [[seen_by(crop, number, noise).mean((0, 1)) - crop.mean((0, 1)) for crop in crops] for number in (0, 1)]
    )
    assert all(seen_by(crop, 0, noise).shape == (112, 112, 3) for crop in crops)
    assert np.abs(tints[0, 0] - tints[0, 1]).max() < np.abs(tints[0] - tints[1]).max()
