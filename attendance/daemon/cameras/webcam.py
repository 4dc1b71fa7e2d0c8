"""A webcam, by OpenCV.

In: its number or device.  Out: BGR pictures.
Does not know: addresses, files, threads.
Main choice: OpenCV and not FFmpeg, because it finds the cameras of this computer by their number and chooses a
format that each can send.
"""

from __future__ import annotations

import os

# Both must be set before OpenCV's backends are loaded: a lost camera would otherwise fill the log.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.daemon.cameras.feed import CANNOT_OPEN, Source, SourceLost, checked


class WebcamFeed:
    """A camera of this computer."""

    fps, tells_end, note = 1.0, False, ""  # it is never played, so its rate does not matter

    def __init__(self, source: Source) -> None:
        """Open it.  SourceLost if that fails."""
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            self._capture = cv2.VideoCapture(int(source.target) if source.target.isdigit() else source.target)
        except cv2.error as error:
            raise SourceLost(CANNOT_OPEN) from error
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceLost(CANNOT_OPEN)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where the driver can: the newest picture, not the oldest

    def read(self) -> NDArray[np.uint8] | None:
        try:
            good, picture = self._capture.read()
        except cv2.error:  # some backends raise where others return nothing
            return None
        return checked(picture) if good else None

    def close(self) -> None:
        self._capture.release()
