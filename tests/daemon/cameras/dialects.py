"""A real HTTP camera on 127.0.0.1 that speaks as it is told: each answer is written byte by byte by the test."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2

from tests.daemon.serving import served
from tests.factories import make_image

Write = Callable[[bytes], object]
Reply = Callable[["Dialect", list[str], Write], bool]


class Dialect(socketserver.ThreadingTCPServer):
    """`reply`: is given the lines of each request and writes the answer; False closes the connection.

    `heard`: the requests; `connections`: how many were made; `number`: of the picture to send.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply, self.heard, self.connections, self.number = reply, list[list[str]](), 0, 0
        self.gone = threading.Event()

    def address(self, who: str = "", path: str = "/shot") -> str:
        return f"http://{who}127.0.0.1:{self.server_address[1]}{path}"

    def picture(self, suffix: str = ".jpg", size: tuple[int, int] = (64, 48)) -> bytes:
        """Return the next picture; its shade counts up by 10."""
        self.number += 1
        shade = 10 * (self.number % 25)
        return cv2.imencode(suffix, make_image((shade, shade, shade), *size))[1].tobytes()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no news."""


class _Handler(socketserver.StreamRequestHandler):
    server: Dialect

    def handle(self) -> None:
        self.server.connections += 1
        while True:
            lines = []
            while line := self.rfile.readline().strip():
                lines.append(line.decode())
            if not lines:
                return
            self.server.heard.append(lines)
            if not self.server.reply(self.server, lines, self.wfile.write):
                return


@contextmanager
def dialect(reply: Reply) -> Iterator[Dialect]:
    with served(Dialect(reply)) as server:
        yield server


def header(lines: list[str], name: str) -> str:
    found = (line.partition(":")[2].strip() for line in lines if line.lower().startswith(f"{name.lower()}:"))
    return next(found, "")
