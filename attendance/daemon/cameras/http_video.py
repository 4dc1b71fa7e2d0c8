"""A live video over HTTP as a file that is read on, so that the camera is not asked a second time.

In: an answer whose first bytes may have been read.  Out: bytes in their order.
Does not know: what is in them (`video` decodes it).
Main choice: only an answer without an end is read on.  A file of known length may have to be read from its end, and a
list of pieces names other addresses: the video reader asks for those itself.
"""

from __future__ import annotations

import http.client

from attendance.daemon.cameras.http_reply import Answer, Asked

_LISTS = ("mpegurl", "dash+xml", "application/sdp")


def is_live(answer: Answer, begun: bytes) -> bool:
    """Return whether this answer is a video that goes on, from its headers and its first bytes."""
    is_list = any(word in answer.kind for word in _LISTS) or begun.lstrip().startswith((b"#EXTM3U", b"<?xml", b"<MPD"))
    return "content-length" not in answer.headers and not is_list


class HttpVideo:
    """What the video reader reads from.  `hung`: the camera sent nothing in time."""

    def __init__(self, asked: Asked, answer: Answer, begun: bytes) -> None:
        self._asked, self._answer, self._left = asked, answer, begun
        self.hung = False

    def read(self, most: int) -> bytes:
        """Return at least one and at most `most` bytes, b"" at the end.  OSError if nothing comes in time."""
        if not self._left:
            try:
                self._left = self._answer.more()
            except http.client.HTTPException as error:
                raise OSError("the answer is broken off") from error
            except TimeoutError:
                self.hung = True
                raise
        given, self._left = self._left[:most], self._left[most:]
        return given

    def within(self, seconds: float) -> None:
        """Give what is read from now on so many seconds in all: a camera that drips is lost as one that is silent."""
        self._answer.within(seconds)

    def close(self) -> None:
        self._asked.close()
