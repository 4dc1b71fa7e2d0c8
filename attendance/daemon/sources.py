"""Kinds of cameras, and how one picture after the other is got from it.

In: the `[camera] source` text.  Out: a `Source` that says what it is; a `Feed` of BGR pictures.
Does not know: threads, time, people; it blocks as long as the backend does.
Main choice: OpenCV's own FFmpeg for everything that moves, because it comes with the base install
and reads RTSP, MJPEG and files alike.  Trade-off: it reports only that a read failed and not why, so the
number of failures in a row tells broken pictures from a lost connection.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

# Both must be set before OpenCV's backends are loaded: a lost camera would otherwise fill the log.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.daemon.refusals import refusal_of
from attendance.errors import UserError, without_secrets
from attendance.service.enrolment.pictures import FORMATS, EnrolRefused, decode_image

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "udp", "tcp")
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
WAYS = "a webcam number, rtsp://…, http://…, a video file or a folder of pictures"
FOLDER_FPS = 5.0  # slow enough that each picture is looked at
USUAL_FPS = 25.0  # of a video file that does not say
SMALLEST_SIDE = 16  # px; a smaller picture cannot show a door

assert len(FORMATS) == 4  # PICTURES are their suffixes


class Kind(StrEnum):
    WEBCAM = "webcam"
    STREAM = "stream"
    FILE = "file"
    FOLDER = "folder"


class SourceLost(Exception):
    """The camera does not answer, or not with pictures; the text never holds an address or a password.

    `wait_s`: do not try again sooner.
    """

    def __init__(self, words: str, wait_s: float = 0.0) -> None:
        super().__init__(words)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Source:
    """`target`: what the backend opens, passwords included; `shown`: what may be logged and stored."""

    kind: Kind
    target: str
    shown: str

    @property
    def finite(self) -> bool:
        """Return whether it ends by itself, without a fault."""
        return self.kind in (Kind.FILE, Kind.FOLDER)


class FeedEnded(Exception):
    """There are no more pictures."""


class Feed(Protocol):
    """An open source.  `fps`: pictures a second that a finite one is played at.

    `tells_end`: it raises FeedEnded after the last picture; others give None from then on.
    """

    fps: float
    tells_end: bool

    def read(self) -> NDArray[np.uint8] | None:
        """Return the next picture; None for a broken one.  Blocks."""
        ...

    def close(self) -> None: ...


def parse_source(text: str) -> Source:
    """Return the source that `text` names; UserError if it names none, or a file or folder that is not there."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return Source(Kind.WEBCAM, str(int(text)), f"webcam {int(text)}")
    if "://" in text:
        scheme = text.partition("://")[0].lower()
        if scheme not in SCHEMES or not text.partition("://")[2].strip("/"):
            raise UserError(f"[camera] source {without_secrets(text)} cannot be watched: give {WAYS}")
        return Source(Kind.STREAM, text, without_secrets(text))
    path = Path(text)
    if text and path.is_char_device():
        return Source(Kind.WEBCAM, text, text)
    if text and path.is_dir():
        if not any(_pictures(path)):
            raise UserError(f"the folder {path} holds no pictures ({', '.join(PICTURES)})")
        return Source(Kind.FOLDER, text, text)
    if text and path.is_file():
        return Source(Kind.FILE, text, text)
    raise UserError(f"[camera] source: there is no file or folder {text or '(empty)'}: give {WAYS}")


def open_feed(source: Source, open_timeout_s: float, read_timeout_s: float) -> Feed:
    """Connect.  SourceLost if that fails; the time-outs are wishes that not every backend grants."""
    if source.kind is Kind.FOLDER:
        return FolderFeed(Path(source.target))
    return VideoFeed(source, open_timeout_s, read_timeout_s)


class VideoFeed:
    """A webcam, a stream or a video file, by OpenCV."""

    tells_end = False

    def __init__(self, source: Source, open_timeout_s: float, read_timeout_s: float) -> None:
        self._capture = _open_capture(source, open_timeout_s, read_timeout_s)
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if math.isfinite(fps) and 1 <= fps <= 240 else USUAL_FPS

    def read(self) -> NDArray[np.uint8] | None:
        try:
            good, picture = self._capture.read()
        except cv2.error:  # some backends raise where others return nothing
            return None
        return _checked(picture) if good else None

    def close(self) -> None:
        self._capture.release()


class FolderFeed:
    """The pictures of a folder in the order of their names, numbers in them counted as numbers."""

    fps = FOLDER_FPS
    tells_end = True

    def __init__(self, folder: Path) -> None:
        try:
            self._left = iter(sorted(_pictures(folder), key=_by_number))
        except OSError as error:
            raise SourceLost(f"the folder cannot be read: {error.strerror}") from error

    def read(self) -> NDArray[np.uint8] | None:
        path = next(self._left, None)
        if path is None:
            raise FeedEnded
        try:
            return _checked(decode_image(path.read_bytes()))
        except (OSError, EnrolRefused):
            return None

    def close(self) -> None:
        """Do nothing: no file is held open."""


def _open_capture(source: Source, open_timeout_s: float, read_timeout_s: float) -> Any:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    begun = monotonic()
    try:
        if source.kind is Kind.WEBCAM:
            capture = cv2.VideoCapture(int(source.target) if source.target.isdigit() else source.target)
        else:
            waits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, open_timeout_s), (cv2.CAP_PROP_READ_TIMEOUT_MSEC, read_timeout_s)
            parameters = [value for name, seconds in waits for value in (name, max(1, round(seconds * 1000)))]
            capture = cv2.VideoCapture(source.target, cv2.CAP_FFMPEG, parameters)
    except cv2.error as error:
        raise SourceLost("it cannot be opened") from error  # OpenCV's own text may hold the address
    if not capture.isOpened():
        capture.release()
        # Within the time of this one attempt: a camera that took all of it to fail is not asked.
        left = open_timeout_s - (monotonic() - begun)
        refusal = refusal_of(source.target, left) if source.kind is Kind.STREAM and left > 0 else None
        if refusal is not None:
            raise SourceLost(refusal.words, refusal.wait_s)
        raise SourceLost("it is not a video that can be read" if source.kind is Kind.FILE else "it cannot be opened")
    if source.kind is Kind.WEBCAM:
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where the driver can: the newest picture, not the oldest
    return capture


def _checked(picture: Any) -> NDArray[np.uint8] | None:
    """Return BGR uint8 [H,W,3], or None if it is not a picture."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        return None
    if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 1):  # an infrared camera
        picture = np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)
    if picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape[:2]) < SMALLEST_SIDE:
        return None
    checked: NDArray[np.uint8] = picture
    return checked


def _pictures(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith("."))


def _by_number(path: Path) -> tuple[tuple[int, str], ...]:
    parts = re.split(r"(\d+)", path.name)
    return tuple((int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts)
