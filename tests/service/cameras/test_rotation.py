"""Which way a camera is mounted is found by trying."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.faces import Probe
from attendance.service.cameras.rotation import turn_needed
from tests.factories import ANNA, make_image, make_probe, make_quality, vector_of


def face(roll: float = 0.0, score: float = 0.9) -> Probe:
    probe = make_probe(vector_of(ANNA))
    return replace(probe, detection_score=score, quality=replace(make_quality(), roll=roll))


def upright_only(image: NDArray[np.uint8]) -> list[Probe]:
    """Find a face where the white corner is at the top left; lying on its side it is found, too, but rolled."""
    if image[0, 0].min() == 255:
        return [face()]
    return [face(roll=90.0, score=0.99)] if image[0, -1].min() == 255 else []


@pytest.mark.parametrize(
    ("mounted", "needed"),
    [(None, 0), (cv2.ROTATE_90_CLOCKWISE, 270), (cv2.ROTATE_180, 180), (cv2.ROTATE_90_COUNTERCLOCKWISE, 90)],
)
def test_the_turn_that_sets_a_face_upright_is_found(mounted: int | None, needed: int) -> None:
    scene = make_image((90, 90, 90), 64, 48)
    scene[:8, :8] = 255
    seen = scene if mounted is None else np.asarray(cv2.rotate(scene, mounted), np.uint8)

    assert turn_needed(seen, upright_only) == needed


def test_nobody_before_the_camera_says_nothing() -> None:
    assert turn_needed(make_image((90, 90, 90), 64, 48), lambda image: []) == 0
