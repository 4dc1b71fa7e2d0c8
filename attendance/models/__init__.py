"""The two networks in PyTorch (extra `train`): the product's public API for developers.

The kiosk does not import this: it serves the exported ONNX graphs.
"""

from attendance.models.detector import DetectionModel
from attendance.models.recogniser import RecognitionModel

__all__ = ["DetectionModel", "RecognitionModel"]
