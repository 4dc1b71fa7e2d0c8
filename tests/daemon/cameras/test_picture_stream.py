"""Pictures are found in what a camera sends by their own structure."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.daemon.cameras.picture_stream import MOST_BYTES, PictureStream
from tests.factories import make_image


def jpeg(seed: int = 0, progressive: bool = False, side: int = 64) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive), cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    return cv2.imencode(".jpg", noise, options)[1].tobytes()


def png() -> bytes:
    return cv2.imencode(".png", make_image((1, 2, 3), 32, 32))[1].tobytes()


def with_thumbnail(picture: bytes, thumbnail: bytes) -> bytes:
    """A JPEG with another JPEG in its APP1 segment, as cameras write it."""
    payload = b"Exif\x00\x00" + thumbnail
    return picture[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2) + payload + picture[2:]


def taken(data: bytes, piece: int) -> tuple[list[bytes], int]:
    stream, found = PictureStream(), []
    for begin in range(0, len(data), piece):
        stream.add(data[begin : begin + piece])
        while (picture := stream.take()) is not None:
            found.append(picture)
    stream.end()
    return found, stream.broken


PICTURES = [jpeg(1), png(), jpeg(2, progressive=True), with_thumbnail(jpeg(3), jpeg(4, side=16)), jpeg(5)]


@pytest.mark.parametrize(
    "between", [b"", b"\r\n--frame\r\nContent-Type: image/jpg\r\n\r\n", b"--\r\n\r\n", b"\xff\xd8 no"]
)
@pytest.mark.parametrize("piece", [1, 7, 1460, 1 << 20])
def test_every_whole_picture_is_found_whatever_lies_between_and_however_it_is_cut(between: bytes, piece: int) -> None:
    found, broken = taken(between + between.join(PICTURES) + between, piece)

    assert found == PICTURES
    assert broken == 0


@given(st.integers(min_value=3, max_value=len(PICTURES[0]) - 1), st.integers(min_value=1, max_value=3000))
def test_a_picture_that_is_cut_short_is_never_given_out(cut: int, piece: int) -> None:
    found, broken = taken(PICTURES[0][:cut] + b"\r\n--frame\r\n\r\n" + PICTURES[4] + PICTURES[1], piece)

    assert found[-1] == PICTURES[1]
    assert set(found) <= {PICTURES[4], PICTURES[1]}
    assert broken >= 1


@given(st.binary(max_size=2000), st.integers(min_value=1, max_value=500))
def test_any_bytes_are_borne(data: bytes, piece: int) -> None:
    for picture in taken(data, piece)[0]:
        assert picture in data


def test_a_picture_that_never_ends_is_dropped() -> None:
    stream = PictureStream()
    stream.add(jpeg()[:-2] + bytes(MOST_BYTES))

    assert stream.take() is None
    assert stream.broken == 1


def test_a_picture_that_would_fill_the_memory_is_dropped_unread() -> None:
    huge = bytearray(jpeg())
    place = huge.index(b"\xff\xc0")
    huge[place + 5 : place + 9] = b"\xff\xff\xff\xff"

    assert taken(bytes(huge) + PICTURES[0], 4096) == ([PICTURES[0]], 1)
