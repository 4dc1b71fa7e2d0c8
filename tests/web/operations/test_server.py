"""Slow clients cost themselves their connections, and nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask, request

from attendance.config import Settings
from attendance.web.operations import server as module
from attendance.web.operations.server import MAX_HEADER, SMALL_BODY, Server, make_server

SETTINGS = Settings.model_validate({"web": {"max_connections": 50, "max_connections_per_address": 8}})


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def port() -> Iterator[int]:
    app = Flask("small")
    app.config["MAX_CONTENT_LENGTH"] = 4 << 20
    app.add_url_rule("/livez", "livez", lambda: "alive")
    app.add_url_rule("/upload", "upload", lambda: str(len(request.get_data())), methods=["POST"])
    app.add_url_rule("/login", "login", lambda: str(len(request.get_data())), methods=["POST"])
    listener = socket.create_server(("127.0.0.1", 0))
    server: Server = make_server(app, listener, SETTINGS, 2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    server.task_dispatcher.shutdown()
    server.close()


def opened(port: int, sent: bytes = b"") -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.sendall(sent)
    return line


def is_closed(line: socket.socket) -> bool:
    line.settimeout(0.01)
    try:
        return line.recv(10000) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def answer_to(port: int, request_bytes: bytes) -> bytes:
    with opened(port, request_bytes) as line:
        return line.recv(200)


GET = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_half_open_connections_push_out_each_other_and_nobody_else(port: int) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(opened(port, b"GET / HT")) for _ in range(30)]

        for _ in range(5):
            assert b"200 OK" in answer_to(port, GET)
        until(lambda: sum(is_closed(line) for line in lines) >= 22)
        assert not is_closed(lines[-1])


def test_a_request_that_never_ends_is_ended(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEADER_S", 0.3)
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nContent-Length: 100000\r\n\r\n"
    with opened(port) as silent, opened(port, b"GET / HT") as header, opened(port, head + b"x") as body:
        for line in (silent, header, body):
            until(lambda line=line: is_closed(line))  # type: ignore[misc]
    assert b"200 OK" in answer_to(port, GET)


def test_a_slow_upload_that_goes_on_is_taken(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEADER_S", 0.2)
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nContent-Length: 20000\r\n\r\n"
    with opened(port, head) as line:
        for _ in range(20):
            line.sendall(b"x" * 1000)
            passed = time.monotonic() + 0.05
            until(lambda passed=passed: time.monotonic() > passed)  # type: ignore[misc]
        assert b"200 OK" in line.recv(1000)


def test_headers_and_strangers_bodies_are_short(port: int) -> None:
    long = b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"y" * MAX_HEADER + b"\r\n\r\n"
    assert b"431" in answer_to(port, long)
    for path, cookie in ((b"/upload", b""), (b"/login", b"Cookie: attendance_session=x\r\n")):
        head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + cookie + b"Content-Length: %d\r\n\r\n" % SMALL_BODY
        assert b"413" in answer_to(port, head), path
    with_cookie = b"POST /upload HTTP/1.1\r\nHost: x\r\nCookie: attendance_session=x\r\nConnection: close\r\n"
    body = b"x" * (SMALL_BODY + 10)
    assert b"200 OK" in answer_to(port, with_cookie + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_behind_a_proxy_one_address_may_have_all_connections() -> None:
    behind = Settings.model_validate({"web": {"max_connections": 50, "trusted_proxies": 1}})
    app = Flask("small")
    app.config["MAX_CONTENT_LENGTH"] = 1 << 20
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = make_server(app, listener, behind, 1)
        server.task_dispatcher.shutdown()
        server.close()

    assert server.most_of_one == 50
