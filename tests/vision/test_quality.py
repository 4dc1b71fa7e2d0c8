"""On two portraits that everybody has: good enough as they are, refused for what is done to them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import pytest
from matplotlib import cbook
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from attendance.config import Quality as QualitySettings
from attendance.domain.faces import Box, Landmarks, Quality
from attendance.domain.reason import Reason
from attendance.vision.align import align_face
from attendance.vision.quality import PITCH_MOST, YAW_MOST, QualityLimits, judge, measure

LIMITS = QualityLimits()
GOOD = Quality(size=120, sharpness=100, brightness=120, contrast=40, yaw=0.05, visible=1)


@dataclass(frozen=True)
class Portrait:
    """A photo with a face on it, found once by a detector and written down here."""

    image: NDArray[np.uint8]
    box: Box
    points: NDArray[np.float32]

    def changed(self, image: NDArray[np.generic]) -> Portrait:
        return replace(self, image=np.clip(image, 0, 255).astype(np.uint8))

    def scaled(self, factor: float) -> Portrait:
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        image = cv2.resize(self.image, None, fx=factor, fy=factor, interpolation=method).astype(np.uint8)
        box = Box(*(value * factor for value in (self.box.x1, self.box.y1, self.box.x2, self.box.y2)))
        return Portrait(image, box, (self.points * factor).astype(np.float32))

    def blurred(self, share: float) -> Portrait:
        """Sigma as a share of the face's width."""
        return self.changed(cv2.GaussianBlur(self.image, (0, 0), share * self.box.width))

    def moved(self, x: float, y: float) -> Portrait:
        """The photo cut so that the face's box begins at x, y (negative: cut off)."""
        left, top = round(self.box.x1 - x), round(self.box.y1 - y)
        box = Box(self.box.x1 - left, self.box.y1 - top, self.box.x2 - left, self.box.y2 - top)
        return Portrait(self.image[top:, left:].copy(), box, self.points - np.array([left, top], np.float32))

    @property
    def quality(self) -> Quality:
        return measure(self.image, self.box, Landmarks(self.points))

    @property
    def flaws(self) -> tuple[Reason, ...]:
        return judge(self.quality, LIMITS)


def eileen_collins() -> Portrait:
    five = [(204.1, 100.6), (246.8, 103.6), (223.8, 129.2), (202.0, 139.7), (245.7, 142.3)]
    image = np.ascontiguousarray(data.astronaut()[..., ::-1])
    return Portrait(image, Box(180.1, 60.2, 271.6, 179.7), np.array(five, np.float32))


def grace_hopper() -> Portrait:
    five = [(225.3, 195.3), (305.1, 193.3), (264.7, 242.9), (232.6, 278.8), (297.9, 277.4)]
    with cbook.get_sample_data("grace_hopper.jpg") as file, Image.open(file) as opened:
        image = np.ascontiguousarray(np.asarray(opened.convert("RGB"))[..., ::-1])
    return Portrait(image, Box(181.0, 120.6, 352.1, 332.8), np.array(five, np.float32))


@pytest.fixture(params=[eileen_collins, grace_hopper], ids=["collins", "hopper"])
def portrait(request: pytest.FixtureRequest) -> Portrait:
    result: Portrait = request.param()
    return result


def test_a_good_portrait_has_no_flaws(portrait: Portrait) -> None:
    assert portrait.flaws == ()


@pytest.mark.parametrize("factor", [0.5, 2, 4])
def test_a_portrait_of_another_size_has_none_either(portrait: Portrait, factor: float) -> None:
    assert portrait.scaled(factor).flaws == ()


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_sharpness_does_not_depend_on_the_resolution_of_the_photo(portrait: Portrait, factor: float) -> None:
    assert portrait.scaled(factor).quality.sharpness == pytest.approx(portrait.quality.sharpness, rel=0.05)


@pytest.mark.parametrize("gain", [0.2, 0.5, 0.8])
def test_sharpness_does_not_depend_on_the_light(portrait: Portrait, gain: float) -> None:
    assert portrait.changed(portrait.image * gain).quality.sharpness == pytest.approx(
        portrait.quality.sharpness, rel=0.05
    )


