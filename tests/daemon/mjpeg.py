"""A real MJPEG camera on 127.0.0.1 that can be told to misbehave."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2

from tests.daemon.serving import served
from tests.factories import make_image

PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"


class MjpegServer(ThreadingHTTPServer):
    """`port` 0 takes a free one.  `hang`: sends nothing more, but keeps the connection; `garbage`: no JPEGs;
    `broken_every`: each so many-th picture is cut short."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0, fps: float = 25.0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.fps = fps
        self.colour = (40, 200, 40)
        self.hang = threading.Event()
        self.garbage = threading.Event()
        self.broken_every = 0
        self.gone = threading.Event()
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/video.mjpg"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: MjpegServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self.server.requests += 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in itertools.count():
            while self.server.hang.is_set() and not self.server.gone.is_set():
                time.sleep(0.02)
            if self.server.gone.is_set():
                return
            data = cv2.imencode(".jpg", make_image(self.server.colour, 160, 120))[1].tobytes()
            if self.server.garbage.is_set():
                data = b"no picture at all " * 40
            elif self.server.broken_every and number % self.server.broken_every == 1:
                data = data[: len(data) // 3]
            self.wfile.write(PART % len(data) + data + b"\r\n")
            time.sleep(1 / self.server.fps)


@contextmanager
def mjpeg_server(port: int = 0) -> Iterator[MjpegServer]:
    """Served during the block; at its end all connections are cut."""
    with served(MjpegServer(port)) as server:
        yield server
