"""Faces of which most lies in the dark: found by a second look at the picture with its shading divided out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.domain.faces import Box, Frame, Region
from attendance.domain.reason import Reason
from attendance.programs.portraits import collins, hopper
from attendance.vision.analyser import FaceAnalyser, StageClock
from attendance.vision.serving import analyser_for
from attendance.vision.side_light import FACE_SPREAD, evened
from tests.factories import NOON, detector_heads
from tests.fakes import FakeSession
from tests.vision.analysed import ANYTHING, FINDER, NET, UNIT

WEIGHTS = Path(__file__).parents[2] / "weights"
Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def analyser() -> FaceAnalyser:
    plain = Settings()
    models = plain.models.model_copy(update={"weights_dir": str(WEIGHTS), "flip": False, "threads": 1})
    return analyser_for(plain.model_copy(update={"models": models}))


def scene(portrait: Image, height: int) -> Image:
    """Somebody before a wall, 1280 × 720 px."""
    wall = np.linspace(120, 80, 720)[:, None, None] * np.ones((1, 1280, 3))
    scale = height / portrait.shape[0]
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = wall.astype(np.uint8)
    image[200 : 200 + small.shape[0], 500 : 500 + small.shape[1]] = small
    return image


def lit_from_one_side(image: Image, middle: float, width: float, left: float = 0.05) -> Image:
    """A lamp at the left, and a sharp shadow over three quarters of the face, where `left` of the light remains."""
    x = np.arange(image.shape[1])
    dark = np.clip((x - (middle - width / 4)) / (0.08 * width) + 0.5, 0, 1)
    noise = np.random.default_rng(0).normal(0, 2, (*image.shape[:2], 1))
    shone = image * (1 - (1 - left) * dark**2 * (3 - 2 * dark))[None, :, None] + noise
    return np.clip(np.rint(shone), 0, 255).astype(np.uint8)


def far_hopper() -> Image:
    return scene(hopper(), 500)


def shadowed(analyser: FaceAnalyser, image: Image) -> tuple[Image, Box]:
    """The picture with three quarters of its face in the dark, and where the face is."""
    (even,) = analyser.detect(image)
    return lit_from_one_side(image, (even.whole.x1 + even.whole.x2) / 2, even.whole.width), even.whole


@pytest.mark.parametrize("photo", [far_hopper, collins])
def test_a_face_of_which_three_quarters_are_dark_is_found_by_the_second_look_only(
    analyser: FaceAnalyser, photo: Callable[[], Image]
) -> None:
    dark, box = shadowed(analyser, photo())

    assert analyser.find(Frame(dark, NOON, "test", side_light=False)) == []
    (found,) = analyser.find(Frame(dark, NOON, "test"))
    assert found.in_side_light
    assert found.whole.iou(box) > 0.5


def test_a_face_with_too_little_light_is_too_dark_and_its_shadow_is_not_called_blur(analyser: FaceAnalyser) -> None:
    dark, _ = shadowed(analyser, far_hopper())
    (probe,) = analyser.analyse(Frame(dark, NOON, "test", region=Region(0.2, 0.1, 0.9, 1)))
    assert (probe.template, probe.flaws[0]) == (None, Reason.TOO_DARK)
    assert probe.quality.brightness < 40, "as the camera saw it"

    dark, _ = shadowed(analyser, collins())
    (probe,) = analyser.analyse(Frame(dark, NOON, "test"))
    assert 40 < probe.quality.brightness < 70
    assert Reason.BLURRED not in probe.flaws and Reason.TOO_DARK not in probe.flaws


def test_what_is_embedded_is_the_crop_that_was_judged_with_its_shading_divided_out(analyser: FaceAnalyser) -> None:
    dark, _ = shadowed(analyser, collins())
    frame = Frame(dark, NOON, "test")
    (found,) = analyser.find(frame)
    judged, plain = (
        analyser.judged(frame, one, StageClock()).crop for one in (found, replace(found, in_side_light=False))
    )
    assert judged is not None and plain is not None
    assert np.array_equal(judged, evened(plain, FACE_SPREAD))
    sides = [(crop[:, :30].mean() + 1) / (crop[:, -30:].mean() + 1) for crop in (plain, judged)]
    assert abs(np.log(sides[1])) < abs(np.log(sides[0])) / 2, "both sides are about equally bright"


def test_the_second_look_finds_nothing_in_an_empty_scene(analyser: FaceAnalyser) -> None:
    wall = lit_from_one_side(scene(np.full((8, 8, 3), 90, np.uint8), 400), 640, 300)
    assert analyser.find(Frame(wall, NOON, "test")) == []


def test_shading_is_divided_out_and_what_is_drawn_stays() -> None:
    random = np.random.default_rng(1)
    drawn = cv2.GaussianBlur(random.uniform(40, 200, (192, 256, 3)), (0, 0), 2)
    drawn = (120 + 6 * (drawn - drawn.mean())).clip(30, 220)
    light = np.linspace(1, 0.15, 256)[None, :, None]
    plain, lit = evened(drawn.astype(np.uint8)), evened((drawn * light).astype(np.uint8))

    assert np.corrcoef(plain.ravel(), lit.ravel())[0, 1] > 0.97
    means = lit.mean(axis=(0, 2))
    assert means[:64].mean() == pytest.approx(means[-64:].mean(), rel=0.15)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 2), (256, 144)])
def test_a_picture_of_any_size_is_evened_and_black_stays_black(shape: tuple[int, int]) -> None:
    black = np.zeros((*shape, 3), np.uint8)
    assert not evened(black).any()
    assert evened(black + np.uint8(200)).shape == black.shape


def counted(faces: bool = False) -> tuple[FaceAnalyser, FakeSession]:
    detector = FakeSession(detector_heads([(60.0, 60.0, 160.0, 180.0)] if faces else [], 256))
    return FaceAnalyser(detector, FINDER, FakeSession({"embedding": UNIT}), NET, ANYTHING, 0.5), detector


def test_a_photo_without_a_face_is_searched_twice_and_one_with_a_face_once() -> None:
    for faces, runs in ((False, 2), (True, 1)):
        analyser, detector = counted(faces)
        analyser.analyse(Frame(np.full((360, 640, 3), 90, np.uint8), NOON, "photo"))
        assert len(detector.seen) == runs
