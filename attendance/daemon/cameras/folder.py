"""The pictures of a folder, in the order of their names.

In: a folder.  Out: BGR pictures.
Does not know: who is on them; several pictures of one person in a row are looks at that person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attendance.daemon.cameras.feed import FeedEnded, SourceLost, checked
from attendance.errors import Phrase
from attendance.service.enrolment.pictures import FORMATS, EnrolRefused, decode_image

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
FOLDER_FPS = 5.0  # slow enough that each picture is looked at

assert len(FORMATS) == 4  # PICTURES are their suffixes


class FolderFeed:
    """Numbers in names are counted as numbers."""

    fps = FOLDER_FPS
    tells_end = True
    note = "several pictures of one person in a row must agree; with one picture of each, nobody is let in"

    def __init__(self, folder: Path) -> None:
        """List the folder.  SourceLost if that fails."""
        try:
            self._left = iter(sorted(pictures_in(folder), key=_by_number))
        except OSError as error:
            raise SourceLost(Phrase("the folder cannot be read: %(why)s", why=error.strerror)) from error

    def read(self) -> NDArray[np.uint8] | None:
        path = next(self._left, None)
        if path is None:
            raise FeedEnded
        try:
            return checked(decode_image(path.read_bytes()))
        except (OSError, EnrolRefused):
            return None

    def close(self) -> None:
        """Do nothing: no file is held open."""


def pictures_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that are pictures by their names."""
    return (path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith("."))


def _by_number(path: Path) -> tuple[tuple[int, str], ...]:
    parts = re.split(r"(\d+)", path.name)
    return tuple((int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts)
