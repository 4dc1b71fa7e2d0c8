"""The live window of `DetectionModel.live_test`.

In: a detector and a webcam's number.  Out: a window until q or Esc.
Does not know: people, doors, databases.  It needs opencv-python (extra `gui`) and a display.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np

from attendance.errors import UserError

if TYPE_CHECKING:
    from attendance.models.detector import DetectionModel

TITLE = "attendance live (q ends)"


def show(model: DetectionModel, conf_thresh: float, camera: int) -> None:
    """Show the webcam with boxes and inference time; UserError where it cannot be shown."""
    from attendance.models.detector import draw, timed_detect

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError("there is no display here for the live window: run it on a computer with a screen")
    capture = cv2.VideoCapture(camera)
    if not capture.isOpened():
        raise UserError(f"webcam {camera} does not open: is it plugged in, and not in use by another program?")
    try:
        while True:
            ok, frame = capture.read()
            if not ok:
                raise UserError(f"webcam {camera} stopped giving pictures")
            image = frame.astype(np.uint8, copy=False)
            faces, milliseconds = timed_detect(model, image, conf_thresh)
            cv2.imshow(TITLE, draw(image.copy(), faces, milliseconds))
            if cv2.waitKey(1) & 0xFF in (ord("q"), 27):
                return
    except cv2.error as error:
        raise UserError(
            'this OpenCV has no windows: pip install "attendance[gui]" (opencv-python instead of -headless)'
        ) from error
    finally:
        capture.release()
