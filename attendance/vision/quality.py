"""Whether a face is good enough to be compared.

In: a frame, a face's box and landmarks, limits.  Out: `Quality` numbers; the flaws, worst first.
Does not know: networks, people.
Main choice: plain measurements after the components of ISO/IEC 29794-5 that a person can act on (size,
sharpness, exposure, contrast, pose, occlusion), each with its own advice, instead of one learned score.
Trade-off: they judge the photo and not how well the recogniser will do on it; and pose comes from five
landmarks, so it is as coarse as they are (see `QualityLimits`).

Sharpness, brightness and contrast are measured on the aligned face at 112 px inside an oval, so
that neither the camera's resolution nor the background counts.  A face that is smaller than that is
enlarged, and rightly comes out less sharp.  Sharpness is the variance of the Laplacian, after a
slight smoothing (or a dark camera's noise would pass for detail) and brought to one contrast (or
every dim or flat picture would pass for blurred).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box, Landmarks, Quality
from attendance.domain.reason import Reason
from attendance.vision.align import ARCFACE_112, align_face, similarity_transform

SIDE = 112
SMOOTHING = 1.0  # sigma, px of the crop
REFERENCE_CONTRAST = 50.0
# Turned further than this it is a profile, and numbers that divide by the eyes' distance run away.
YAW_MOST = 10.0
PITCH_MOST = 10.0
# Where the nose stands between eyes (0) and mouth (1) on a level head: 0.49 in the ArcFace reference, 0.58 and 0.70 on
# two portraits, 0.63 on the average of LFW as the shipped detector sees it.
NOSE_LEVEL = 0.6
# Light changes over this many px of the crop (sigma) or more, features over fewer; darker grey levels are noise.  At 14
# a plain bar over the eyes no longer counts as cover, at 28 side light does again.
SHADING, DARKEST = 18.0, 8.0
# Keeps the scale of `uncovered` and of its limit as they were before the shading was divided out.
UNCOVERED_SCALE = 0.5
# Around what each landmark stands for, half width and half height in px of the 112 px crop, at its ArcFace place.
FEATURES = ((38, 52, 11, 8), (74, 52, 11, 8), (56, 72, 10, 8), (56, 92, 16, 8))


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Limits of `Quality`'s values, in its units.

    Where the defaults come from: two sharp portraits (scikit-image's astronaut, matplotlib's Grace
    Hopper) have a sharpness of 114 and 200 and a contrast of 39 and 42; shrunk to a face of 36 px the
    first still has 55; frames of a cheap webcam have 18 to 92 and contrasts from 15.  Blurred until
    an eye is a smudge (sigma 4 % of the face's width) the portraits have 8 and 10.
    Pose and cover, with the shipped detector: of 699 faces of LFW all have a roll below 4 degrees and
    none a pitch above 0.1, so those limits only catch what is plainly wrong.  Of 45 faces of
    LFW none has an `uncovered` below 0.15, also with a lamp at one side that leaves 15 or 5 % of the light on the
    other; of 31 in scenes with masks 39 %.  Before the shading was divided out it was none, 4 %, 2 % and 13 %.
    """

    min_size: float = 40.0
    min_sharpness: float = 12.0
    min_brightness: float = 40.0
    max_brightness: float = 225.0
    min_contrast: float = 8.0
    max_yaw: float = 0.6
    min_visible: float = 0.9
    max_roll: float = 45.0
    max_pitch: float = 0.35
    min_uncovered: float = 0.15


def measure(image: NDArray[np.uint8], box: Box, landmarks: Landmarks, crop: NDArray[np.uint8] | None = None) -> Quality:
    """`box` and `landmarks` in px of the BGR image; the box may reach beyond it (that is what `visible` is about).

    `crop`: the aligned face, square and without a rim, if it was made already.  Landmarks that
    coincide give no crop: all its values are then 0 and the yaw is YAW_MOST.
    """
    height, width = image.shape[:2]
    size = min(box.width, box.height)
    try:
        if crop is None:
            crop = align_face(image, landmarks.points, SIDE)
        seen = _visible_share_of_crop(landmarks, height, width)
    except ValueError:
        return Quality(size, 0.0, 0.0, 0.0, YAW_MOST, _visible_share(box, height, width), 0.0, PITCH_MOST, 0.0)
    if crop.shape[0] != SIDE:
        method = cv2.INTER_AREA if crop.shape[0] > SIDE else cv2.INTER_LINEAR
        crop = cv2.resize(crop, (SIDE, SIDE), interpolation=method).astype(np.uint8, copy=False)
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    brightness, contrast = float(grey[_OVAL].mean()), float(grey[_OVAL].std())
    return Quality(
        size=size,
        sharpness=_sharpness(grey, contrast),
        brightness=brightness,
        contrast=contrast,
        yaw=_yaw(landmarks),
        visible=min(seen, _visible_share(box, height, width)),
        roll=_roll(landmarks),
        pitch=_pitch(landmarks),
        uncovered=_uncovered(grey, contrast),
    )


