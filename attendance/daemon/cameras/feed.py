"""What a camera is and what it gives, whichever way its pictures are read.

In: nothing.  Out: `Source`, `Feed` and how a feed ends; `checked`, which every feed's pictures pass.
Does not know: how a picture is read, threads, time, people.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from attendance.errors import Phrase

# What is said of a camera that fails; a page translates it.
CANNOT_OPEN = Phrase("it cannot be opened")
NO_FURTHER = Phrase("it sends no further pictures")
NO_VIDEO = Phrase("it is not a video that can be read")
SMALLEST_SIDE = 16  # px; a smaller picture cannot show a door


class Kind(StrEnum):
    WEBCAM = "webcam"
    STREAM = "stream"
    FILE = "file"
    FOLDER = "folder"


class SourceLost(Exception):
    """The camera does not answer, or not with pictures; the text never holds an address or a password.

    `wait_s`: do not try again sooner.
    """

    def __init__(self, words: Phrase, wait_s: float = 0.0) -> None:
        super().__init__(words)
        self.words, self.wait_s = words, wait_s


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
    `note`: what is unusual about it and worth one line in the log, "" if nothing.
    """

    fps: float
    tells_end: bool
    note: str

    def read(self) -> NDArray[np.uint8] | None:
        """Return the next picture; None for a broken one.  Blocks.

        FeedEnded and SourceLost say that there will be no further pictures.
        """
        ...

    def close(self) -> None: ...


def checked(picture: Any) -> NDArray[np.uint8] | None:
    """Return BGR uint8 [H,W,3], or None if it is not a picture."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        return None
    if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 1):  # an infrared camera
        picture = np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)
    if picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape[:2]) < SMALLEST_SIDE:
        return None
    good: NDArray[np.uint8] = picture
    return good
