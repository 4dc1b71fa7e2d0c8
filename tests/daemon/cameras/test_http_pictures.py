"""Pictures over HTTP in the dialects that cameras speak, over real sockets."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from attendance.daemon.camera import LiveCamera
from attendance.daemon.cameras import http_pictures
from attendance.daemon.cameras.feed import Feed, SourceLost
from attendance.daemon.cameras.http_pictures import A_STREAM, POLLED, HttpPictures
from attendance.daemon.cameras.http_reply import keeps_secret
from attendance.daemon.sources import open_feed, parse_source
from tests.daemon.cameras.dialects import Dialect, Reply, Write, dialect, header
from tests.daemon.conftest import wait_for

Watch = Callable[..., LiveCamera]


@pytest.fixture(autouse=True)
def asked_without_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pictures, "POLL_S", 0.0)


def opened(server: Dialect, who: str = "", timeout_s: float = 4) -> Feed:
    return open_feed(parse_source(server.address(who)), timeout_s, timeout_s)


def shades(feed: Feed, number: int) -> list[int | None]:
    pictures = [feed.read() for _ in range(number)]
    return [None if picture is None else round(float(picture.mean()) / 10) for picture in pictures]


def stream(head: str, before: bytes, part: str, suffix: str = ".jpg") -> Reply:
    """A stream of 12 pictures, each sent once the one before has been fetched; then it hangs up."""

    def reply(server: Dialect, lines: list[str], write: Write) -> bool:
        write(f"HTTP/1.0 200 OK\r\n{head}\r\n\r\n".encode() + before)
        for _ in range(12):
            picture = server.picture(suffix)
            write(part.format(length=len(picture)).encode() + picture + b"\r\n")
        return False

    return reply


MULTIPART = "Content-Type: multipart/x-mixed-replace; boundary="


@pytest.mark.parametrize(
    "reply",
    [
        stream(f"{MULTIPART}frame", b"", "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"),
        stream(f"{MULTIPART}frame", b"", "--frame\r\n\r\n"),
        stream(f"{MULTIPART}frame", b"", "--frame\r\nContent-Type: image/jpg\r\n\r\n"),
        stream(f"{MULTIPART}frame", b"", "--frame\r\nContent-Type: image/png\r\n\r\n", ".png"),
        stream(f'{MULTIPART}"--frame"', b"", "--frame\r\nContent-Length: 1\r\n\r\n"),
        stream(f"{MULTIPART}frame", b"Content-Type: image/jpeg\r\n\r\n", "\r\n"),
        stream(f"{MULTIPART}other", b"preamble\r\n", "--frame\nContent-Type: image/jpeg\n\n"),
        stream("Content-Type: multipart/mixed", b"", "--x\r\n\r\n"),
        stream("Content-Type: image/jpeg", b"", ""),
        stream("Content-Type: application/octet-stream", b"", ""),
        stream("Server: cam", b"", "--frame\r\n\r\n"),
    ],
    ids=[
        "as it should be",
        "parts without a type",
        "image/jpg",
        "PNG",
        "quoted boundary, wrong length",
        "no first boundary",
        "another boundary, bare line feeds",
        "no boundary named",
        "one picture after the other",
        "a type that says nothing",
        "no type at all",
    ],
)
def test_a_stream_of_pictures_is_read_in_every_dialect(reply: Reply) -> None:
    with dialect(reply) as server:
        feed = opened(server)
        assert isinstance(feed, HttpPictures)
        seen: list[int | None] = []
        with pytest.raises(SourceLost, match="no further pictures"):
            for _ in range(20):
                seen += shades(feed, 1)
        feed.close()

    assert seen[-1] == 12  # the newest is never missed, whatever was left out before
    assert seen == sorted(seen)
    assert len(server.heard) == 1  # more than A_STREAM pictures: a stream that ended is a lost camera
    assert A_STREAM <= 12


def snapshot(close: bool, suffix: str = ".jpg", kind: str = "image/jpeg") -> Reply:
    def reply(server: Dialect, lines: list[str], write: Write) -> bool:
        picture = server.picture(suffix)
        ends = "Connection: close" if close else f"Content-Length: {len(picture)}"
        write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{ends}\r\n\r\n".encode() + picture)
        return not close

    return reply


def chunked(server: Dialect, lines: list[str], write: Write) -> bool:
    picture = server.picture()
    write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n")
    for begin in range(0, len(picture), 100):
        piece = picture[begin : begin + 100]
        write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    write(b"0\r\n\r\n")
    return True


def one_part(server: Dialect, lines: list[str], write: Write) -> bool:
    write(f"HTTP/1.0 200 OK\r\n{MULTIPART}b\r\n\r\n--b\r\n\r\n".encode() + server.picture() + b"\r\n--b--")
    return False


@pytest.mark.parametrize(
    ("reply", "connections"),
    [
        (snapshot(close=False), 1),
        (snapshot(close=True), 12),
        (snapshot(close=False, suffix=".png", kind="image/png"), 1),
        (snapshot(close=True, kind="text/plain"), 12),
        (chunked, 1),
        (one_part, 12),
    ],
    ids=["kept open", "closed after each", "PNG", "a type that says nothing", "chunked", "a stream of one picture"],
)
def test_a_camera_that_sends_one_picture_an_answer_is_asked_again_for_each(reply: Reply, connections: int) -> None:
    with dialect(reply) as server:
        feed = opened(server)
        assert feed.note == ""
        assert shades(feed, 12) == list(range(1, 13))
        assert feed.note == POLLED
        feed.close()

    assert len(server.heard) == 12
    assert server.connections == connections


def test_a_polled_camera_is_one_line_in_the_log_and_never_lost(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with dialect(snapshot(close=True)) as server:
        camera = watch(server.address())
        wait_for(lambda: camera.read(0.1) is not None and camera.health.frames > 20)
        camera.close()

    assert camera.health.lost == 0
    assert sum("asked again" in line for line in caplog.messages) == 1


def test_a_polled_camera_is_not_asked_more_often_than_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(http_pictures, "POLL_S", 1000.0)
    monkeypatch.setattr(http_pictures, "sleep", pauses.append)
    with dialect(snapshot(close=False)) as server:
        feed = opened(server)
        shades(feed, 3)
        feed.close()

    assert len(pauses) == 2
    assert all(900 < pause <= 1000 for pause in pauses)


def test_of_pictures_that_have_come_meanwhile_the_newest_is_read() -> None:
    def reply(server: Dialect, lines: list[str], write: Write) -> bool:
        parts = b"".join(b"--b\r\n\r\n" + server.picture() for _ in range(20))
        write(f"HTTP/1.0 200 OK\r\n{MULTIPART}b\r\n\r\n".encode() + parts)
        server.gone.wait(20)
        return False

    with dialect(reply) as server:
        feed = opened(server)
        wait_for(lambda: server.number == 20)
        assert shades(feed, 1)[0] in range(2, 21)  # one write may arrive in several pieces
        feed.close()


def test_the_size_may_change_in_mid_stream() -> None:
    def reply(server: Dialect, lines: list[str], write: Write) -> bool:
        size = [(64, 48), (48, 64), (160, 120)][server.number % 3]
        return snapshot_of(server.picture(size=size), write)

    with dialect(reply) as server:
        feed = opened(server)
        pictures = [feed.read() for _ in range(4)]
        feed.close()

    assert [picture.shape[:2] for picture in pictures if picture is not None] == [
        (48, 64),
        (64, 48),
        (120, 160),
        (48, 64),
    ]


def snapshot_of(picture: bytes, write: Write) -> bool:
    write(f"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode() + picture)
    return True


# Signing in


def guarded(algorithm: str, most: int = 1000) -> Reply:
    """Digest with nonces that are used up after `most` requests; each count must follow the one before."""
    hashed = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}[algorithm]
    uses = [0]

    def h(text: str) -> str:
        return hashed(text.encode()).hexdigest()

    def reply(server: Dialect, lines: list[str], write: Write) -> bool:
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', header(lines, "Authorization")))
        nonce, stale = f"n{uses[0] // most}", ""
        if said:
            expected = h(f"{h('ann:cam:s3cret')}:{said['nonce']}:{said['nc']}:{said['cnonce']}:auth:{h('GET:/shot')}")
            right = said["response"] == expected
            if right and said["nonce"] == nonce and int(said["nc"], 16) == uses[0] % most + 1:
                uses[0] += 1
                return snapshot_of(server.picture(), write)
            stale = ", stale=true" if right else ""
        challenge = f'Digest realm="cam", qop="auth", nonce="{nonce}", algorithm={algorithm}{stale}'
        write(f"HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: {challenge}\r\n\r\n".encode())
        return True

    return reply


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_camera_that_asks_for_digest_is_signed_in_to_once(algorithm: str) -> None:
    with dialect(guarded(algorithm)) as server:
        feed = opened(server, "ann:s3cret@")
        assert shades(feed, 5) == [1, 2, 3, 4, 5]
        feed.close()

    assert len(server.heard) == 6  # the first without a sign-in


def test_a_sign_in_that_is_used_up_is_made_anew() -> None:
    with dialect(guarded("SHA-256", most=3)) as server:
        feed = opened(server, "ann:s3cret@")
        assert shades(feed, 8) == list(range(1, 9))
        feed.close()


def test_a_wrong_password_is_sent_once_an_attempt_and_named() -> None:
    with (
        dialect(guarded("SHA-256")) as server,
        pytest.raises(SourceLost, match=r"refuses the user name") as lost,
    ):
        opened(server, "ann:wrong@")

    assert lost.value.wait_s >= 60
    assert sum(bool(header(lines, "Authorization")) for lines in server.heard) == 1


def test_a_refusal_in_mid_stream_is_named_too() -> None:
    def reply(server: Dialect, lines: list[str], write: Write) -> bool:
        if server.number < 3:
            return snapshot_of(server.picture(), write)
        write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        return True

    with dialect(reply) as server:
        feed = opened(server)
        assert shades(feed, 3) == [1, 2, 3]
        with pytest.raises(SourceLost, match=r"busy \(503\)"):
            feed.read()
        feed.close()


def test_a_camera_may_send_to_another_place_on_itself_but_the_password_goes_nowhere_else() -> None:
    with dialect(guarded("MD5")) as other:
        target = {"to": "/moved"}

        def reply(server: Dialect, lines: list[str], write: Write) -> bool:
            if "/moved" in lines[0]:
                return snapshot_of(server.picture(), write)
            write(f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {target['to']}\r\n\r\n".encode())
            return True

        with dialect(reply) as server:
            feed = opened(server, "ann:s3cret@")
            assert shades(feed, 2) == [1, 2]
            feed.close()
            target["to"] = other.address().replace("127.0.0.1", "localhost")
            with pytest.raises(SourceLost, match="sends to another page"):
                opened(server, "ann:s3cret@")
        assert other.heard == []


def test_another_port_of_the_same_host_never_gets_the_sign_in() -> None:
    with dialect(guarded("MD5")) as other:

        def moved(server: Dialect, lines: list[str], write: Write) -> bool:
            place = other.address(path="/other")
            write(f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {place}\r\n\r\n".encode())
            return True

        with dialect(moved) as server:
            with pytest.raises(SourceLost, match="sends to another page"):
                opened(server, "ann:s3cret@")
            assert other.heard == []

            other.reply = snapshot(close=False)  # without a user there is nothing to give away
            feed = opened(server)
            assert shades(feed, 1) == [1]
            feed.close()


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("http://cam/a", "http://cam/b", True),
        ("http://cam:80/a", "http://cam/b", True),
        ("http://cam/a", "https://cam/a", True),
        ("https://cam/a", "https://cam:443/b", True),
        ("https://cam/a", "http://cam/a", False),
        ("https://cam/a", "http://cam:443/a", False),
        ("http://cam/a", "https://cam:8443/a", False),
        ("http://cam:8080/a", "https://cam/a", False),
        ("http://cam/a", "http://cam:8080/a", False),
        ("http://cam/a", "http://cam:none/a", False),
    ],
)
def test_a_sign_in_follows_to_the_same_place_only_or_to_its_encrypted_twin(before: str, after: str, kept: bool) -> None:
    assert keeps_secret(urlsplit(before), urlsplit(after)) is kept


def test_an_answer_without_a_picture_is_a_broken_picture_and_not_asked_for_at_once() -> None:
    def reply(server: Dialect, lines: list[str], write: Write) -> bool:
        return snapshot_of(b"no picture", write)

    with dialect(reply) as server:
        feed = opened(server)
        assert shades(feed, 2) == [None, None]
        feed.close()

    assert len(server.heard) <= 3
