"""web, daemon and run as processes of their own, at their start and when something is missing."""

from __future__ import annotations

import socket
import sqlite3
import urllib.error
import urllib.request

from tests.cli.conftest import Here
from tests.cli.operations.programs import free_port, started, unserved_stream, until


def status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError):
        return 0


def test_a_daemon_waits_for_a_database_that_is_locked_when_it_starts(here: Here) -> None:
    here.good("init")
    other = sqlite3.connect(here.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with started(here, "daemon", "--camera", unserved_stream()) as log:
        until(lambda: "waiting for it" in log.read_text())
        assert "watching" not in log.read_text()

        other.execute("ROLLBACK")
        other.close()

        until(lambda: "watching" in log.read_text())
    assert "Traceback" not in log.read_text()


def test_run_keeps_the_site_up_without_a_webcam_and_goes_on_trying(here: Here) -> None:
    here.good("init")
    port = free_port()
    with started(here, "run", "--camera", "97", "--port", str(port)) as log:
        until(lambda: log.read_text().count("the daemon ended with exit code 2") >= 2)

        assert status_of(port, "/livez") == 200
        until(lambda: status_of(port, "/readyz") == 200)
    assert "the site ended" not in log.read_text()


def test_systemd_hears_of_the_frame_loop(here: Here) -> None:
    here.good("init")
    path = here.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(path))
        line.settimeout(120)
        environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "600000"}
        with started(here, "daemon", "--camera", unserved_stream(), **environ):
            heard = [line.recv(100).decode() for _ in range(4)]
        heard.append(line.recv(100).decode())
        while heard[-1] == "WATCHDOG=1":
            heard.append(line.recv(100).decode())

    assert heard[0] == "READY=1"
    assert set(heard[1:-1]) == {"WATCHDOG=1"}
    assert heard[-1] == "STOPPING=1"


def test_numbers_for_prometheus_are_served_by_both(here: Here) -> None:
    here.good("init")
    web, watch, port = free_port(), free_port(), free_port()
    settings = ["--set", f"metrics.web_port={web}", "--set", f"metrics.daemon_port={watch}"]
    with started(here, *settings, "run", "--camera", unserved_stream(), "--port", str(port)):
        until(lambda: status_of(web, "/metrics") == 200 and status_of(watch, "/metrics") == 200)
