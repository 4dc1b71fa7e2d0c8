"""The two networks in PyTorch (extra `train`): the product's public API for developers.

Doors and kiosks do not import it: they serve the exported ONNX graphs.
"""

from attendance.models.detector import DetectionModel
from attendance.models.recogniser import RecognitionModel

__all__ = ["DetectionModel", "RecognitionModel"]
