"""The HTTP server: how long a client may take, and how many connections each may hold.

In: the application, a socket that listens, the settings.  Out: a server to run.
Does not know: pages, who is signed in.
Main choice: waitress reads requests whole before a thread sees them, so a slow client costs a connection and no thread.
What is added here: a request has a deadline, an answer must be read, and when there are too many connections the one
that has waited longest is closed instead of the newest refused.  So whoever opens connections and sends nothing
pushes out their own.  Trade-off: behind a proxy all clients have one address, so that only the proxy can tell them
apart; `web.trusted_proxies` says so, and a proxy must then buffer requests itself.
"""

from __future__ import annotations

import socket
import time
from collections import Counter
from copy import copy
from typing import Any

from flask import Flask
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer

from attendance.config import Settings
from attendance.web.operations.health import ProbesFirst
from attendance.web.security import address_group

# Seconds: for the first line and headers; between two requests; to read some of an answer.
HEADER_S, IDLE_S, STUCK_S = 10.0, 60.0, 60.0
# A body may take a while, at this speed at least.
BODY_BYTES_A_SECOND = 2000
MAX_HEADER = 32 << 10
# What strangers may send; photos and files come from people who are signed in.
SMALL_BODY = 1 << 20
_SMALL = ("/kiosk", "/me", "/login", "/setup")
_LOOK_EVERY_S = 1
# What may be open beside connections: the database, logs, threads' pipes.
_SPARE = 100


def make_server(app: Flask, listener: socket.socket, settings: Settings, threads: int) -> Server:
    """Return the server of this application; `threads`: for pages, beside the one for probes."""
    web = settings.web
    adjusted = Adjustments(
        sockets=[listener],
        ident=None,
        # Never reached: the server makes room before.
        connection_limit=web.max_connections + _SPARE,
        asyncore_use_poll=True,
        max_request_header_size=MAX_HEADER,
        # Twice what Flask takes: a photo somewhat too large is answered with a page, a far larger one not even read.
        max_request_body_size=2 * app.config["MAX_CONTENT_LENGTH"],
        # waitress would take away the headers that the settings let the site trust.
        clear_untrusted_proxy_headers=not web.trusted_proxies,
        cleanup_interval=_LOOK_EVERY_S,
        channel_timeout=IDLE_S,
    )
    address = (listener.family, listener.type, listener.proto, listener.getsockname())
    server = Server(
        app, {}, True, listener, dispatcher=ProbesFirst(threads), adj=adjusted, bind_socket=False, sockinfo=address
    )
    server.most = web.max_connections
    server.most_of_one = web.max_connections if web.trusted_proxies else web.max_connections_per_address
    return server


class _Parser(HTTPRequestParser):
    """Know how much this sender may send as soon as the headers are there."""

    adj: Any

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        path = getattr(self, "path", "") or ""
        if "COOKIE" not in self.headers or path.startswith(_SMALL):
            smaller: Any = copy(self.adj)
            smaller.max_request_body_size = min(smaller.max_request_body_size, SMALL_BODY)
            self.adj = smaller


class _Connection(HTTPChannel):
    """One connection.  `waits_since`: since when its next request has been awaited."""

    parser_class = _Parser

    def __init__(self, server: Any, sock: socket.socket, addr: Any, adj: Adjustments, map: Any = None) -> None:  # noqa: A002
        super().__init__(server, sock, addr, adj, map)
        self.waits_since = time.monotonic()
        self.served = 0
        self.owner = address_group(str(addr[0]))

    def received(self, data: bytes) -> bool:
        """Note when a request begins."""
        if self.request is None and not self.requests:
            self.waits_since = time.monotonic()
        return bool(super().received(data))

    def service(self) -> None:
        """Answer one request; from then on the next one is awaited."""
        super().service()
        self.served += 1
        self.waits_since = time.monotonic()

    @property
    def is_waiting(self) -> bool:
        """Whether nothing of it is being answered, so that closing it loses no answer."""
        return not self.requests and not self.total_outbufs_len

    def is_overdue(self, now: float) -> bool:
        """Return whether its request, or the reading of its answer, takes too long."""
        if self.total_outbufs_len:
            return bool(time.time() - self.last_activity > STUCK_S)
        if self.requests:
            return False
        waited = now - self.waits_since
        if self.request is None:
            return waited > (IDLE_S if self.served else HEADER_S)
        if not self.request.headers_finished:
            return waited > HEADER_S
        return bool(waited > HEADER_S + self.request.body_bytes_received / BODY_BYTES_A_SECOND)


class Server(TcpWSGIServer):
    """The server.  `most`: connections in all; `most_of_one`: of one address."""

    channel_class = _Connection
    most = most_of_one = 400

    def handle_accept(self) -> None:
        """Take a connection, and close the longest waiting one if there are too many now."""
        super().handle_accept()
        channels = [one for one in self.active_channels.values() if not one.will_close]
        owners = Counter(one.owner for one in channels)
        crowded = {owner for owner, count in owners.items() if count > self.most_of_one}
        if not crowded and len(channels) > self.most:
            crowded = {max(owners, key=owners.__getitem__)}
        for owner in crowded:
            waiting = [one for one in channels if one.owner == owner and one.is_waiting]
            if waiting:
                min(waiting, key=lambda one: one.waits_since).handle_close()

    def maintenance(self, now: float) -> None:
        """Close what takes too long."""
        super().maintenance(now)
        present = time.monotonic()
        for channel in list(self.active_channels.values()):
            if channel.is_overdue(present):
                channel.handle_close()
