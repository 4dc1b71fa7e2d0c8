"""Connecting to a device within a deadline, name lookup included.

In: host, port, a deadline of the monotonic clock.  Out: a connected socket; DoorFault or OSError.
Does not know: what is said over it.
Main choice: a name is looked up once, in a thread that is not waited for too long; only its first address is tried, so
that the time-out is one and not one for each address.
"""

from __future__ import annotations

import socket
import threading
from time import monotonic
from typing import Any

from attendance.service.ports import DoorFault


class Address:
    """Where a device is.  `shown`: for messages."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._found: list[tuple[socket.AddressFamily, Any]] = []

    @property
    def shown(self) -> str:
        return f"{self.host}:{self.port}"

    def connect(self, deadline: float) -> socket.socket:
        """Return a connected socket; DoorFault for a name that is not known, OSError if nobody answers in time."""
        family, address = self._resolved(deadline)
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(0.01, deadline - monotonic()))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            connection.close()
            raise
        return connection

    def _resolved(self, deadline: float) -> tuple[socket.AddressFamily, Any]:
        if not self._found:
            thread = threading.Thread(target=self._look_up, daemon=True, name=f"looking up {self.host}")
            thread.start()
            thread.join(max(0.0, deadline - monotonic()))
        if not self._found:
            raise DoorFault(f"the name {self.host} is not known: give the device's IP address")
        return self._found[0]

    def _look_up(self) -> None:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError:
            return
        self._found = [(one[0], one[4]) for one in found]
