"""Another project's liveness networks, as a teacher and as a peer to be measured beside.

In: a folder of ONNX graphs named `<scale>_<H>x<W>_….onnx`, a picture, a face's box.  Out: the chance of a live person.
Does not know: where the graphs come from.
Main choice: pictures are cut as the pair's authors cut them (MiniFASNet: the box's shape, moved and shrunk into the
picture, BGR 0..255, class 1 of 3 is live), since another crop would measure another network.
"""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from attendance.domain.faces import Box
from attendance.errors import UserError, first_line

LIVE = 1


class Peer:
    """All graphs of a folder together: the mean of what they answer.  UserError if one cannot be read."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._nets = [_Net(file, threads) for file in sorted(folder.glob("*.onnx"))]
        if not self._nets:
            raise UserError(f"there is no liveness network in {folder}: put the .onnx files of a pair there")

    def chance(self, image: NDArray[np.uint8], box: Box) -> float:
        """Return the chance of a live person, 0..1."""
        return float(np.mean([net.chance(image, box) for net in self._nets]))


class _Net:
    def __init__(self, file: Path, threads: int) -> None:
        match = re.match(r"(\d+(?:\.\d+)?)_.*?(\d+)x(\d+)_", file.name)
        if match is None:
            raise UserError(f"{file.name}: a name such as 2.7_80x80_net.onnx says how to cut; rename it")
        self._scale, self._size = float(match[1]), (int(match[3]), int(match[2]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has its own exception for each way a graph can be wrong
            raise UserError(f"cannot read {file}: {first_line(error)}; export the network again") from error
        self._input = self._session.get_inputs()[0].name

    def chance(self, image: NDArray[np.uint8], box: Box) -> float:
        cut = cv2.resize(_cut(image, box, self._scale), self._size)
        values = np.ascontiguousarray(cut.transpose(2, 0, 1)[None]).astype(np.float32)
        logits = np.asarray(self._session.run(None, {self._input: values})[0], np.float64).reshape(-1)
        odds = np.exp(logits - logits.max())
        return float(odds[LIVE] / odds.sum())


def _cut(image: NDArray[np.uint8], box: Box, scale: float) -> NDArray[np.uint8]:
    """Return the box enlarged by `scale`, moved into the picture, and smaller where the picture is too small."""
    height, width = image.shape[:2]
    scale = min(scale, (height - 1) / box.height, (width - 1) / box.width)
    wide, high = box.width * scale, box.height * scale
    x = min(max((box.x1 + box.x2) / 2 - wide / 2, 0), max(0.0, width - 1 - wide))
    y = min(max((box.y1 + box.y2) / 2 - high / 2, 0), max(0.0, height - 1 - high))
    return image[int(y) : int(y + high) + 1, int(x) : int(x + wide) + 1]
