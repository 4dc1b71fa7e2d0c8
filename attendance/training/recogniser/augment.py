"""Random views of aligned face crops, as a door camera would see them.

In: RGB crops [B,3,128,128] 0..255 with a rim, and a numpy generator.  Out: views [B,3,S,S] and which
of them are mirrored.
Does not know: labels.  Everything is batched in PyTorch, so that the same code runs on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from attendance.training.recogniser.webcam import webcam
from attendance.vision.align import ARCFACE_112

RIM = 8  # px around the 112 px crop
SMALLEST = 24  # px: what is left of a face far away


@cache
def _drawn(what: str) -> Tensor:
    """Where a mask or glasses lie on an aligned crop [1,128,128], 0..1."""
    eye, other, nose, mouth, far_mouth = (ARCFACE_112 + RIM).round().astype(int)
    canvas = np.zeros((128, 128), np.uint8)
    if what == "mask":
        top, low = nose[1] - 4, mouth[1] + 22
        outline = [(mouth[0] - 22, top + 4), (nose[0], top - 4), (far_mouth[0] + 22, top + 4)]
        outline += [(far_mouth[0] + 12, low - 6), (nose[0], low), (mouth[0] - 12, low - 6)]
        cv2.fillPoly(canvas, [np.array(outline, np.int32)], 255)
    else:
        for centre in (eye, other):
            cv2.ellipse(canvas, (int(centre[0]), int(centre[1])), (15, 11), 0, 0, 360, 255, -1)
        cv2.line(canvas, (int(eye[0]), int(eye[1])), (int(other[0]), int(other[1])), 255, 3)
    return torch.from_numpy(cv2.GaussianBlur(canvas, (0, 0), 1.0).astype(np.float32))[None] / 255


def worn(crops: Tensor, random: np.random.Generator, share: float) -> Tensor:
    """Masks and glasses, clear to opaque, of any colour, on a `share` of the crops [B,3,128,128] each."""
    for what, low in (("mask", 0.9), ("glasses", 0.25)):
        wears = torch.from_numpy((random.random(len(crops)) < share).astype(np.float32))
        alpha = wears * torch.from_numpy(random.uniform(low, 1, len(crops)).astype(np.float32))
        dark = 255 if what == "mask" else 90
        colour = torch.from_numpy(random.uniform(0, dark, (len(crops), 3, 1, 1)).astype(np.float32)).to(crops.device)
        over = (alpha[:, None, None, None] * _drawn(what)[None]).to(crops.device)
        crops = crops * (1 - over) + colour * over
    return crops


def _moved(view: Tensor, random: np.random.Generator) -> Tensor:
    """Blur along one line, as a face that moves while the shutter is open."""
    length = int(random.integers(3, max(4, view.shape[-1] // 10)))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), float(random.uniform(0, 180)), 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length)).astype(np.float32)
    weight = torch.from_numpy(kernel / max(float(kernel.sum()), 1e-6)).to(view.device)[None, None].expand(3, 1, -1, -1)
    padded = F.pad(view, (length // 2, (length - 1) // 2) * 2, mode="replicate")
    return F.conv2d(padded, weight, groups=3)


def _compressed(view: Tensor, random: np.random.Generator) -> Tensor:
    """JPEG of a poor camera; on the processor, so for few images of a batch."""
    images = view.clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(15, 70))]
    coded = [np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)) for image in images]
    return torch.from_numpy(np.stack(coded).transpose(0, 3, 1, 2).astype(np.float32)).to(view.device)


def _darkened(view: Tensor, random: np.random.Generator) -> Tensor:
    """Imitate a dark room: lower the camera's curve, or leave a tenth to a half of the light and add noise."""
    if random.random() < 0.5:
        return 255 * (view.clamp(0, 255) / 255) ** float(random.uniform(1.3, 2.5))
    return _noisy(view * float(np.exp(random.uniform(np.log(0.1), np.log(0.5)))), random)


