"""A live video over HTTP: asked for once, signed in, given up when it hangs; files and lists are left to the reader."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from attendance.daemon.cameras.feed import Feed, SourceLost
from attendance.daemon.cameras.http_video import is_live
from attendance.daemon.cameras.video import VideoFeed
from attendance.daemon.sources import open_feed, parse_source
from tests.daemon.cameras.dialects import Dialect, Reply, Write, dialect, header
from tests.daemon.cameras.videos import transport_stream

CHALLENGE = 'Digest realm="cam", qop="auth", nonce="n0nce", algorithm=SHA-256'


def opened(server: Dialect, who: str = "", read_s: float = 10) -> Feed:
    return open_feed(parse_source(server.address(who, "/live.ts")), 10, read_s)


def video(head: str, hang: bool = False, signed: bool = False) -> Reply:
    data = transport_stream([(160, 96)], pictures=30)

    def reply(server: Dialect, lines: list[str], write: Write) -> bool:
        if signed and not header(lines, "Authorization").startswith("Digest"):
            write(f"HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: {CHALLENGE}\r\n\r\n".encode())
            return True
        write(f"HTTP/1.1 200 OK\r\n{head.format(length=len(data))}\r\n\r\n".encode())
        for begin in range(0, len(data), 5000):
            piece = data[begin : begin + 5000]
            write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" if "chunked" in head else piece)
        if hang:
            server.gone.wait(30)
        return False

    return reply


def number_of(feed: Feed) -> int:
    """Return how many pictures there are until the camera is lost."""
    assert isinstance(feed, VideoFeed)
    count = 0
    with pytest.raises(SourceLost, match="no further pictures"):
        while True:
            picture = feed.read()
            count += picture is not None and picture.shape == (96, 160, 3)
    feed.close()
    return count


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: video/mp2t",
        "Content-Type: application/octet-stream",
        "Content-Type: video/mp2t\r\nTransfer-Encoding: chunked",
    ],
    ids=["until it hangs up", "a type that says nothing", "chunked"],
)
def test_a_live_video_is_asked_for_once(head: str) -> None:
    with dialect(video(head)) as server:
        assert number_of(opened(server)) >= 20
    assert len(server.heard) == 1


def test_it_signs_in_by_sha_256_which_the_video_reader_cannot() -> None:
    with dialect(video("Content-Type: video/mp2t", signed=True)) as server:
        assert number_of(opened(server, "ann:s3cret@")) >= 20
    assert [bool(header(lines, "Authorization")) for lines in server.heard] == [False, True]


def test_a_live_video_that_hangs_is_lost_within_its_time() -> None:
    with dialect(video("Content-Type: video/mp2t", hang=True)) as server:
        assert number_of(opened(server, read_s=0.5)) >= 20


@pytest.mark.parametrize("after", ["headers", "status", "pictures"])
def test_a_camera_that_drips_is_lost_within_its_time(after: str) -> None:
    """A byte every now and then keeps each single wait short, and would hold the thread for ever."""
    data = transport_stream([(160, 96)], pictures=30)
    begun = {
        "headers": b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n",
        "status": b"HTTP/1.1 200 ",
        "pictures": b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + data[:-4000],
    }[after]

    def drip(server: Dialect, _lines: list[str], write: Write) -> bool:
        write(begun)
        for number in range(300):
            write(data[-4000 + number : -3999 + number])
            if server.gone.wait(0.1):
                break
        return False

    with dialect(drip) as server, pytest.raises(SourceLost):
        feed = open_feed(parse_source(server.address("", "/live.ts")), 1, 1)
        try:
            for _ in range(40):
                feed.read()
        finally:
            feed.close()
    assert len(server.heard) == 1


def test_one_that_sends_nothing_at_all_is_not_asked_again() -> None:
    def silent(server: Dialect, lines: list[str], write: Write) -> bool:
        write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
        server.gone.wait(30)
        return False

    with dialect(silent) as server, pytest.raises(SourceLost, match="cannot be opened"):
        opened(server, read_s=0.3)
    assert len(server.heard) == 1


def test_a_file_is_read_by_the_video_reader_which_can_jump_in_it() -> None:
    with dialect(video("Content-Type: video/mp2t\r\nContent-Length: {length}")) as server:
        assert number_of(opened(server)) >= 20
    assert len(server.heard) >= 2


@pytest.mark.parametrize(
    ("headers", "begun", "live"),
    [
        ({}, b"", True),
        ({"transfer-encoding": "chunked"}, b"G@\x11", True),
        ({"content-length": "900"}, b"", False),
        ({"content-type": "application/vnd.apple.mpegurl"}, b"", False),
        ({"content-type": "text/plain"}, b"#EXTM3U\n", False),
        ({"content-type": "application/dash+xml"}, b"", False),
    ],
)
def test_what_is_read_on(headers: dict[str, str], begun: bytes, live: bool) -> None:
    answer: Any = SimpleNamespace(headers=headers, kind=headers.get("content-type", ""))
    assert is_live(answer, begun) is live
