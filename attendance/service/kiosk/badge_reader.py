"""A badge held before a camera.

In: a picture.  Out: the badge's text, or None.
Does not know: whose badge it is, tablets.
Main choice: OpenCV's QR reader, which is installed anyway.  Trade-off: it misses one code in hundreds at one
size, which the next picture makes up for.
"""

from __future__ import annotations

import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.store.people import credentials

_qr = threading.local()  # OpenCV's detector keeps state while it works


def read_badge(image: NDArray[np.uint8]) -> str | None:
    """Return the text of a badge's QR code in a picture; None if there is none, and for any other code."""
    if not hasattr(_qr, "detector"):
        _qr.detector = cv2.QRCodeDetector()
    # OpenCV misses about one sharp code in a hundred, always the same ones; softened, it reads those.
    for picture in (image, cv2.GaussianBlur(image, (3, 3), 0)):
        try:
            text, _, _ = _qr.detector.detectAndDecode(picture)
        except cv2.error:  # some shapes of noise make it fail
            continue
        if credentials.is_badge(text):
            return str(text.strip())
    return None
