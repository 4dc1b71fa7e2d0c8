"""An analyser on networks that answer what a test wants."""

from __future__ import annotations

import numpy as np

from attendance.vision.quality import QualityLimits
from attendance.vision.weights import Card

# The tiny networks see faces in bright blocks, which no judge of photos would let pass.
ANYTHING = QualityLimits(0, 0, 0, 255, 0, 100, 0, 180, 100, 0)


NET = Card("net", "recogniser", "", 112, {"net.onnx": "0" * 64}, embedding_dim=4)


FINDER = Card("finder", "detector", "", 256, {"finder.onnx": "0" * 64})


UNIT = np.array([[0, 1, 0, 0]], np.float32)
