"""Bytes of a camera → whole JPEG and PNG pictures, whatever lies between them.

In: bytes as they come.  Out: the bytes of each picture, and how many were broken.
Does not know: networks, headers, boundaries, pixels.
Main choice: a picture is found by its own structure and not by the parts of a multipart answer.  Cameras leave out
boundaries, types and lengths or get them wrong, but a JPEG always says where it ends.  Trade-off: one that does not
end spoils the next as well, if its own lengths reach into it.

JPEG: ITU T.81, annex B.  PNG: ISO 15948, chunk layout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_BYTES = 20 << 20  # of one picture
MOST_PIXELS = 50_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_BEGINS = re.compile(rb"\xff\xd8\xff|" + re.escape(_PNG))
# In the entropy-coded data of a JPEG each FF is followed by 00 or by a restart marker; anything else ends it.
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
# The next picture, where a table of this one should be: this one was cut short, and its length reaches into the next.
_NEXT = re.compile(rb"\xff\xd8\xff[\xe0-\xef\xdb\xc0\xc4\xdd\xfe]")
_TEXTS = {*range(0xE0, 0xF0), 0xFE}  # application data and comments, which may hold a picture of their own
_SIZES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the markers that give height and width
_ALONE = {0x01, *range(0xD0, 0xD8)}  # the markers without a length


class _Broken(Exception):
    """This is not a picture; look for the next beginning from the place given."""

    def __init__(self, resume: int) -> None:
        self.resume = resume


@dataclass(slots=True)
class PictureStream:
    """`broken`: pictures that began and did not end as they should, since the last call of `take`."""

    broken: int = 0
    _bytes: bytearray = field(default_factory=bytearray)
    _scan: int = 0  # from where the entropy-coded data of the present picture are still to be searched

    def add(self, data: bytes) -> None:
        self._bytes += data

    def end(self) -> None:
        """Note that the answer is over: what has begun is not finished any more."""
        if _BEGINS.search(self._bytes):
            self.broken += 1
        self._forget(len(self._bytes))

    def take(self) -> bytes | None:
        """Return the next whole picture and drop the bytes before it; None if more bytes are needed."""
        while True:
            begin = _BEGINS.search(self._bytes)
            if begin is None:
                self._forget(max(0, len(self._bytes) - len(_PNG) + 1))
                return None
            is_png = begin.group() == _PNG  # asked before the bytes move
            self._forget(begin.start())
            try:
                end = self._png_end() if is_png else self._jpeg_end()
                if end is None and len(self._bytes) > MOST_BYTES:
                    raise _Broken(2)
            except _Broken as broken:
                self.broken += 1
                self._forget(broken.resume)
                continue
            if end is None:
                return None
            picture = bytes(self._bytes[:end])
            self._forget(end)
            return picture

    def _forget(self, number: int) -> None:
        if number:
            del self._bytes[:number]
            self._scan = 0

    def _jpeg_end(self) -> int | None:
        """Return where the JPEG at the beginning ends, None if it goes on."""
        data, place = self._bytes, self._scan or 2
        if self._scan:
            place = self._after_scan(place)
        while place >= 0 and place + 4 <= len(data):
            if data[place] != 0xFF:
                raise _Broken(2)
            marker = data[place + 1]
            if marker == 0xFF:  # fill bytes
                place += 1
            elif marker in _ALONE:
                place += 2
            elif marker == 0xD9:
                return place + 2
            elif marker == 0xD8:  # the next picture begins inside this one
                raise _Broken(place)
            else:
                length = int.from_bytes(data[place + 2 : place + 4])
                if length < 2:
                    raise _Broken(2)
                if marker in _SIZES and place + 9 <= len(data):
                    _require_pixels(
                        int.from_bytes(data[place + 5 : place + 7]), int.from_bytes(data[place + 7 : place + 9])
                    )
                if marker not in _TEXTS and (other := _NEXT.search(data, place + 4, place + 2 + length)):
                    raise _Broken(other.start())
                place += 2 + length
                if marker == 0xDA:
                    place = self._after_scan(place)
        if place >= 2 and data[place : place + 2] == b"\xff\xd9":  # the last two bytes that have come
            return place + 2
        return None

    def _after_scan(self, place: int) -> int:
        """Return where the marker after the entropy-coded data is, -1 if it has not come yet."""
        found = _MARKER.search(self._bytes, place)
        if found is None:
            self._scan = max(place, len(self._bytes) - 1)
            return -1
        self._scan = found.start()
        return found.end() - 2

    def _png_end(self) -> int | None:
        """Return where the PNG at the beginning ends, None if it goes on."""
        data, place = self._bytes, len(_PNG)
        while place + 12 <= len(data):
            length, kind = int.from_bytes(data[place : place + 4]), bytes(data[place + 4 : place + 8])
            if not kind.isalpha() or length > MOST_BYTES:
                raise _Broken(2)
            if kind == b"IHDR" and place + 16 <= len(data):
                _require_pixels(
                    int.from_bytes(data[place + 12 : place + 16]), int.from_bytes(data[place + 8 : place + 12])
                )
            place += 12 + length
            if kind == b"IEND":
                return place if place <= len(data) else None
        return None


def _require_pixels(height: int, width: int) -> None:
    """Refuse a size from which unfolding would take the memory of this computer."""
    if height * width > MOST_PIXELS:
        raise _Broken(2)
