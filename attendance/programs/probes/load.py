"""Attacks that use the site up: connections, memory.

In: a scratch site with a paired tablet.  Out: findings.
Does not know: how the site serves.
"""

from __future__ import annotations

import io
import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from time import perf_counter

from PIL import Image

from attendance.programs.probes.attack import Finding, Probe, Reply, Target
from attendance.web.security import KIOSK_COOKIE

_CLIENTS, _ASKED, _AT_ONCE = 300, 20, 4
_LEAST_GROWTH_MB = 150  # the site's own first pictures take this much


def slow_clients(target: Target) -> Finding:
    """Open 300 connections that begin a request and never end it, and use the tablet beside them."""
    tablet = target.client({KIOSK_COOKIE: target.known.tablet_token})
    tablet.timeout_s, slowest, answered = 10.0, 0.0, 0
    with ExitStack() as stack:
        for number in range(_CLIENTS):
            try:
                line = stack.enter_context(socket.create_connection((target.host, target.port), timeout=5))
                line.sendall(b"POST /kiosk/event HTTP/1.1\r\nHost: x\r\nX-%d" % number)
            except OSError:  # refused already: no slow client
                continue
        for _ in range(_ASKED):
            begun = perf_counter()
            with suppress(OSError):
                answered += tablet.get("/kiosk/state", {"Accept": "application/json"}).status == 200
            slowest = max(slowest, perf_counter() - begun)
    words = f"{answered} of {_ASKED} answers to the tablet beside {_CLIENTS} slow clients, the slowest {slowest:.2f} s"
    return Finding(answered == _ASKED and slowest < 5, words)


def small_large_pictures(target: Target) -> Finding:
    """Send four flat pictures of 7000 × 7000 px at once from a tablet, and watch the site's memory."""
    drawn = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(drawn, "PNG")
    status = Path(f"/proc/{target.known.process_id}/status")
    if not status.is_file():
        return Finding(None, "this system does not tell how much memory a program takes")
    before, replies = _peak_mb(status), list[Reply]()

    def send() -> None:
        client = target.client({KIOSK_COOKIE: target.known.tablet_token})
        headers = {"X-Kiosk": "1", "Accept": "application/json", "Content-Type": "image/png"}
        replies.append(client.ask("POST", "/kiosk/look", drawn.getvalue(), headers))

    threads = [threading.Thread(target=send) for _ in range(_AT_ONCE)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    grown = _peak_mb(status) - before
    words = (
        f"{len(drawn.getvalue()) // 1000} kB each; the site grew by {grown} MB, answers {[r.status for r in replies]}"
    )
    return Finding(grown < _LEAST_GROWTH_MB and len(replies) == _AT_ONCE, words)


def _peak_mb(status: Path) -> int:
    """Return the highest resident memory that the process ever had."""
    lines = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) // 1024


PROBES = (
    Probe("connections", "300 clients begin a request and never end it.", slow_clients),
    Probe("memory", "A tablet sends four small files that unfold into large pictures.", small_large_pictures),
)
