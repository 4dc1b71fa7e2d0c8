"""A stream or a video file, decoded packet by packet (PyAV, which is FFmpeg).

In: an address or a file.  Out: BGR pictures, each at its own size and upright.
Does not know: threads, MJPEG and snapshots over HTTP (`http_pictures`), people.
Main choice: packets and not OpenCV's reader, which keeps the first picture's size and squeezes what comes later
into it (docs/decisions/0009).  Trade-off: 100 MB more on the disk.
"""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from attendance.daemon.cameras.feed import (
    CANNOT_OPEN,
    NO_FURTHER,
    NO_VIDEO,
    FeedEnded,
    Kind,
    Source,
    SourceLost,
    checked,
)
from attendance.daemon.cameras.http_video import HttpVideo
from attendance.daemon.refusals import refusal_of
from attendance.errors import Phrase
from attendance.service.cameras.rotation import turned

USUAL_FPS = 25.0  # of a video that does not say
# Pixels that are not square are made so from here on; less bends no face.
_SQUARE = 0.05
# TCP where the camera can, else UDP; sound is not even asked for.
_RTSP = {"rtsp_flags": "prefer_tcp", "allowed_media_types": "video"}


class VideoFeed:
    """`tells_end`: a file raises FeedEnded, a stream SourceLost."""

    tells_end, note = True, ""

    def __init__(
        self, source: Source, open_timeout_s: float, read_timeout_s: float, begun: HttpVideo | None = None
    ) -> None:
        """Connect and find the video in it.  SourceLost if that fails.  `begun`: an answer to read on; closed, too."""
        self._finite, self._begun, self._read_s = source.finite, begun, read_timeout_s
        self._container = _opened(source, open_timeout_s, read_timeout_s, begun)
        videos = self._container.streams.video
        if not videos or videos[0].codec_context is None:  # none at all, or in a form that nobody here can decode
            self._close_all()
            raise SourceLost(NO_VIDEO if source.finite else Phrase("it sends no pictures: check its address"))
        self._stream = videos[0]
        # Threads that share out pictures would hold each back by as many as there are threads.
        self._stream.codec_context.thread_type = "SLICE"
        self.fps = _rate_of(self._stream)
        self._pictures = self._decoded()

    def read(self) -> NDArray[np.uint8] | None:
        if self._begun is not None:
            self._begun.within(self._read_s)
        try:
            return next(self._pictures)
        except StopIteration:
            raise (FeedEnded() if self._finite else SourceLost(NO_FURTHER)) from None

    def close(self) -> None:
        self._pictures.close()
        self._close_all()

    def _close_all(self) -> None:
        self._container.close()
        if self._begun is not None:
            self._begun.close()

    def _decoded(self) -> Generator[NDArray[np.uint8] | None]:
        """Yield each picture, None for a broken one, until the end or until nothing comes in time."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, FFmpegError, OSError):
                return
            try:
                frames = packet.decode()
            except (FFmpegError, ValueError):  # one packet: the next may be whole
                yield None
                continue
            for frame in frames:
                shape = float(self._stream.codec_context.sample_aspect_ratio or 1)
                yield None if frame.is_corrupt else checked(_upright(frame, shape))


def _opened(source: Source, open_timeout_s: float, read_timeout_s: float, answer: HttpVideo | None) -> Any:
    av.logging.set_level(av.logging.PANIC)  # a lost camera would otherwise fill the log
    begun = monotonic()
    options = _RTSP if source.target.lower().startswith("rtsp") else {}
    try:
        if answer is not None:  # it has the time-outs
            answer.within(open_timeout_s)
            return av.open(answer, mode="r")
        return av.open(source.target, options=options, timeout=(open_timeout_s, read_timeout_s))
    except (FFmpegError, OSError, ValueError):
        if answer is not None:
            answer.close()
            raise SourceLost(CANNOT_OPEN) from None
        # Within the time of this one attempt: a camera that took all of it to fail is not asked.
        left = open_timeout_s - (monotonic() - begun)
        refusal = refusal_of(source.target, left) if source.kind is Kind.STREAM and left > 0 else None
        if refusal is not None:
            raise SourceLost(refusal.words, refusal.wait_s) from None  # FFmpeg's own text holds the address
        raise SourceLost(NO_VIDEO if source.finite else CANNOT_OPEN) from None


def _upright(frame: Any, shape: float) -> NDArray[np.uint8]:
    """Return the picture as it is to be seen: its pixels, `shape` times as wide as high, made square, and turned."""
    picture: Any = frame.to_ndarray(format="bgr24")
    if abs(shape - 1) > _SQUARE and 0.2 < shape < 5:
        height, width = picture.shape[:2]
        picture = cv2.resize(picture, (max(1, round(width * shape)), height), interpolation=cv2.INTER_LINEAR)
    return turned(picture, -round(frame.rotation) % 360)  # FFmpeg counts to the left


def _rate_of(stream: Any) -> float:
    rate = float(stream.average_rate or stream.guessed_rate or USUAL_FPS)
    return rate if 1 <= rate <= 240 else USUAL_FPS
