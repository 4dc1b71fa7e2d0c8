"""A line that can be cut: between a browser and the site, byte by byte.

In: a port to lead to.  Out: a port that leads there, or not, or one way only.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

Mode = Literal["whole", "cut", "answers to events lost"]
EVENT = b"POST /kiosk/event "


class Wire:
    """`cut`: nobody answers.  `answers to events lost`: they arrive, and the connection breaks before the answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.mode: Mode = "whole"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def be(self, mode: Mode) -> None:
        """Also for connections that stand already."""
        self.mode = mode
        if mode == "cut":
            self._break_all()

    def close(self) -> None:
        self.mode = "cut"
        self._listener.close()
        self._break_all()

    def _break_all(self) -> None:
        with self._lock:
            for one in self._open:
                _shut(one)
            self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "cut":
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._port))
            with self._lock:
                self._open |= {near, far}
            lost = threading.Event()
            threading.Thread(target=self._pump, args=(near, far, lost, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, lost, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, lost: threading.Event, asking: bool) -> None:
        try:
            while data := source.recv(65536):
                if asking and self.mode == "answers to events lost" and EVENT in data:
                    lost.set()
                if not asking and lost.is_set():
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            _shut(one)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