def test_sharpness_falls_with_every_blur(portrait: Portrait) -> None:
    values = [portrait.blurred(share).quality.sharpness for share in (0.005, 0.01, 0.02, 0.04, 0.08)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("share", [0.04, 0.06])
def test_a_face_without_detail_is_blurred(portrait: Portrait, share: float) -> None:
    assert portrait.blurred(share).flaws == (Reason.BLURRED,)


def test_noise_does_not_pass_for_detail(portrait: Portrait) -> None:
    noise = np.random.default_rng(0).normal(0, 5, portrait.image.shape)
    assert portrait.changed(portrait.blurred(0.05).image + noise).flaws == (Reason.BLURRED,)


def test_a_sharp_background_does_not_pass_for_a_sharp_face(portrait: Portrait) -> None:
    blurred = portrait.blurred(0.05)
    busy = np.random.default_rng(0).integers(0, 256, portrait.image.shape).astype(np.uint8)
    face = np.zeros(portrait.image.shape[:2], np.uint8)
    middle = portrait.points.mean(0)
    reach = portrait.box.width
    cv2.ellipse(face, (middle.round().tolist(), (1.3 * reach, 1.6 * reach), 0), 1, -1)
    assert blurred.changed(np.where(face[..., None] > 0, blurred.image, busy)).flaws == (Reason.BLURRED,)


def test_compression_as_strong_as_a_cheap_cameras_is_no_flaw(portrait: Portrait) -> None:
    _, coded = cv2.imencode(".jpg", portrait.image, [cv2.IMWRITE_JPEG_QUALITY, 20])
    assert portrait.changed(cv2.imdecode(coded, cv2.IMREAD_COLOR)).flaws == ()


@pytest.mark.parametrize("gain", [0.05, 0.15])
def test_a_dark_photo_is_too_dark_and_not_blurred(portrait: Portrait, gain: float) -> None:
    assert portrait.changed(portrait.image * gain).flaws == (Reason.TOO_DARK,)


def test_a_photo_in_half_the_light_will_do(portrait: Portrait) -> None:
    assert portrait.changed(portrait.image * 0.5).flaws == ()


def test_a_burnt_out_photo_is_too_bright(portrait: Portrait) -> None:
    assert portrait.changed(portrait.image * 4.0).flaws == (Reason.TOO_BRIGHT,)


def test_fog_on_the_lens_leaves_too_little_contrast(portrait: Portrait) -> None:
    assert portrait.changed(portrait.image * 0.1 + 170).flaws == (Reason.LOW_CONTRAST,)


def test_a_tiny_face_is_too_small(portrait: Portrait) -> None:
    assert portrait.scaled(20 / portrait.box.width).flaws[0] is Reason.TOO_SMALL


@pytest.mark.parametrize(("x", "y"), [(-0.35, 0.1), (0.1, -0.35)])
def test_a_face_that_leaves_the_picture_is_cut_off(portrait: Portrait, x: float, y: float) -> None:
    cut = portrait.moved(x * portrait.box.width, y * portrait.box.height)
    assert Reason.CUT_OFF in cut.flaws
    # A detector that ends its boxes at the edge does not hide it.
    ended = replace(cut, box=Box(max(cut.box.x1, 0), max(cut.box.y1, 0), cut.box.x2, cut.box.y2))
    assert Reason.CUT_OFF in ended.flaws


@pytest.mark.parametrize("degrees", [-30, 20, 90])
def test_a_tilted_head_is_not_turned_away(portrait: Portrait, degrees: float) -> None:
    height, width = portrait.image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    points = (portrait.points @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    tilted = replace(portrait, image=cv2.warpAffine(portrait.image, turn, (width, height)), points=points)
    assert tilted.quality.yaw == pytest.approx(portrait.quality.yaw, abs=1e-3)
    assert Reason.TURNED_AWAY not in tilted.flaws


@pytest.mark.parametrize("degrees", [0, -30, 30, 90, 180])
def test_the_tilt_is_measured_in_degrees_and_the_pitch_does_not_depend_on_it(degrees: float) -> None:
    points = np.array([[38, 50], [74, 50], [56, 72], [42, 92], [70, 92]], np.float32)
    turn = cv2.getRotationMatrix2D((56, 56), -degrees, 1)
    turned = (points @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    canvas = np.zeros((112, 112, 3), np.uint8)
    level, tilted = (measure(canvas, Box(10, 10, 100, 100), Landmarks(five)) for five in (points, turned))
    assert tilted.roll == pytest.approx(abs(degrees), abs=1e-3)
    assert tilted.pitch == pytest.approx(level.pitch, abs=1e-3)
    assert (Reason.TILTED in judge(replace(GOOD, roll=tilted.roll), LIMITS)) is (abs(degrees) > 45)


@pytest.mark.parametrize("shift", [-0.5, 0.5])
def test_a_nose_at_the_eyes_or_the_mouth_is_looking_up_or_down(portrait: Portrait, shift: float) -> None:
    points = portrait.points.copy()
    points[2, 1] += shift * (points[3:, 1].mean() - points[:2, 1].mean())
    assert Reason.LOOKING_UP_OR_DOWN in replace(portrait, points=points).flaws


def test_a_mouth_above_the_eyes_is_no_face_from_the_front() -> None:
    points = np.array([[38, 92], [74, 92], [56, 72], [42, 50], [70, 50]], np.float32)
    quality = measure(np.zeros((112, 112, 3), np.uint8), Box(10, 10, 100, 100), Landmarks(points))
    assert quality.pitch == PITCH_MOST


@pytest.mark.parametrize("darkest", [0.15, 0.05])
@pytest.mark.parametrize("side", [1, -1])
def test_a_lamp_at_one_side_covers_nothing(portrait: Portrait, side: int, darkest: float) -> None:
    """The further half of the face has so small a share of the light."""
    (x, _), reach = portrait.points.mean(0), portrait.box.width
    across = (np.arange(portrait.image.shape[1]) - x) / reach * side
    light = darkest + (1 - darkest) / (1 + np.exp(-10 * across))
    lit = np.clip(portrait.image * light[None, :, None], 0, 255).astype(np.uint8)
    even, aside = (
        measure(one.image, one.box, Landmarks(one.points)).uncovered for one in (portrait, portrait.changed(lit))
    )
    assert Reason.COVERED not in portrait.changed(lit).flaws
    assert aside > 0.6 * even, (aside, even)


@pytest.mark.parametrize("grey", [90, 200])
@pytest.mark.parametrize("feature", ["mouth", "eyes"])
def test_a_plain_mask_or_blindfold_covers_the_face(portrait: Portrait, feature: str, grey: int) -> None:
    rows = slice(2, 5) if feature == "mouth" else slice(0, 2)
    middle, reach = portrait.points[rows].mean(0), portrait.box.width
    image = portrait.image.copy()
    half = (0.5 * reach, 0.28 * reach) if feature == "mouth" else (0.5 * reach, 0.16 * reach)
    (x1, y1), (x2, y2) = (middle - half).round().astype(int), (middle + half).round().astype(int)
    image[max(y1, 0) : y2, max(x1, 0) : x2] = grey
    assert Reason.COVERED in portrait.changed(image).flaws


def test_a_nose_beside_an_eye_is_turned_away() -> None:
    portrait = grace_hopper()
    points = portrait.points.copy()
    points[2, 0] = points[1, 0] + 10
    assert Reason.TURNED_AWAY in replace(portrait, points=points).flaws


def test_a_crop_that_was_made_already_gives_the_same_numbers(portrait: Portrait) -> None:
    crop = align_face(portrait.image, portrait.points, 256)
    given = measure(portrait.image, portrait.box, Landmarks(portrait.points), crop)
    assert given.sharpness == pytest.approx(portrait.quality.sharpness, rel=0.25)
    assert given.brightness == pytest.approx(portrait.quality.brightness, abs=2)
    assert judge(given, LIMITS) == ()


def test_landmarks_that_coincide_are_flawed_and_no_crash() -> None:
    quality = measure(np.zeros((90, 90, 3), np.uint8), Box(0, 0, 80, 80), Landmarks(np.full((5, 2), 40, np.float32)))
    assert quality.yaw == YAW_MOST
    assert Reason.TURNED_AWAY in judge(quality, LIMITS)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_surface_of_one_grey_is_no_face(grey: int) -> None:
    portrait = grace_hopper()
    plain = portrait.changed(np.full_like(portrait.image, grey))
    assert plain.quality.sharpness == 0
    assert plain.flaws


def test_what_must_be_mended_first_comes_first() -> None:
    everything = Quality(size=10, sharpness=0, brightness=0, contrast=0, yaw=3, visible=0.2)
    assert judge(everything, LIMITS) == (
        Reason.TOO_SMALL,
        Reason.CUT_OFF,
        Reason.TURNED_AWAY,
        Reason.TOO_DARK,
        Reason.BLURRED,
    )
    assert judge(GOOD, LIMITS) == ()


@pytest.mark.parametrize("name", [field.name for field in fields(Quality)])
def test_a_measurement_that_is_no_number_is_a_flaw(name: str) -> None:
    assert judge(replace(GOOD, **{name: float("nan")}), LIMITS)


def test_the_limits_are_the_settings_and_their_defaults() -> None:
    assert QualityLimits(**QualitySettings().model_dump()) == LIMITS
