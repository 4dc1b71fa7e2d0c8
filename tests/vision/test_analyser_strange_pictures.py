"""The shipped detector on pictures that no camera should give, but some do."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.boxes import as_bgr
from attendance.vision.serving import analyser_for

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def portrait() -> NDArray[np.uint8]:
    """Grace Hopper, who comes with matplotlib (extra `train`)."""
    from attendance.programs.portraits import hopper

    return hopper()


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sixty() -> NDArray[np.uint8]:
    face = cv2.resize(portrait()[30:330, 110:410], (64, 64), interpolation=cv2.INTER_AREA)
    return np.tile(face, (6, 10, 1)).astype(np.uint8)


PICTURES: dict[str, Callable[[], Pixels]] = {
    "one pixel": lambda: noise(1, 1),
    "one row": lambda: noise(1, 3000),
    "one column": lambda: noise(3000, 1),
    "48 megapixels": lambda: cv2.resize(portrait(), (8000, 6000), interpolation=cv2.INTER_NEAREST).astype(np.uint8),
    "black": lambda: np.zeros((480, 640, 3), np.uint8),
    "white": lambda: np.full((480, 640, 3), 255, np.uint8),
    "noise": lambda: noise(480, 640),
    "grey": lambda: cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY).astype(np.uint8),
    "BGRA": lambda: cv2.cvtColor(portrait(), cv2.COLOR_BGR2BGRA).astype(np.uint8),
    "16 bits": lambda: portrait().astype(np.uint16) * 257,
    "16 bits, grey": lambda: cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY).astype(np.uint16) * 257,
    "a face that fills the frame": lambda: portrait()[90:290, 180:350],
    "cut at the border": lambda: portrait()[150:450, 250:],
    "upside down": lambda: np.ascontiguousarray(portrait()[::-1, ::-1]),
    "sixty faces": sixty,
}
# The working confidence, and one so low that half of what the network thinks is looked at.
CONFIDENCES = (0.6, 0.001)


@pytest.fixture(scope="module", params=CONFIDENCES)
def shipped(request: pytest.FixtureRequest) -> FaceAnalyser:
    settings = Settings()
    changed = {"detector": settings.detector.model_copy(update={"confidence": request.param})}
    return analyser_for(settings.model_copy(update=changed))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name == "48 megapixels" else ()) for name in PICTURES]
)
def test_no_picture_breaks_the_detector(shipped: FaceAnalyser, name: str) -> None:
    image = PICTURES[name]()
    before = image.copy()

    found = shipped.detect(image)  # type: ignore[arg-type]  # what a camera may give, whatever is promised

    height, width = image.shape[:2]
    for face in found:
        assert 0 <= face.box.x1 < face.box.x2 <= width
        assert 0 <= face.box.y1 < face.box.y2 <= height
        assert np.isfinite(face.landmarks.points).all()
        assert 0 < face.score <= 1
    scores = [face.score for face in found]
    assert scores == sorted(scores, reverse=True)
    assert np.array_equal(image, before)


def test_a_picture_without_pixels_holds_nobody(shipped: FaceAnalyser) -> None:
    assert shipped.detect(np.zeros((0, 7, 3), np.uint8)) == []


def test_grey_alpha_and_16_bits_are_seen_as_8_bits_in_colour() -> None:
    image = noise(5, 7)
    grey = image[..., 0]

    assert np.array_equal(as_bgr(image), image)
    assert np.array_equal(as_bgr(image.astype(np.uint16) * 257), image)
    assert np.array_equal(as_bgr(np.dstack([image, grey])), image)
    for one in (grey, grey[..., None], grey.astype(np.uint16) << 8):
        assert np.array_equal(as_bgr(one), np.dstack([grey] * 3))


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8), np.zeros((4, 4, 3), bool)]
)
def test_what_is_no_image_is_an_error(image: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="an image is"):
        as_bgr(image)
