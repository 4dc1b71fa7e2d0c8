"""Videos and streams whose pictures change their size, are turned, or are broken."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from attendance.daemon.cameras.feed import FeedEnded, Kind, Source, SourceLost
from attendance.daemon.cameras.video import VideoFeed
from attendance.daemon.sources import parse_source
from tests.daemon.cameras.videos import transport_stream
from tests.factories import make_image

SIZES = [(160, 96), (96, 160), (64, 48)]


@contextmanager
def sending(data: bytes, stay: threading.Event | None = None) -> Iterator[Source]:
    """A camera on 127.0.0.1 that sends this to the first who connects; `stay`: it hangs up only then."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(data)
            if stay is not None:
                stay.wait(30)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        yield Source(Kind.STREAM, address, address)
    finally:
        if stay is not None:
            stay.set()
        server.close()
        thread.join(5)


def pictures_of(feed: VideoFeed) -> list[np.ndarray]:
    seen = []
    try:
        while True:
            picture = feed.read()
            if picture is not None:
                seen.append(picture)
    except (FeedEnded, SourceLost):
        feed.close()
    return seen


def red_share(picture: np.ndarray) -> float:
    """Of the picture that is red: a quarter, however the picture is shaped."""
    return float(((picture[:, :, 2].astype(int) - picture[:, :, 0]) > 80).mean())


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_stream_that_changes_its_size_is_never_squeezed(codec: str) -> None:
    with sending(transport_stream(SIZES, codec=codec)) as source:
        pictures = pictures_of(VideoFeed(source, 20, 20))
    sizes = [picture.shape[1::-1] for picture in pictures]

    assert list(dict.fromkeys(sizes)) == SIZES
    assert all(sizes.count(size) >= 3 for size in SIZES)
    assert all(red_share(picture) == pytest.approx(0.25, abs=0.06) for picture in pictures)


def test_a_stream_that_sends_nothing_more_is_lost_within_its_time() -> None:
    stay = threading.Event()
    with sending(transport_stream([(160, 96)], pictures=30), stay) as source:
        feed = VideoFeed(source, 20, 0.3)
        with pytest.raises(SourceLost, match="no further pictures"):
            while True:
                feed.read()
        assert not stay.is_set()  # it was given up, and not hung up on
        feed.close()


def video_file(path: Path, rotation: int = 0, shape: tuple[int, int] | None = None) -> Path:
    """`rotation`: degrees to the left that a player turns it; `shape`: of a pixel, width to height."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        if shape:
            stream.codec_context.sample_aspect_ratio = Fraction(*shape)
        for _ in range(3):
            picture = make_image((128, 128, 128), 160, 96)
            picture[:48, :80] = (0, 0, 255)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("turned", "size", "corner"),
    [
        (0, (160, 96), "top left"),
        (90, (96, 160), "bottom left"),
        (180, (160, 96), "bottom right"),
        (-90, (96, 160), "top right"),
    ],
)
def test_a_video_that_says_how_it_is_turned_is_shown_upright(
    tmp_path: Path, turned: int, size: tuple[int, int], corner: str
) -> None:
    picture = pictures_of(VideoFeed(parse_source(str(video_file(tmp_path / "a.mp4", rotation=turned))), 5, 5))[0]
    rows = "top" if picture[: size[1] // 4, :, 2].max() > 200 else "bottom"
    columns = "left" if picture[:, : size[0] // 4, 2].max() > 200 else "right"

    assert picture.shape[1::-1] == size
    assert f"{rows} {columns}" == corner


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    picture = pictures_of(VideoFeed(parse_source(str(video_file(tmp_path / "a.mp4", shape=(2, 1)))), 5, 5))[0]

    assert picture.shape == (96, 320, 3)


def test_a_stream_without_pictures_is_named() -> None:
    part = io.BytesIO()
    with av.open(part, "w", format="wav") as container:
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(sound.encode(frame))
    with sending(part.getvalue()) as source, pytest.raises(SourceLost, match="it sends no pictures"):
        VideoFeed(source, 10, 10)


def test_packets_that_were_lost_leave_out_pictures_and_not_the_stream() -> None:
    data = bytearray(transport_stream([(160, 96)], pictures=60))
    packets = [data[begin : begin + 188] for begin in range(0, len(data), 188)]
    kept = [packet for number, packet in enumerate(packets) if number < 20 or number % 13]
    with sending(b"".join(kept)) as source:
        pictures = pictures_of(VideoFeed(source, 20, 20))

    assert 10 <= len(pictures) < 60
    assert all(picture.shape == (96, 160, 3) for picture in pictures)
