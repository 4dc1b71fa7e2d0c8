"""What a camera that cannot be opened answers, over a real socket."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from attendance.daemon.camera import LiveCamera
from attendance.daemon.cameras.feed import SourceLost
from attendance.daemon.refusals import WAIT_S, refusal_of
from attendance.daemon.sources import open_feed, parse_source
from tests.daemon.conftest import wait_for
from tests.daemon.serving import served

Watch = Callable[..., LiveCamera]
OK = "200 OK\r\nContent-Type: image/jpeg"
DIGEST = 'WWW-Authenticate: Digest realm="cam", qop="auth", nonce="n1", algorithm=SHA-256'


class Camera(socketserver.ThreadingTCPServer):
    """Answers each request with the next of `answers`, the last one for ever; `heard`: the requests."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *answers: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.heard, self.gone = list(answers), list[str](), threading.Event()

    def address(self, scheme: str = "http", who: str = "", path: str = "/live") -> str:
        return f"{scheme}://{who}127.0.0.1:{self.server_address[1]}{path}"


class _Handler(socketserver.StreamRequestHandler):
    server: Camera

    def handle(self) -> None:
        lines = []
        while line := self.rfile.readline().strip():
            lines.append(line.decode())
        if not lines:
            return
        self.server.heard.append("\n".join(lines))
        answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        version = lines[0].rpartition(" ")[2]
        self.wfile.write(f"{version} {answer}\r\nContent-Length: 0\r\n\r\n".encode())


@contextmanager
def camera_of(*answers: str) -> Iterator[Camera]:
    with served(Camera(*answers)) as camera:
        yield camera


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
@pytest.mark.parametrize(
    ("answer", "words", "waits"),
    [
        (f"401 Unauthorized\r\n{DIGEST}", "refuses the user name or password (401)", True),
        ("403 Forbidden", "forbids this user to watch (403)", True),
        ("404 Not Found", "no such stream (404)", False),
        ("503 Service Unavailable", "busy (503)", False),
        ("500 Broken", "refuses with 500", False),
        ("302 Found\r\nLocation: /login.html", "perhaps to sign in", False),
        ("200 OK\r\nContent-Type: text/html; charset=utf-8", "shows a web page", False),
    ],
)
def test_what_the_camera_answers_is_named(scheme: str, answer: str, words: str, waits: bool) -> None:
    with camera_of(answer) as camera:
        refusal = refusal_of(camera.address(scheme, "ann:s3cret@"), 5)

    assert refusal is not None
    assert words in refusal.words
    assert refusal.wait_s == (WAIT_S if waits else 0)
    assert "s3cret" not in refusal.words and "127.0.0.1" not in refusal.words


def test_a_camera_that_asks_for_a_password_where_none_is_given_is_asked_once() -> None:
    with camera_of(f"401 Unauthorized\r\n{DIGEST}") as camera:
        refusal = refusal_of(camera.address(), 5)
        assert len(camera.heard) == 1

    assert refusal is not None and "add them to its address" in refusal.words


def test_a_sign_in_by_sha_256_is_answered_with_it_and_the_reader_s_lack_is_named() -> None:
    with camera_of(f"401 Unauthorized\r\n{DIGEST}", OK) as camera:
        refusal = refusal_of(camera.address(who="ann:a%3Ab@"), 5)
        second = camera.heard[1]

    assert 'username="ann"' in second and "algorithm=SHA-256" in second
    assert refusal is not None and "SHA-256" in refusal.words


def test_pictures_silence_and_what_is_not_a_camera_say_nothing() -> None:
    with camera_of(OK) as camera:
        assert refusal_of(camera.address(), 5) is None
        closed = camera.address()
    assert refusal_of(closed, 1) is None
    assert refusal_of("udp://127.0.0.1:9", 1) is None


def test_a_line_break_in_an_address_adds_no_header() -> None:
    with camera_of("404 Not Found") as camera:
        refusal_of(camera.address(path="/a\r\nX-Evil: 1"), 5)

        assert not any("X-Evil: 1" in line for heard in camera.heard for line in heard.split("\n")[1:])


def test_the_feed_says_why_it_cannot_be_opened() -> None:
    with camera_of("404 Not Found") as camera, pytest.raises(SourceLost, match="no such stream"):
        open_feed(parse_source(camera.address()), 5, 5)


def test_a_refused_password_is_not_sent_again_for_minutes(watch: Watch) -> None:
    with camera_of(f"401 Unauthorized\r\n{DIGEST}") as camera:
        live = watch(camera.address(who="ann:wrong@"))
        wait_for(lambda: live.read(0.05) is None and "(401)" in live.health.trouble)
        sent = len(camera.heard)
        for _ in range(4):  # longer than the usual wait
            live.read(0.1)

        assert len(camera.heard) == sent
