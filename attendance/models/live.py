"""The live picture of `DetectionModel.live_test`.

In: a function that detects faces, and a webcam's number, or a video's path or address.  Out: a window until q or Esc;
without a display, or without an OpenCV that opens windows, a page for a browser on this computer until Ctrl-C.
Does not know: networks, people, doors, databases.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.console import has_display, say
from attendance.errors import UserError
from attendance.models.drawing import draw_faces
from attendance.models.live_page import HOST, LivePage
from attendance.vision.boxes import Detections

TITLE = "attendance live (q ends)"
Image = NDArray[np.uint8]


def show(detect: Callable[[Image], Detections], camera: int | str, port: int = 0) -> None:
    """Show the camera's picture with boxes and the inference time.

    `port`: of the page, if there is one; 0 takes a free port.  Raises UserError if the camera does not open or stops,
    or if the port is in use.
    """
    with closing(_pictures(detect, camera)) as pictures:
        first = next(pictures)
        if not (has_display() and _window(first, pictures)):
            _page(pictures, port)


def _pictures(detect: Callable[[Image], Detections], camera: int | str) -> Generator[Image]:
    """Yield pictures with the faces drawn on them; raise UserError if there are no more."""
    capture = cv2.VideoCapture(camera)
    try:
        if not capture.isOpened():
            raise UserError(f"camera {camera} does not open: is it plugged in, and is another program using it?")
        while True:
            ok, frame = capture.read()
            if not ok:
                raise UserError(f"camera {camera} stopped sending pictures")
            image = frame.astype(np.uint8, copy=False)
            begun = time.perf_counter()
            faces = detect(image)
            yield draw_faces(image.copy(), faces, (time.perf_counter() - begun) * 1000)
    finally:
        capture.release()


def _window(first: Image, pictures: Iterator[Image]) -> bool:
    """Show the pictures in a window until q or Esc; return False if this OpenCV cannot open windows."""
    try:
        cv2.imshow(TITLE, first)
    except cv2.error:
        say('this OpenCV cannot open windows (pip install "attendance[gui]" for one that can)')
        return False
    for picture in pictures:
        if cv2.waitKey(1) & 0xFF in (ord("q"), 27):
            break
        cv2.imshow(TITLE, picture)
    return True


def _page(pictures: Iterator[Image], port: int) -> None:
    """Show the pictures on a page until Ctrl-C."""
    try:
        page = LivePage(port)
    except OSError as error:
        raise UserError(f"port {port} of {HOST} cannot be used: {error.strerror}; choose another") from error
    with page:
        say(f"open {page.url} in a browser on this computer; Ctrl-C ends")
        try:
            for picture in pictures:
                ok, jpeg = cv2.imencode(".jpg", picture)
                if ok:
                    page.show(jpeg.tobytes())
        except KeyboardInterrupt:
            say("ended")
