"""A real RTSP camera on 127.0.0.1 that can be told to misbehave: RFC 2326 with JPEG over RTP (RFC 2435).

One thread a connection, RTP interleaved in the RTSP connection (what OpenCV's FFmpeg asks for); no UDP.
"""

from __future__ import annotations

import base64
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2

from tests.daemon.serving import served
from tests.factories import make_image

WIDTH, HEIGHT = 160, 120
CLOCK = 90_000  # ticks a second of JPEG over RTP
PAYLOAD = 1200  # bytes of JPEG data in a packet
SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track0\r\n"


class RtspServer(socketserver.ThreadingTCPServer):
    """`port` 0 takes a free one.  `hang`: sends nothing more, but keeps the connection; `password`:
    "user:password" that is asked for (basic)."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, port: int = 0, fps: float = 25.0) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.fps = fps
        self.colour = (40, 200, 40)
        self.password = ""
        self.hang = threading.Event()
        self.gone = threading.Event()
        self.asked: list[str] = []  # methods, in order

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/stream1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""


class _Connection(socketserver.StreamRequestHandler):
    server: RtspServer

    def handle(self) -> None:
        while True:
            request = self._request()
            if request is None:
                return
            method, headers = request
            self.server.asked.append(method)
            expected = f"Basic {base64.b64encode(self.server.password.encode()).decode()}"
            if self.server.password and headers.get("authorization") != expected:
                self._answer(headers, "401 Unauthorized", 'WWW-Authenticate: Basic realm="door"')
            elif method == "OPTIONS":
                self._answer(headers, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
            elif method == "DESCRIBE":
                self._answer(headers, "200 OK", "Content-Type: application/sdp", body=SDP)
            elif method == "SETUP":
                wished = headers.get("transport", "")
                if "TCP" not in wished:
                    self._answer(headers, "461 Unsupported Transport")
                else:
                    self._answer(headers, "200 OK", f"Transport: {wished}", "Session: 4711;timeout=60")
            elif method == "PLAY":
                self._answer(headers, "200 OK", "Session: 4711")
                self._play()
                return
            else:
                self._answer(headers, "200 OK")

    def _request(self) -> tuple[str, dict[str, str]] | None:
        lines = []
        while (line := self.rfile.readline().strip()) or not lines:
            if not line:
                return None
            lines.append(line.decode())
        pairs = (line.partition(":") for line in lines[1:])
        return lines[0].split()[0], {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _answer(self, headers: dict[str, str], status: str, *more: str, body: str = "") -> None:
        lines = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *more]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def _play(self) -> None:
        sequence, began = 0, time.monotonic()
        while not self.server.gone.is_set():
            if self.server.hang.is_set():
                time.sleep(0.02)
                continue
            stamp = int((time.monotonic() - began) * CLOCK)
            for packet in rtp_packets(jpeg_of(self.server.colour), stamp):
                header = struct.pack(">BBHII", 0x80, packet[0], sequence & 0xFFFF, stamp & 0xFFFFFFFF, 0x1234)
                whole = header + packet[1:]
                self.wfile.write(b"$\x00" + struct.pack(">H", len(whole)) + whole)
                sequence += 1
            time.sleep(1 / self.server.fps)


def jpeg_of(colour: tuple[int, int, int]) -> bytes:
    """Baseline JPEG with 4:2:0 chroma and the standard Huffman tables, which is RFC 2435's type 1."""
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, cv2.IMWRITE_JPEG_QUALITY, 80]
    return cv2.imencode(".jpg", make_image(colour, WIDTH, HEIGHT), options)[1].tobytes()


def rtp_packets(jpeg: bytes, stamp: int) -> Iterator[bytes]:
    """RTP's second byte (marker and payload type), then RFC 2435's headers and a part of the scan."""
    tables, scan = _parts(jpeg)
    for offset in range(0, len(scan), PAYLOAD):
        part = scan[offset : offset + PAYLOAD]
        last = offset + PAYLOAD >= len(scan)
        main = struct.pack(">IBBBB", offset, 1, 255, WIDTH // 8, HEIGHT // 8)  # type-specific 0, type 1, Q 255
        own_tables = struct.pack(">BBH", 0, 0, len(tables)) + tables if offset == 0 else b""
        yield bytes([26 | (0x80 if last else 0)]) + main + own_tables + part


def _parts(jpeg: bytes) -> tuple[bytes, bytes]:
    """(the quantisation tables, the entropy-coded scan without EOI) of a JPEG file."""
    tables, place = b"", 2
    while True:
        marker, length = jpeg[place + 1], struct.unpack(">H", jpeg[place + 2 : place + 4])[0]
        body = jpeg[place + 4 : place + 2 + length]
        if marker == 0xDB:
            for begin in range(0, len(body), 65):
                tables += body[begin + 1 : begin + 65]
        place += 2 + length
        if marker == 0xDA:
            return tables, jpeg[place:-2]


@contextmanager
def rtsp_server(port: int = 0) -> Iterator[RtspServer]:
    """Served during the block; at its end all connections are cut."""
    with served(RtspServer(port)) as server:
        yield server
