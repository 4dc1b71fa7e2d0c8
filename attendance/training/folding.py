"""Normalisation layers folded into their convolutions, so that a training step costs less.

In: a network of convolutions each followed by a BatchNorm2d, as torchvision builds them.  Out: the same network; it
computes what it does in evaluation mode, and every parameter keeps its name.
Does not know: faces, losses.
Main choice: the statistics are fixed, and each step multiplies the scale into the *weights* again.  Weights and scales
stay separate parameters, so a rate means what it meant before, and a saved file loads into the plain network.
Trade-off: one multiplication of 4 million numbers a step.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from attendance.training import depthwise


class FoldedConv(nn.Conv2d):
    """A convolution that multiplies the scale of its norm into its weights."""

    norm: tuple[nn.BatchNorm2d]  # in a tuple, so that it is not a child: its numbers keep their names

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's own name)
        norm = self.norm[0]
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        weight, bias = self.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
        if self.groups == self.in_channels == self.out_channels > 1 and depthwise.serves(input, weight):
            fast: Tensor = depthwise.Depthwise.apply(input, weight, bias, self.stride[0], int(self.padding[0]))
            return fast
        made: Tensor = self._conv_forward(input, weight, bias)
        return made


class FoldedNorm(nn.BatchNorm2d):
    """A norm that does nothing, since its convolution does its work."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return input


def fold(net: nn.Module) -> nn.Module:
    """Fold every BatchNorm2d that follows a convolution in a Sequential; return `net`, changed.

    The state dict keeps its names and numbers.  In-place activations are switched off: with gradients they would copy.
    """
    for module in net.modules():
        if isinstance(module, nn.SiLU):
            module.inplace = False
        if not isinstance(module, nn.Sequential):
            continue
        children = list(module)
        for conv, norm in pairwise(children):
            if type(conv) is nn.Conv2d and type(norm) is nn.BatchNorm2d and conv.bias is None:
                conv.__class__, norm.__class__ = FoldedConv, FoldedNorm
                object.__setattr__(conv, "norm", (norm,))
    return net
