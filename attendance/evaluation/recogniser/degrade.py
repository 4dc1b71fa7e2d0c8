"""Photographs made worse, as a door camera would see them: small, blurred, dark, masked.

In: a BGR image, the box and landmarks of its face.  Out: a worse BGR image.
Does not know: networks; whether a face is still found, which is what is measured.
Main choice: the whole image is made worse before detection, so that detector and alignment suffer as they
would at a door.
Trade-off: a drawn mask has a mask's outline, not its cloth.
"""

from __future__ import annotations

import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box, Landmarks
from attendance.vision.align import ARCFACE_112, similarity_transform

Image = NDArray[np.uint8]
DEGRADATIONS = ("48 px", "32 px", "24 px", "blur", "dark", "mask")
BLUR = 0.04  # sigma as a share of the face's width: an eye is a smudge
DARK = 0.12  # share of the light that remains
NOISE = 4.0  # standard deviation, of 255
# In the 112 px reference: across the nose's bridge, down both cheeks, around the chin.
MASK = np.array(
    [[20, 62], [56, 58], [92, 62], [90, 84], [80, 104], [66, 114], [46, 114], [32, 104], [22, 84]], np.float32
)


def small(image: Image, box: Box, side: float) -> Image:
    """Shrink the image until the box's shorter side is `side` px; never enlarge it."""
    factor = side / min(box.width, box.height)
    if factor >= 1:
        return image
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def blurred(image: Image, box: Box) -> Image:
    """Blur the image in proportion to the face."""
    sigma = max(BLUR * min(box.width, box.height), 0.1)
    return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.uint8, copy=False)


def dark(image: Image) -> Image:
    """Leave an eighth of the light and add a sensor's noise, the same noise for the same image."""
    random = np.random.default_rng(zlib.crc32(image.tobytes()))
    values = image.astype(np.float32) * DARK + random.normal(0, NOISE, image.shape)
    return np.clip(values, 0, 255).round().astype(np.uint8)


def masked(image: Image, landmarks: Landmarks) -> Image:
    """Draw a surgical mask's outline in one colour, with two folds, placed by the landmarks."""
    matrix = similarity_transform(ARCFACE_112, landmarks.points)
    result = image.copy()
    outline = MASK @ matrix[:, :2].T + matrix[:, 2]
    cv2.fillPoly(result, [np.round(outline * 16).astype(np.int32)], (206, 190, 160), cv2.LINE_AA, 4)
    for height in (78.0, 94.0):
        fold = np.array([[28, height], [84, height]], np.float32) @ matrix[:, :2].T + matrix[:, 2]
        a, b = ((int(x), int(y)) for x, y in np.round(fold * 16))
        cv2.line(result, a, b, (180, 165, 138), 1, cv2.LINE_AA, 4)
    return result


def worsen(condition: str, image: Image, box: Box, landmarks: Landmarks) -> Image:
    """Return the image under one of DEGRADATIONS."""
    if condition == "blur":
        return blurred(image, box)
    if condition == "dark":
        return dark(image)
    if condition == "mask":
        return masked(image, landmarks)
    return small(image, box, float(condition.removesuffix(" px")))
