"""A network of every operation that the catalogue's files have: as an `.espdl` file, and what it should answer."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from tests.vision.embedders.espdl_files import Op, Stored, conv_filter, write_espdl

SIDE, DIM = 32, 24
_LINEAR = {"activation": "Linear", "dilations": (1, 1)}


def _ints(random: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    return random.integers(-90, 90, shape, dtype=np.int8)


class Small:
    """20 channels (not a multiple of 16), a depthwise layer, a sum, a concatenation, a flattened map."""

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        self.first, self.depth, self.last = (
            _ints(random, 20, 3, 3, 3),
            _ints(random, 20, 1, 3, 3),
            _ints(random, 8, 40, 1, 1),
        )
        self.slope, self.full = _ints(random, 20), _ints(random, DIM, 8 * 16 * 16)
        self.bias, self.end = (random.integers(-4000, 4000, n, dtype=np.int32) for n in (20, DIM))

    def file(self) -> bytes:
        tensors = {
            "w1": conv_filter(self.first, -8, False),
            "b1": Stored(self.bias, (20,), -12),
            "p": Stored(self.slope, (20, 1, 1), -7),
            "w2": conv_filter(self.depth, -6, True),
            "w3": conv_filter(self.last, -9, False),
            "w4": conv_filter(self.full[:, :, None, None], -10, False),
            "b4": Stored(self.end, (DIM,), -13),
        }
        first = {"group": 1, "kernel_shape": (3, 3), "pads": (1, 1, 1, 1), "strides": (2, 2)}
        depth = {"group": 20, "kernel_shape": (3, 3), "pads": (1, 1, 1, 1), "strides": (1, 1)}
        last = {"group": 1, "kernel_shape": (1, 1), "pads": (0, 0, 0, 0), "strides": (1, 1)}
        ops = [
            Op("Conv", ["in", "w1", "b1"], "a", _LINEAR | first),
            Op("PRelu", ["a", "p"], "b"),
            Op("Conv", ["b", "w2"], "c", _LINEAR | depth),
            Op("Add", ["b", "c"], "d"),
            Op("Concat", ["b", "d"], "e", {"axis": 3}),
            Op("Conv", ["e", "w3"], "f", _LINEAR | last),
            Op("Transpose", ["f"], "g", {"perm": (0, 3, 1, 2)}),
            Op("Flatten", ["g"], "h", {"axis": 1}),
            Op("Gemm", ["h", "w4", "b4"], "out", {"activation": "Linear", "transB": 0}),
        ]
        return write_espdl(ops, tensors, "in", "out")

    def answer(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same in PyTorch: [N,3,32,32] → [N,24]."""

        def real(values: NDArray[np.generic], exponent: int) -> torch.Tensor:
            return torch.from_numpy(values.astype(np.float32) * np.float32(2.0**exponent))

        b = F.prelu(
            F.conv2d(torch.from_numpy(x), real(self.first, -8), real(self.bias, -12), 2, 1), real(self.slope, -7)
        )
        d = b + F.conv2d(b, real(self.depth, -6), padding=1, groups=20)
        f = F.conv2d(torch.cat([b, d], 1), real(self.last, -9))
        return (f.flatten(1) @ real(self.full, -10).T + real(self.end, -13)).numpy()
