"""/livez and /readyz, also while every page thread is busy."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from pathlib import Path

import waitress
from flask import Flask
from sqlalchemy import Engine

from attendance.web.operations.health import ProbesFirst
from tests.site_fixtures import Browser, Web


def test_a_monitor_needs_no_password(web: Web, stranger: Browser) -> None:
    assert stranger.get("/livez").json == {"status": "ok"}
    assert (stranger.get("/readyz").status_code, stranger.get("/readyz").json["why"]) == (503, ["starting"])
    web.site.readiness.probe()

    for path in ("/readyz", "/healthz"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.json) == (200, {"status": "ok", "database": "ok"})


def test_without_its_database_the_site_lives_and_is_not_ready(
    web: Web, stranger: Browser, engine: Engine, database: Path
) -> None:
    engine.dispose()
    database.write_bytes(b"this is no database" * 1000)
    web.site.readiness.probe()

    assert stranger.get("/readyz").status_code == 503
    assert stranger.get("/livez").status_code == 200


def test_probes_are_answered_while_every_page_thread_is_busy(web: Web) -> None:
    """Fifty clients ask for slow pages; the only two threads are held by them."""
    release, app = threading.Event(), Flask("slow")

    @app.get("/slow")
    def slow() -> str:
        release.wait(60)
        return "slow"

    app.add_url_rule("/livez", "livez", lambda: "alive")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = waitress.create_server(app, _dispatcher=ProbesFirst(2), sockets=[listener], asyncore_use_poll=True)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    clients = []
    try:
        for _ in range(50):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            client.request("GET", "/slow")
            clients.append(client)
        begun = time.monotonic()
        probe = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        probe.request("GET", "/livez")

        assert probe.getresponse().read() == b"alive"
        assert time.monotonic() - begun < 5
        probe.close()
        release.set()
        assert {client.getresponse().read() for client in clients} == {b"slow"}
    finally:
        release.set()
        for client in clients:
            client.close()
        server.task_dispatcher.shutdown()
        server.close()
