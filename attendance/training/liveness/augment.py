"""Packed crops as another camera would have seen them, changed alike for live people and attacks.

In: a near and a far crop [128,128,3] BGR.  Out: the network's input, RGB float32 [3,80,128].
Does not know: labels: whatever differs by class here would be learned instead of liveness.
Main choice: light, blur, JPEG, resolution and missing surroundings are drawn anew each time, since live and
attack sessions differ in just these.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.vision.liveness import FAR, FAR_PX, GREY, NEAR, NEAR_PX, side_by_side

Float = NDArray[np.float32]


def plain(near: NDArray[np.uint8], far: NDArray[np.uint8]) -> Float:
    """Return the network's input of one face as it is."""
    small = [cv2.resize(crop, (px, px), interpolation=cv2.INTER_AREA) for crop, px in ((near, NEAR_PX), (far, FAR_PX))]
    return np.asarray(side_by_side(np.asarray(small[0], np.uint8), np.asarray(small[1], np.uint8))[0])


def changed(near: NDArray[np.uint8], far: NDArray[np.uint8], random: np.random.Generator) -> Float:
    """Return the input of one face as a different camera saw it."""
    zoom, shift = float(np.exp(random.normal(0, 0.08))), random.normal(0, 0.03, 2)
    flip = random.random() < 0.5
    camera = _Camera(random)
    cut = _extent(random)
    crops = []
    for crop, px, sides in ((near, NEAR_PX, NEAR), (far, FAR_PX, FAR)):
        view = crop
        if cut is not None:
            view = _without_surroundings(view, cut, sides)
        moved = _moved(view, px, zoom, shift * NEAR / sides, flip)
        crops.append(camera.seen(moved, random))
    return np.asarray(side_by_side(crops[0], crops[1])[0])


def tight(near: NDArray[np.uint8], far: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return both crops without surroundings: what is left reaches 0.6 face sides from the middle."""
    reach = np.full(4, 0.6)
    return _without_surroundings(near, reach, NEAR), _without_surroundings(far, reach, FAR)


class _Camera:
    """One camera's light and optics, the same for both crops."""

    def __init__(self, random: np.random.Generator) -> None:
        self.gain = np.exp(random.normal(0, 0.2) + random.normal(0, 0.06, 3)).astype(np.float32)
        self.veil, self.gamma = random.uniform(-20, 25), float(np.exp(random.normal(0, 0.15)))
        self.contrast, self.colour = random.uniform(0.65, 1.15), random.uniform(0.5, 1.15)
        self.blur = random.uniform(0.3, 1.3) if random.random() < 0.4 else 0.0
        self.share = random.uniform(0.45, 1.0) if random.random() < 0.4 else 1.0
        self.sharpen = random.uniform(0.2, 0.9) if random.random() < 0.2 else 0.0
        self.noise = random.uniform(0, 6)
        self.quality = int(random.integers(35, 98))

    def seen(self, crop: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
        values = (crop.astype(np.float32) / 255) ** self.gamma * 255 * self.gain
        grey = values.mean(2, keepdims=True)
        values = grey + (values - grey) * self.colour
        values = (values - 114) * self.contrast + 114 + self.veil
        size = len(crop)
        if self.share < 1:
            small = max(16, int(size * self.share))
            values = cv2.resize(values, (small, small), interpolation=cv2.INTER_AREA)
            values = cv2.resize(values, (size, size), interpolation=cv2.INTER_LINEAR)
        if self.blur:
            values = cv2.GaussianBlur(values, (0, 0), self.blur)
        if self.sharpen:
            values = values + self.sharpen * (values - cv2.GaussianBlur(values, (0, 0), 1.0))
        values = values + random.normal(0, self.noise, values.shape)
        coded = cv2.imencode(".jpg", values.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _extent(random: np.random.Generator) -> NDArray[np.float64] | None:
    """Return how far the picture reaches from the face's middle, in face sides; None: as far as it does."""
    draw = random.random()
    if draw < 0.45:
        return None
    if draw < 0.75:  # a tight crop, as a detector cuts it
        return np.asarray(random.uniform(0.45, 0.8, 4))
    return np.asarray(random.uniform(0.6, 2.2, 4))


def _without_surroundings(crop: NDArray[np.uint8], extent: NDArray[np.float64], sides: float) -> NDArray[np.uint8]:
    size = len(crop)
    left, top, right, bottom = (
        int(np.clip(size / 2 + sign * reach * size / sides, 0, size))
        for sign, reach in zip((-1, -1, 1, 1), extent, strict=True)
    )
    bare = np.full_like(crop, GREY)
    bare[top:bottom, left:right] = crop[top:bottom, left:right]
    return bare


def _moved(crop: NDArray[np.uint8], px: int, zoom: float, shift: NDArray[np.float64], flip: bool) -> NDArray[np.uint8]:
    size = len(crop)
    scale = px / size * zoom
    # Averaged first and moved then: a warp alone would alias what the camera never saw so.
    if scale < 0.9:
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), 0.45 / scale), np.uint8)
    x, y = px / 2 - size / 2 * scale + shift[0] * px, px / 2 - size / 2 * scale + shift[1] * px
    move = np.array([[scale, 0, x], [0, scale, y]], np.float32)
    value = (GREY, GREY, GREY)
    moved = cv2.warpAffine(crop, move, (px, px), flags=cv2.INTER_LINEAR, borderValue=value)
    return np.asarray(moved[:, ::-1] if flip else moved, np.uint8)
