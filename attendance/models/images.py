"""Whatever a caller calls an image → RGB arrays and tensors.

In: a path, a PIL image, or a numpy array (grey, RGB(A) as PIL gives it, or BGR as OpenCV gives it).
Out: uint8 RGB [H,W,3].  Does not know: networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from attendance.errors import UserError

ImageLike: TypeAlias = "str | Path | Image.Image | NDArray[np.uint8]"


def as_rgb(image: ImageLike) -> NDArray[np.uint8]:
    """uint8 RGB [H,W,3].  Arrays of three channels are taken as BGR (OpenCV's order).

    Raises UserError for a file that cannot be read or an array that is no image.
    """
    if isinstance(image, (str, Path)):
        try:
            with Image.open(image) as opened:
                return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise UserError(f"cannot read {image} as an image: {error}") from error
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    if image.ndim == 3 and image.shape[2] in (3, 4) and image.dtype == np.uint8:
        return np.ascontiguousarray(image[..., 2::-1])
    raise UserError(f"an image is uint8 [H,W], [H,W,3] or [H,W,4], not {image.dtype} {image.shape}")


def as_batch(rgb: NDArray[np.uint8]) -> torch.Tensor:
    """RGB [H,W,3] → float32 [1,3,H,W] 0..255."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float().unsqueeze(0)