def judge(quality: Quality, limits: QualityLimits) -> tuple[Reason, ...]:
    """Return the flaws, worst first: each must be corrected before the next can be judged; () without flaws.

    Each comparison is written so that NaN fails it.  Too little contrast in a dark picture counts as too dark,
    because light corrects it.  A picture that is too flat, badly lit or blurred does not count as covered too:
    it shows no structure anywhere.
    """
    flat = not quality.contrast >= limits.min_contrast
    in_the_dark = flat and quality.brightness < 128
    sharp = quality.sharpness >= limits.min_sharpness
    lit = limits.min_brightness <= quality.brightness <= limits.max_brightness
    checks = (
        (quality.size >= limits.min_size, Reason.TOO_SMALL),
        (quality.visible >= limits.min_visible, Reason.CUT_OFF),
        (quality.yaw <= limits.max_yaw, Reason.TURNED_AWAY),
        (quality.roll <= limits.max_roll, Reason.TILTED),
        (quality.pitch <= limits.max_pitch, Reason.LOOKING_UP_OR_DOWN),
        (quality.brightness >= limits.min_brightness and not in_the_dark, Reason.TOO_DARK),
        (quality.brightness <= limits.max_brightness, Reason.TOO_BRIGHT),
        (not flat or in_the_dark, Reason.LOW_CONTRAST),
        (sharp, Reason.BLURRED),
        (quality.uncovered >= limits.min_uncovered or flat or not (sharp and lit), Reason.COVERED),
    )
    return tuple(reason for fine, reason in checks if not fine)


def _oval() -> NDArray[np.bool_]:
    """Return the part of the 112 px crop that is face on nearly everyone: brows to chin, cheek to cheek."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    inside: NDArray[np.bool_] = ((x - 56) / 36) ** 2 + ((y - 68) / 42) ** 2 <= 1
    return inside


_OVAL = _oval()


def _sharpness(grey: NDArray[np.uint8], contrast: float) -> float:
    """Return the sharpness; 0 for a surface of one grey, where nothing could be sharp."""
    if contrast < 1e-6:
        return 0.0
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SMOOTHING)
    detail = float(cv2.Laplacian(smooth, cv2.CV_32F)[_OVAL].var())
    return detail * (REFERENCE_CONTRAST / contrast) ** 2


def _yaw(landmarks: Landmarks) -> float:
    """Return the nose's offset along the eyes' line, as a share of the eyes' distance; roll does not count."""
    left, right, nose = landmarks.points[:3].astype(np.float64)
    distance = float(np.hypot(*(right - left)))
    if distance < 1e-6:
        return YAW_MOST
    offset = float((nose - (left + right) / 2) @ (right - left)) / distance**2
    return min(abs(offset), YAW_MOST)


def _roll(landmarks: Landmarks) -> float:
    """Return how far the line from the left to the right eye is from level, degrees 0..180."""
    across, down = (landmarks.points[1] - landmarks.points[0]).astype(np.float64)
    return abs(float(np.degrees(np.arctan2(down, across))))


def _pitch(landmarks: Landmarks) -> float:
    """Return the nose's place between eyes and mouth compared with a level head's; roll does not count."""
    left, right, nose, *mouth = landmarks.points.astype(np.float64)
    eyes, lips = (left + right) / 2, (mouth[0] + mouth[1]) / 2
    down = np.array([left[1] - right[1], right[0] - left[0]])  # at right angles to the eyes' line
    length = float((lips - eyes) @ down)
    if length < 1e-6:  # the mouth beside or above the eyes: not a face seen from the front
        return PITCH_MOST
    return min(abs(float((nose - eyes) @ down) / length - NOSE_LEVEL), PITCH_MOST)


def _uncovered(grey: NDArray[np.uint8], contrast: float) -> float:
    """Return the least contrast around eyes, nose and mouth over the face's contrast; 0 for one grey all over.

    The shading is divided out first: with a lamp at one side it is most of the face's contrast, and the darker half
    has little of its own.
    """
    if contrast < 1e-6:
        return 0.0
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SMOOTHING)
    even = smooth / np.maximum(cv2.GaussianBlur(smooth, (0, 0), SHADING), DARKEST)
    contrast = float(even[_OVAL].std())
    least = min(float(even[y - h : y + h, x - w : x + w].std()) for x, y, w, h in FEATURES)
    return UNCOVERED_SCALE * least / max(contrast, 1e-6)


def _visible_share(box: Box, height: int, width: int) -> float:
    across = min(box.x2, width) - max(box.x1, 0)
    down = min(box.y2, height) - max(box.y1, 0)
    return max(across, 0.0) * max(down, 0.0) / box.area


def _visible_share_of_crop(landmarks: Landmarks, height: int, width: int) -> float:
    """Return the share of the aligned crop in the frame; needed because detectors tend to end boxes at the edge."""
    x, y = np.meshgrid(np.arange(4, SIDE, 8.0), np.arange(4, SIDE, 8.0))
    matrix = similarity_transform(ARCFACE_112, landmarks.points).astype(np.float64)
    points = np.stack([x.ravel(), y.ravel()], axis=1) @ matrix[:, :2].T + matrix[:, 2]
    return float(((points >= 0) & (points < [width, height])).all(axis=1).mean())
