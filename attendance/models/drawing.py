"""Detections drawn on a picture.

In: a BGR image and its `Detections`.  Out: the image with boxes, points and scores.
Does not know: networks, windows.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.vision.boxes import Detections


def draw_faces(image: NDArray[np.uint8], faces: Detections, milliseconds: float | None = None) -> NDArray[np.uint8]:
    """Draw boxes, points and scores on a BGR image in place, and the inference time if given; return the image."""
    thick = max(1, round(max(image.shape[:2]) / 400))
    for box, score, points in zip(faces.boxes, faces.scores, faces.landmarks, strict=True):
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        cv2.rectangle(image, (x1, y1), (x2, y2), (80, 200, 80), thick)
        for x, y in points:
            cv2.circle(image, (round(float(x)), round(float(y))), thick + 1, (0, 200, 255), -1)
        cv2.putText(image, f"{score:.2f}", (x1, max(12, y1 - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (80, 200, 80), thick)
    if milliseconds is not None:
        cv2.putText(image, f"{milliseconds:.0f} ms", (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    return image
