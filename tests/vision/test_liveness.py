"""The crops of the liveness network: where they are cut, and what lies beyond the picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.faces import Box
from attendance.vision.liveness import FAR_PX, GREY, NEAR_PX, LivenessNetwork, crop_around, side_by_side
from attendance.vision.weights import Card, WeightsError


def card(kind: str = "liveness") -> Card:
    return Card("m", kind, "", NEAR_PX, {"m.onnx": "0" * 64}, embedding_dim=4)  # type: ignore[arg-type]


class Session:
    """Answers the same number and keeps what it was shown."""

    def __init__(self, answer: float) -> None:
        self.answer, self.shown = answer, np.zeros(0)

    def run(self, image: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        self.shown = image
        return {"live": np.array([[self.answer]], np.float32)}


def test_a_crop_is_so_many_face_sides_wide_around_the_face() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[100:300, 100:300] = 255  # twice the face's side
    crop = crop_around(image, Box(150, 150, 250, 250), 4.0, 80)
    inside = crop[..., 0] > 127
    assert inside.sum() == pytest.approx(40 * 40, rel=0.05)
    assert inside[40, 40]
    assert not inside[5, 40]


def test_beyond_the_picture_everything_is_grey() -> None:
    image = np.full((100, 100, 3), 255, np.uint8)
    crop = crop_around(image, Box(0, 0, 100, 100), 2.7, 54)
    assert (crop[0, 0] == GREY).all()
    assert (crop[27, 27] == 255).all()
    assert (crop_around(image, Box(500, 500, 600, 600), 2.7, 54) == GREY).all()


def test_the_network_sees_both_crops_as_rgb_side_by_side() -> None:
    blue, red = np.zeros((NEAR_PX, NEAR_PX, 3), np.uint8), np.zeros((FAR_PX, FAR_PX, 3), np.uint8)
    blue[..., 0], red[..., 2] = 200, 100
    seen = side_by_side(blue, red)
    assert seen.shape == (1, 3, NEAR_PX, NEAR_PX + FAR_PX)
    assert tuple(seen[0, :, 0, 0]) == (0, 0, 200)
    assert tuple(seen[0, :, 0, NEAR_PX]) == (100, 0, 0)
    assert tuple(seen[0, :, NEAR_PX - 1, NEAR_PX]) == (GREY, GREY, GREY)


def test_a_look_is_the_logit_and_anything_else_is_a_fault() -> None:
    image, box = np.zeros((50, 50, 3), np.uint8), Box(10, 10, 30, 30)
    assert LivenessNetwork(Session(1.5), card()).look(image, box) == 1.5  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nan"):
        LivenessNetwork(Session(float("nan")), card()).look(image, box)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="recogniser"):
        LivenessNetwork(Session(0.0), card("recogniser"))  # type: ignore[arg-type]
