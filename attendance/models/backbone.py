"""The EfficientNet-B0 trunk that both networks share.

In: float32 RGB 0..255, [N,3,H,W].  Out: feature maps at strides 4, 8, 16 and 32.
Does not know: faces.
Main choice: the network normalises its own input, so that no caller can get it wrong.
Trade-off: one multiplication an image.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models import efficientnet_b0

C4, C8, C16, C32, C_LAST = 24, 40, 112, 320, 1280

_MEAN = (0.485, 0.456, 0.406)  # ImageNet's, as torchvision's EfficientNet expects
_STD = (0.229, 0.224, 0.225)


class Backbone(nn.Module):
    """torchvision's EfficientNet-B0 without its classifier (Tan & Le, 2019).

    `last_conv` keeps the 1×1 convolution to 1,280 channels, which a detector does not need.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, last_conv: bool, drop_path: float = 0.0) -> None:
        super().__init__()
        features = efficientnet_b0(weights=None, stochastic_depth_prob=drop_path).features
        self.features = features if last_conv else features[:8]
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Map [N,3,H,W] RGB 0..255 to features at strides 4, 8, 16, 32 of 24, 40, 112, 320 (or 1,280) channels."""
        x = (image - self.mean) / self.std
        taps = []
        for index, stage in enumerate(self.features):
            x = stage(x)
            if index in (2, 3, 5):
                taps.append(x)
        return taps[0], taps[1], taps[2], x
