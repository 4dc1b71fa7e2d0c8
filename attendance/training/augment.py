"""Random views of aligned face crops, as a door camera would see them.

In: RGB crops [B,3,128,128] 0..255 with a rim, and a numpy generator.  Out: views [B,3,S,S] and which
of them are mirrored.
Does not know: labels.  Everything is batched in PyTorch, so that the same code runs on a GPU.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def face_views(crops: Tensor, size: int, random: np.random.Generator, degrade: float = 1.0) -> tuple[Tensor, Tensor]:
    """Jittered alignment, mirror, light, colour, resolution, noise and occlusion.

    `degrade` 0..1 scales how often views lose resolution, get noise or a covered patch: a short run learns
    more from clean views.  Returns views [B,3,size,size] in 0..255 and a bool mask [B] of mirrored views.
    """
    batch, device = len(crops), crops.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(random.uniform(low, high, (batch, *shape)).astype(np.float32)).to(device)

    flipped = uniform(0, 1) < 0.5
    angle, scale = uniform(-0.12, 0.12), (112 / 128) * torch.exp(uniform(-0.07, 0.07))
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    mirror = torch.where(flipped, -1.0, 1.0)
    shift = uniform(-0.035, 0.035, 2)
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

    if random.random() < 0.3 * degrade:  # a small face: down and up again, one size for a part of the batch
        part = torch.from_numpy(random.random(batch) < 0.5).to(device)
        low = int(random.integers(24, max(25, size * 3 // 4)))
        small = F.interpolate(view[part], (low, low), mode="bilinear", antialias=True, align_corners=False)
        view = view.clone()
        view[part] = F.interpolate(small, (size, size), mode="bilinear", align_corners=False)
    if random.random() < 0.25 * degrade:
        view = view + torch.from_numpy(
            random.normal(0, random.uniform(2, 12), tuple(view.shape)).astype(np.float32)
        ).to(device)
    if random.random() < 0.3 * degrade:  # a hand, a scarf, a frame's edge
        hidden = torch.from_numpy(random.random(batch) < 0.5).to(device)
        side = int(size * random.uniform(0.1, 0.35))
        top, left = (int(random.integers(0, size - side)) for _ in range(2))
        view = view.clone()
        view[hidden, :, top : top + side, left : left + side] = float(random.uniform(0, 255))
    return view.clamp(0, 255), flipped
