"""Boxes and points: letterbox and back, overlap, suppression, decoding of the detector's heads.

In: arrays.  Out: boxes float32 [N,4] xyxy, scores float32 [N] 0..1, points float32 [N,5,2], all px.
Does not know: networks, files, people.
Main choice: numpy and OpenCV, so that every runtime and the evaluation share one decoder.
Trade-off: about a millisecond a frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDES = (4, 8, 16, 32)
COARSE = STRIDES[1:]  # of detectors before yolo-effb0-256-v7
PAD_GREY = 114
# The most candidates that are compared with each other: a frame with more holds noise and not faces.
MAX_CANDIDATES = 1000
FAR = 1e6  # strides: no working network puts a corner or a point so far off


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The faces of one image, best score first.

    `boxes` float32 [K,4] xyxy px of the image · `scores` [K] 0..1 · `landmarks` [K,5,2] px.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    @staticmethod
    def nothing() -> Detections:
        """Return the detections of an image without a face."""
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))

    def down_to(self, confidence: float) -> Detections:
        """Keep the faces that score at least `confidence`: what the detector would have given at that confidence."""
        many = int((self.scores >= confidence).sum())
        return Detections(self.boxes[:many], self.scores[:many], self.landmarks[:many])


def as_bgr(image: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Turn grey [H,W] or [H,W,1], BGR or BGRA, of 8 or 16 bits, into BGR uint8 [H,W,3]; drop alpha.

    Of 16 bits the upper eight are used: white is 65,535.  Raises ValueError for anything else.
    """
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or image.dtype != np.uint8:
        raise ValueError(
            f"an image is uint8 or uint16, grey [H,W], BGR [H,W,3] or BGRA [H,W,4], not {image.dtype} {image.shape}"
        )
    return np.broadcast_to(image[..., :3], (*image.shape[:2], 3)).astype(np.uint8, copy=False)