def _blurred(view: Tensor, random: np.random.Generator) -> Tensor:
    """Imitate a picture that is out of focus."""
    sigma = float(random.uniform(0.005, 0.035)) * view.shape[-1]
    return torch.as_tensor(gaussian_blur(view, 2 * int(np.ceil(2 * sigma)) + 1, sigma))


def _far(view: Tensor, random: np.random.Generator) -> Tensor:
    """Imitate a small face: scale down and up again."""
    size = view.shape[-1]
    low = int(random.integers(SMALLEST, max(SMALLEST + 1, size * 3 // 4)))
    small = F.interpolate(view, (low, low), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, (size, size), mode="bilinear", align_corners=False)


def _noisy(view: Tensor, random: np.random.Generator) -> Tensor:
    noise = random.normal(0, random.uniform(2, 12), tuple(view.shape)).astype(np.float32)
    return view + torch.from_numpy(noise).to(view.device)


def _hidden(view: Tensor, random: np.random.Generator) -> Tensor:
    """Hide a part, as a hand, a scarf or a frame's edge would."""
    size = view.shape[-1]
    side = int(size * random.uniform(0.1, 0.35))
    top, left = (int(random.integers(0, size - side)) for _ in range(2))
    view = view.clone()
    view[..., top : top + side, left : left + side] = float(random.uniform(0, 255))
    return view


# How often a batch meets each, how much of it then, and what happens to that part.
STEPS: tuple[tuple[float, float, Callable[[Tensor, np.random.Generator], Tensor]], ...] = (
    (0.4, 0.5, _darkened),
    (0.2, 0.4, _moved),
    (0.2, 0.4, _blurred),
    (0.3, 0.5, _far),
    (0.25, 0.5, _noisy),
    (0.25, 0.25, _compressed),
    (0.3, 0.5, _hidden),
    (0.5, 0.4, webcam),
)


def face_views(crops: Tensor, size: int, random: np.random.Generator, degrade: float = 1.0) -> tuple[Tensor, Tensor]:
    """Jittered alignment, mirror, mask and glasses, light, colour, motion, focus, resolution, noise, JPEG, a covered
    patch, a cheap camera.

    `degrade` 0..1 scales how often views lose resolution, get noise or a covered patch: a short run learns
    more from clean views.  Returns views [B,3,size,size] in 0..255 and a bool mask [B] of mirrored views.
    """
    batch, device = len(crops), crops.device
    crops = worn(crops, random, 0.12 * degrade)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(random.uniform(low, high, (batch, *shape)).astype(np.float32)).to(device)

    flipped = uniform(0, 1) < 0.5
    # As far as our own detector's alignment strays from the labels' on photographs (docs/LOG.md).
    angle, scale = uniform(-0.16, 0.16), (112 / 128) * torch.exp(uniform(-0.07, 0.07))
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    mirror = torch.where(flipped, -1.0, 1.0)
    shift = uniform(-0.04, 0.04, 2)
    theta = torch.stack(
        [torch.stack([cos * mirror, -sin, shift[:, 0]], 1), torch.stack([sin * mirror, cos, shift[:, 1]], 1)], 1
    )
    grid = F.affine_grid(theta, [batch, 3, size, size], align_corners=False)
    view = F.grid_sample(crops, grid, mode="bilinear", padding_mode="border", align_corners=False)

    gain, offset = torch.exp(uniform(-0.35, 0.35, 1, 1, 1)), uniform(-25, 25, 1, 1, 1)
    tint = torch.exp(uniform(-0.08, 0.08, 3, 1, 1))
    grey = view.mean(1, keepdim=True)
    saturation = torch.where(uniform(0, 1, 1, 1, 1) < 0.1, torch.zeros(1, device=device), uniform(0.6, 1.3, 1, 1, 1))
    view = (grey + (view - grey) * saturation) * gain * tint + offset

    for chance, share, change in STEPS:
        if random.random() < chance * degrade:
            part = torch.from_numpy(random.random(batch) < share).to(device)
            if part.any():
                view = view.clone()
                view[part] = change(view[part], random)
    return view.clamp(0, 255), flipped
