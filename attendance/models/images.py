"""Paths, PIL images and arrays → RGB arrays and tensors.

In: a path, a PIL image, or a numpy array as OpenCV gives it (grey, BGR or BGRA; 8 or 16 bits).
Out: uint8 RGB [H,W,3].  Does not know: networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from attendance.errors import UserError
from attendance.vision.boxes import as_bgr

ImageLike: TypeAlias = "str | Path | Image.Image | NDArray[np.uint8] | NDArray[np.uint16]"


def as_rgb(image: ImageLike) -> NDArray[np.uint8]:
    """Return uint8 RGB [H,W,3].  Arrays of three or four channels count as BGR or BGRA (OpenCV's order).

    Raises UserError for a file that cannot be read, and for whatever else is not an image.
    """
    if isinstance(image, (str, Path)):
        try:
            with Image.open(image) as opened:
                return _rgb(ImageOps.exif_transpose(opened))
        except Exception as error:  # Pillow's parsers raise whatever a broken file provokes
            raise UserError(f"cannot read {image} as an image: {error}") from error
    if isinstance(image, Image.Image):
        return _rgb(image)
    if not isinstance(image, np.ndarray):
        raise UserError(f"an image is a path, a PIL image or a numpy array, not {type(image).__name__}")
    try:
        return np.ascontiguousarray(as_bgr(image)[..., ::-1])
    except ValueError as error:
        raise UserError(str(error)) from None


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I;16"):  # PIL would clip every value above 255
        return np.ascontiguousarray(as_bgr(np.asarray(image).astype(np.uint16)))
    return np.asarray(image.convert("RGB"))


def as_batch(rgb: NDArray[np.uint8]) -> torch.Tensor:
    """Turn RGB [H,W,3] into float32 [1,3,H,W] 0..255."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float().unsqueeze(0)
