"""The live picture in a browser on this computer.

In: JPEG pictures, one after another.  Out: a page at an address of this computer that shows the newest one.
Does not know: cameras, networks.
Main choice: motion JPEG over plain HTTP, which every browser shows without a script.  Trade-off: no sound, and about a
megabyte a second, which stays on this computer: the server listens on 127.0.0.1 only, its address holds a secret word,
and a request under another host's name is refused.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from types import TracebackType

HOST = "127.0.0.1"
WAIT_S = 1.0
BOUNDARY = "frame"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>attendance live</title>
<style>body{margin:0;background:#111;display:grid;place-items:center;min-height:100vh}img{max-width:100%%}</style>
<img src="/%s/stream" alt="The webcam's picture with boxes around faces">"""


class LivePage:
    """A page with the newest picture: `with LivePage() as page`, then `page.show(jpeg)`.

    `port` 0 takes a free one.  Raises OSError if the port is in use.
    """

    def __init__(self, port: int = 0) -> None:
        self._server = _Server((HOST, port), _Handler)
        self._thread = Thread(target=self._server.serve_forever, name="live page", daemon=True)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self._server.server_address[1]}/{self._server.word}/"

    def __enter__(self) -> LivePage:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.newest.end()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def show(self, jpeg: bytes) -> None:
        """Show this picture from now on."""
        self._server.newest.put(jpeg)


class _Newest:
    """The newest picture; readers wait for one that they have not seen."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._jpeg, self._number, self.ended = b"", 0, False

    def put(self, jpeg: bytes) -> None:
        with self._changed:
            self._jpeg, self._number = jpeg, self._number + 1
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def after(self, number: int) -> tuple[int, bytes]:
        """Wait for a picture newer than `number`; return it with its number, or the same number after a second."""
        with self._changed:
            self._changed.wait_for(lambda: self.ended or self._number > number, WAIT_S)
            return self._number, self._jpeg


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.newest, self.word = _Newest(), secrets.token_urlsafe(12)
        super().__init__(address, handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer with the page or the stream."""
        port = self.server.server_address[1]
        if self.headers.get("Host") not in {f"{HOST}:{port}", f"localhost:{port}"}:
            self.send_error(HTTPStatus.FORBIDDEN)  # a foreign page that points its name at this computer
        elif self.path == f"/{self.server.word}/":
            self._page()
        elif self.path == f"/{self.server.word}/stream":
            self._stream()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _page(self) -> None:
        body = (PAGE % self.server.word).encode()
        self._head("text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self._head(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        seen, newest = 0, self.server.newest
        try:
            while not newest.ended:
                number, jpeg = newest.after(seen)
                if number > seen:
                    seen = number
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            return  # the browser was closed

    def _head(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the standard library's name)
        """Write nothing: the address holds the secret word."""
