"""Pictures over HTTP: MJPEG in all its dialects, snapshots, and cameras that close after each picture.

In: an `http(s)://` address.  Out: BGR pictures, the newest that has come.
Does not know: threads, H.264 and other videos over HTTP (`video` reads those).
Main choice: an answer is a source of pictures if it says so or if its first bytes are a picture; whatever ends is
asked for again.  A stream and a snapshot therefore need no setting.  Trade-off: a camera whose stream is cut
off after a few pictures looks like one that closes after each.
"""

from __future__ import annotations

import http.client
import logging
from http import HTTPStatus
from time import monotonic, sleep

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.daemon.cameras.feed import CANNOT_OPEN, NO_FURTHER, Source, SourceLost, checked
from attendance.daemon.cameras.http_reply import Answer, Asked
from attendance.daemon.cameras.http_video import HttpVideo, is_live
from attendance.daemon.cameras.picture_stream import PictureStream
from attendance.daemon.refusals import refusal_for
from attendance.errors import Phrase

log = logging.getLogger(__name__)

# A camera that sends one picture an answer is asked so often at most.
POLL_S = 0.2
# A camera that makes its snapshot anew only now and then sends the same file meanwhile, which says nothing new.  It is
# given out all the same after so long, so that a camera that is frozen is called frozen and not lost.
_SAME_FOR_S = 2.0
# So many pictures in one answer are a stream; when that ends, the camera is lost.
A_STREAM = 10
POLLED = "it sends one picture an answer and is asked again for each, five times a second at most"
_SNIFFED = 4096
# Decoding begins once nothing more is waiting, or after so many bytes: a fast camera never pauses.
_MOST_AHEAD = 8 << 20


class HttpPictures:
    """An open source of single pictures."""

    fps, tells_end = 1.0, True

    def __init__(self, asked: Asked, answer: Answer, begun: bytes, read_timeout_s: float) -> None:
        """Take over an answer whose first bytes, `begun`, have been read."""
        self.note = ""
        self._asked, self._answer, self._read_s = asked, answer, read_timeout_s
        self._stream, self._here = PictureStream(), 0  # how many pictures this answer had so far
        self._newest: bytes | None = None
        self._stream.add(begun)
        self._asked_at = monotonic()
        self._given, self._given_at = b"", 0.0

    def read(self) -> NDArray[np.uint8] | None:
        deadline = monotonic() + self._read_s
        while monotonic() < deadline:
            self._newest = self._newest or self._newest_of_what_came()
            if self._stream.broken:  # told first, so that they are counted
                self._stream.broken -= 1
                return None
            if self._newest is not None:
                newest, self._newest = self._newest, None
                if self._is_same(newest):
                    continue
                return checked(cv2.imdecode(np.frombuffer(newest, np.uint8), cv2.IMREAD_COLOR))
            if self._answer.ended:
                self._stream.end()
                if not self._again():
                    return None
            else:
                self._add_more()
        return None

    def close(self) -> None:
        self._asked.close()

    def _is_same(self, picture: bytes) -> bool:
        """Return whether this file was given out a moment ago, by a camera that is asked for each picture."""
        if not self.note:  # a stream says by itself that a picture is new
            return False
        now = monotonic()
        if picture == self._given and now - self._given_at < _SAME_FOR_S:
            return True
        self._given, self._given_at = picture, now
        return False

    def _newest_of_what_came(self) -> bytes | None:
        """Return the newest whole picture of what has come; those before it are gone."""
        newest, ahead = self._stream.take(), 0
        self._here += newest is not None
        while newest is not None and self._answer.waiting and ahead < _MOST_AHEAD:
            ahead += self._add_more()
            while (later := self._stream.take()) is not None:
                newest = later
                self._here += 1
        return newest

    def _add_more(self) -> int:
        self._answer.within(self._read_s)
        try:
            data = self._answer.more()
        except (OSError, http.client.HTTPException) as error:
            raise SourceLost(NO_FURTHER) from error
        self._stream.add(data)
        return len(data)

    def _again(self) -> bool:
        """Ask for the next picture.  False if this answer had none: the camera is not pressed."""
        if self._here >= A_STREAM:
            raise SourceLost(NO_FURTHER)
        had_one, self._here = self._here > 0, 0
        sleep(max(0.0, self._asked_at + POLL_S - monotonic()))
        self._asked_at = monotonic()
        try:
            self._answer = self._asked.ask()
        except (OSError, http.client.HTTPException) as error:
            raise SourceLost(NO_FURTHER) from error
        require_pictures(self._answer, self._asked.signed_in)
        self.note = POLLED
        return had_one


def open_http(source: Source, open_timeout_s: float, read_timeout_s: float) -> HttpPictures | HttpVideo | None:
    """Ask the camera; None for a video with an end.  SourceLost if it does not answer or refuses."""
    asked = None
    try:
        asked = Asked(source.target, open_timeout_s, read_timeout_s)
        answer = asked.ask()
        require_pictures(answer, asked.signed_in)
        answer.within(open_timeout_s)
        begun = b"" if _says_pictures(answer.kind) else _first_bytes(answer)
        if _says_pictures(answer.kind) or _looks_like_pictures(begun):
            feed = HttpPictures(asked, answer, begun, read_timeout_s)
            asked = None
            return feed
        if is_live(answer, begun):
            video = HttpVideo(asked, answer, begun)
            asked = None
            return video
    except (OSError, http.client.HTTPException, ValueError):
        raise SourceLost(CANNOT_OPEN) from None  # their texts may hold the address
    finally:
        if asked is not None:
            asked.close()
    return None


def require_pictures(answer: Answer, signed_in: bool) -> None:
    """Raise SourceLost, with what to do, for an answer that is a refusal."""
    refusal = refusal_for(answer.status, answer.kind, signed_in)
    if refusal is not None:
        raise SourceLost(refusal.words, refusal.wait_s)
    if answer.status != HTTPStatus.OK:
        raise SourceLost(
            Phrase("the camera answers with %(status)s instead of pictures: check its address", status=answer.status)
        )


def _says_pictures(kind: str) -> bool:
    return kind.startswith(("multipart/", "image/", "video/x-motion-jpeg", "video/x-jpeg", "video/mjpeg"))


def _first_bytes(answer: Answer) -> bytes:
    """Return enough to tell pictures from a video; nothing of what calls itself a video."""
    if answer.kind.startswith(("video/", "audio/")) or "mpegurl" in answer.kind:
        return b""
    begun = b""
    while len(begun) < _SNIFFED and not answer.ended and not _looks_like_pictures(begun):
        begun += answer.more()
    return begun


def _looks_like_pictures(begun: bytes) -> bool:
    head = begun[:_SNIFFED]
    return head.lstrip().startswith(b"--") or b"\xff\xd8\xff" in head or b"\x89PNG\r\n\x1a\n" in head
