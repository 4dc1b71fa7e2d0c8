"""Views as a cheap camera in an office makes them.

In: views [B,3,S,S] RGB 0..255 and a numpy generator.  Out: the same, soft, flat, tinted and compressed.
Does not know: faces.
Main choice: each face of the batch gets a different camera.  Trade-off: it runs on the processor, since JPEG does.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SMALLEST, LARGEST = 32, 100  # px, sides of the face in the camera's picture


def webcam(view: Tensor, random: np.random.Generator) -> Tensor:
    """Lower the contrast, add a veil, a colour cast and noise, shrink the face, code it as JPEG, enlarge it."""
    images = view.clamp(0, 255).permute(0, 2, 3, 1).cpu().numpy()
    seen = np.stack([_seen(image, random) for image in images])
    return torch.from_numpy(seen.transpose(0, 3, 1, 2)).to(view.device)


def _seen(image: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    size = len(image)
    side = int(np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST))))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if side < size else cv2.INTER_LINEAR)
    if random.random() < 0.5:
        small = cv2.GaussianBlur(small, (0, 0), random.uniform(0.3, 0.03 * side))
    mean = small.mean((0, 1), keepdims=True)
    contrast, veil, dim = random.uniform(0.45, 1.0), random.uniform(0, 45), random.uniform(0.6, 1.1)
    cast = np.exp(random.normal(0, 0.1, 3))
    grey = small.mean(2, keepdims=True)
    small = grey + (small - grey) * random.uniform(0.4, 1.1)
    small = ((mean + (small - mean) * contrast) * dim * cast + veil).astype(np.float32)
    if random.random() < 0.4:  # many cameras sharpen
        small = small + random.uniform(0.3, 1.2) * (small - cv2.GaussianBlur(small, (0, 0), 1.0))
    small = small + random.normal(0, random.uniform(0, 5), small.shape)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 85))]
    coded = cv2.imdecode(cv2.imencode(".jpg", small.clip(0, 255).astype(np.uint8), quality)[1], cv2.IMREAD_COLOR)
    wide = cv2.INTER_CUBIC if random.random() < 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.asarray(coded, np.float32), (size, size), interpolation=wide), np.float32)