def letterbox(
    image: NDArray[np.uint8], size: int, prepare: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None
) -> tuple[NDArray[np.uint8], float, tuple[float, float]]:
    """Fit an image [H,W,3] of any size into a grey square, keeping its proportions.

    Returns (canvas uint8 [size,size,3], scale, (pad_x, pad_y)): x_canvas = x · scale + pad_x.  The
    picture is resized to whole pixels; the pads, which need not be whole, keep its centre exact, and
    its edges within a quarter of a canvas pixel (of a picture less than a pixel wide there: a half).
    `prepare`: what is done to the resized picture before it is put on the canvas; it keeps its size.
    Raises ValueError for an image without pixels.
    """
    height, width = image.shape[:2]
    if not height or not width:
        raise ValueError("the image has no pixels")
    scale = min(size / height, size / width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    # INTER_AREA averages; a linear filter would skip pixels when it shrinks, and small faces with them.
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(np.ascontiguousarray(image), (new_width, new_height), interpolation=method)
    if prepare is not None:
        resized = prepare(resized.astype(np.uint8, copy=False))
    left, top = (size - new_width) // 2, (size - new_height) // 2
    canvas = np.full((size, size, 3), PAD_GREY, dtype=np.uint8)
    canvas[top : top + new_height, left : left + new_width] = resized
    pad = (left + (new_width - width * scale) / 2, top + (new_height - height * scale) / 2)
    return canvas, scale, pad


def unletterbox(coordinates: NDArray[np.float32], scale: float, pad: tuple[float, float]) -> NDArray[np.float32]:
    """Map boxes [N,4] or points [...,2] from the canvas to the original image; the exact inverse of `letterbox`."""
    pairs = coordinates.reshape(-1, 2).astype(np.float64)
    result: NDArray[np.float32] = ((pairs - np.asarray(pad)) / scale).astype(np.float32).reshape(coordinates.shape)
    return result


def clip_boxes(boxes: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Cut boxes [N,4] at the frame's edges; a box outside the frame has no area afterwards."""
    clipped: NDArray[np.float32] = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
    return clipped


def iou_matrix(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersection over union of each box [N,4] with each of [M,4], as [N,M] 0..1; 0 without area."""
    first64, second64 = first.astype(np.float64), second.astype(np.float64)
    corner = np.minimum(first64[:, None, 2:], second64[None, :, 2:])
    sides = np.clip(corner - np.maximum(first64[:, None, :2], second64[None, :, :2]), 0, None)
    shared = sides[..., 0] * sides[..., 1]
    union = _areas(first64)[:, None] + _areas(second64)[None, :] - shared
    result: NDArray[np.float32] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0).astype(
        np.float32
    )
    return result


def nms(boxes: NDArray[np.float32], scores: NDArray[np.float32], iou: float) -> NDArray[np.intp]:
    """Suppress overlapping boxes greedily; return the kept ones' indices, best score first, ties in their given order.

    A box is dropped when it overlaps a better kept one by more than `iou`.
    """
    order = np.argsort(-scores, kind="stable")
    overlaps = iou_matrix(boxes[order], boxes[order]) > iou
    alive = np.ones(len(order), dtype=bool)
    for index in range(len(order)):
        if alive[index]:
            alive[index + 1 :] &= ~overlaps[index, index + 1 :]
    return order[alive]


def cell_centres(
    height: int, width: int, of_strides: tuple[int, ...] = STRIDES
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cells' centres [A,2] px and strides [A] for an input of this size, px, in the heads' order.

    A = Σ (H/s)(W/s) over `of_strides`; within a stride row by row.  Raises ValueError unless both sides are
    multiples of 32.
    """
    centres, strides = _cells(height, width, of_strides)
    return centres.copy(), strides.copy()


@lru_cache(maxsize=16)  # a camera's pictures, and the crops of its faces, have few sizes
def _cells(height: int, width: int, of_strides: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if height % STRIDES[-1] or width % STRIDES[-1] or height <= 0 or width <= 0:
        raise ValueError(f"an input is a multiple of {STRIDES[-1]} px on each side, not {height} × {width}")
    centres, strides = [], []
    for stride in of_strides:
        y, x = np.mgrid[0 : height // stride, 0 : width // stride]
        centres.append((np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full(x.size, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def decode(
    bbox: NDArray[np.float32],
    obj: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    input_hw: tuple[int, int],
    conf_thresh: float,
    nms_iou: float = 0.45,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Decode the heads' outputs for one image: (boxes [K,4], scores [K], points [K,5,2]) in input px, best first.

    `bbox` [A,4]: distances left, top, right, bottom of the cell's centre in strides, ≥ 0; `obj` [A]:
    logits; `landmarks` [A,10]: x, y offsets of the five points from the cell's centre in strides.
    A is of the strides 4 to 32, or of 8 to 32.  Boxes may reach beyond the input.  A cell is not a face if a value is
    not finite or absurdly far off, or if its box has no area.  Raises ValueError when the shapes do not fit `input_hw`.
    """
    coarse = _cells(*input_hw, COARSE)
    centres, strides = coarse if len(obj) == len(coarse[0]) else _cells(*input_hw, STRIDES)
    cells = len(centres)
    if bbox.shape != (cells, 4) or obj.shape != (cells,) or landmarks.shape != (cells, 10):
        raise ValueError(f"{cells} cells, but heads of {bbox.shape}, {obj.shape}, {landmarks.shape}")
    # Comparisons with NaN are False.
    finite = np.isfinite(obj) & (np.abs(bbox) < FAR).all(axis=1) & (np.abs(landmarks) < FAR).all(axis=1)
    with np.errstate(over="ignore"):  # exp of a very negative logit overflows to inf: a score of 0, which is right
        scores = np.where(finite, 1 / (1 + np.exp(-obj.astype(np.float64))), 0).astype(np.float32)
    chosen = np.flatnonzero(finite & (scores >= conf_thresh))
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")][:MAX_CANDIDATES]
    centre, stride = centres[chosen], strides[chosen, None]
    reach = np.clip(bbox[chosen], 0, None) * stride
    boxes = np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], axis=1)
    points = centre[:, None] + landmarks[chosen].reshape(-1, 5, 2) * stride[:, None]
    solid = np.flatnonzero(_areas(boxes) > 0)
    kept = solid[nms(boxes[solid], scores[chosen][solid], nms_iou)]
    return boxes[kept], scores[chosen][kept], points[kept]


def _areas(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    sides: NDArray[np.floating] = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return sides[:, 0] * sides[:, 1]
