"""LivenessModel: two crops around a face → how likely it is a living one.

In: RGB 0..255 [N,3,80,128]: the near crop [80,80] and beside it the far one [48,48].  Out: logits.
Does not know: tracks, thresholds.
Main choice: the first six stages of the trunk that the detector has trained already, over both crops, and beside
them the energies of 8×8 blocks by frequency, since halftone, sub-pixels and moiré are frequencies.  Trade-off: the
detector's first stages stay as they are, so the frequencies have to carry what they do not see.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attendance.models import storage
from attendance.models.backbone import C8, C16, Backbone
from attendance.vision.liveness import FAR_PX, NEAR_PX

STAGES = 6  # of the trunk's nine: strides up to 16
FROZEN = 3
BLOCK = 8
HIDDEN = 96


def cosines() -> Tensor:
    """Return the 63 kernels [63,1,8,8] of the discrete cosine transform without the mean."""
    place = torch.arange(BLOCK, dtype=torch.float64) + 0.5
    waves = torch.stack([torch.cos(math.pi * k * place / BLOCK) * math.sqrt(2 / BLOCK) for k in range(BLOCK)])
    waves[0] /= math.sqrt(2)
    kernels = torch.einsum("iy,jx->ijyx", waves, waves).reshape(-1, 1, BLOCK, BLOCK)
    return kernels[1:].float()


class LivenessModel(nn.Module):
    """The network.  live(x) → [N,1] logits, above 0 a living face; `both` adds what a teacher would say."""

    kernels: Tensor

    def __init__(self, weights: str | Path | None = None) -> None:
        super().__init__()
        self.backbone = Backbone(last_conv=False)
        self.backbone.features = self.backbone.features[:STAGES]
        self.register_buffer("kernels", cosines(), persistent=False)
        self.frequencies = nn.Sequential(nn.BatchNorm2d(BLOCK * BLOCK - 1), nn.Conv2d(BLOCK * BLOCK - 1, C8, 1))
        self.hidden = nn.Sequential(nn.Linear(4 * C16, HIDDEN), nn.SiLU(), nn.Dropout(0.2))
        self.live = nn.Linear(HIDDEN, 1)
        self.teacher = nn.Linear(HIDDEN, 1)
        if weights is not None:
            self.load_weights(weights)
            self.eval()

    def _features(self, crop: Tensor) -> Tensor:
        """[N,3,S,S] → [N,224]: mean and largest value of each channel."""
        x = (crop - self.backbone.mean) / self.backbone.std
        energy = F.conv2d(crop.mean(1, keepdim=True), self.kernels, stride=BLOCK).abs().add(1).log()
        for index, stage in enumerate(self.backbone.features):
            x = stage(x)
            if index == 3:
                x = x + self.frequencies(energy)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)

    def both(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits [N,1] of the network and those with which it imitates its teacher."""
        near = image[:, :, :NEAR_PX, :NEAR_PX]
        far = image[:, :, :FAR_PX, NEAR_PX : NEAR_PX + FAR_PX]
        hidden = self.hidden(torch.cat([self._features(near), self._features(far)], 1))
        return self.live(hidden), self.teacher(hidden)

    def forward(self, image: Tensor) -> Tensor:
        return self.both(image)[0]

    def train(self, mode: bool = True) -> LivenessModel:
        """Keep the trunk's statistics as the detector learned them: batches of attacks would move them."""
        super().train(mode)
        self.backbone.eval()
        return self

    def freeze(self) -> None:
        """Leave the first stages as they are: they take half of a step's time."""
        for stage in self.backbone.features[:FROZEN]:
            stage.requires_grad_(False)

    def save_weights(self, path: str | Path) -> None:
        """Write a .safetensors file (fp16 numbers)."""
        storage.save_half(self, Path(path))

    def load_weights(self, path: str | Path) -> None:
        """Load a whole file; raise UserError if something does not fit."""
        storage.load_whole(self, Path(path))

    def load_weights_partial(self, path: str | Path) -> dict[str, list[str]]:
        """Load what fits by name and shape, such as the trunk of a detector."""
        return storage.load_partial(self, Path(path))
