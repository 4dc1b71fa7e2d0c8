"""The live window of `DetectionModel.live_test`.

In: a function that detects faces, and a webcam's number.  Out: a window until q or Esc.
Does not know: networks, people, doors, databases.  It needs opencv-python (extra `gui`) and a display.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.console import has_display
from attendance.errors import UserError
from attendance.models.drawing import draw_faces
from attendance.vision.boxes import Detections

TITLE = "attendance live (q ends)"


def show(detect: Callable[[NDArray[np.uint8]], Detections], camera: int) -> None:
    """Show the webcam with boxes and the inference time; raise UserError if it cannot be shown."""
    if not has_display():
        raise UserError(
            "there is no display to open a window on; on a server, watch the log page of the admin site instead"
        )
    capture = cv2.VideoCapture(camera)
    if not capture.isOpened():
        raise UserError(f"webcam {camera} does not open: is it plugged in, and is another program using it?")
    try:
        while True:
            ok, frame = capture.read()
            if not ok:
                raise UserError(f"webcam {camera} stopped sending pictures")
            image = frame.astype(np.uint8, copy=False)
            begun = time.perf_counter()
            faces = detect(image)
            milliseconds = (time.perf_counter() - begun) * 1000
            cv2.imshow(TITLE, draw_faces(image.copy(), faces, milliseconds))
            if cv2.waitKey(1) & 0xFF in (ord("q"), 27):
                return
    except cv2.error as error:
        raise UserError(
            'this OpenCV cannot open windows: pip install "attendance[gui]" (opencv-python instead of -headless)'
        ) from error
    finally:
        capture.release()
