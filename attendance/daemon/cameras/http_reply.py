"""One question to a network camera over HTTP, signed in, and its answer as it comes.

In: an address, time-outs.  Out: status, headers, the bytes of the body.
Does not know: pictures, when it is asked again.
Main choice: the standard library's client, with basic and digest (MD5 and SHA-256) by `sign_in`.  Trade-off: no
HTTP/2, which cameras do not speak.  Certificates are not checked: cameras sign theirs themselves.
"""

from __future__ import annotations

import http.client
import io
import secrets
import select
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from attendance.daemon.sign_in import SignIn, basic, digest, strongest

_PIECE = 256 * 1024
_MOST_MOVES = 3
_PORTS = {"http": 80, "https": 443}
_MOVED = (301, 302, 303, 307, 308)


class Asked:
    """A camera that is asked again and again; the connection and the sign-in are kept where it allows that.

    What it raises is OSError or http.client.HTTPException if there is no answer in time, ValueError for an address
    that cannot be asked.
    """

    def __init__(self, address: str, open_timeout_s: float, read_timeout_s: float) -> None:
        self._parts = urlsplit(address)
        if not self._parts.hostname or any(sign in address for sign in "\r\n"):
            raise ValueError("not an address that can be asked")
        self._open_s, self._read_s = open_timeout_s, read_timeout_s
        user, secret = unquote(self._parts.username or ""), unquote(self._parts.password or "")
        self._sign_in = SignIn("asked", user, secret)
        self._challenge: Mapping[str, str] | None = None
        self._count = 0
        self._connection: http.client.HTTPConnection | None = None
        self._reply: http.client.HTTPResponse | None = None

    @property
    def signed_in(self) -> bool:
        """Return whether the address names a user."""
        return bool(self._sign_in.user)

    def ask(self) -> Answer:
        """Send the request, once more for each move and for a sign-in, and return the last answer."""
        answer = self._once_or_anew()
        for _ in range(_MOST_MOVES):
            if not self._may_go_on(answer):
                break
            self.close()
            answer = self._once_or_anew()
        return answer

    def close(self) -> None:
        if self._reply is not None:
            self._reply.close()  # it holds the socket where the camera closes after each answer
        if self._connection is not None:
            self._connection.close()
        self._reply = self._connection = None

    def _may_go_on(self, answer: Answer) -> bool:
        """Return whether this answer leads to another question: a sign-in or another place."""
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return self.signed_in and self._may_sign_in(answer)
        return answer.status in _MOVED and self._moved(answer)

    def _may_sign_in(self, answer: Answer) -> bool:
        """Take the challenge; False if it was answered already: the password is wrong, and is not sent again."""
        challenge = strongest(answer.challenges)
        tried = self._challenge is not None and self._challenge.get("nonce") == (challenge or {}).get("nonce")
        stale = (challenge or {}).get("stale", "").lower() == "true"
        if challenge is None or ((tried or self._count == 1) and not stale):
            return False
        self._challenge, self._count = challenge, 0
        return True

    def _moved(self, answer: Answer) -> bool:
        """Go to where the camera sends us, on the same host only; False where another one would get the password."""
        target = urlsplit(urljoin(self._parts.geturl(), answer.headers.get("location", "")))
        if target.hostname != self._parts.hostname or target.scheme not in ("http", "https"):
            return False
        if self.signed_in and not keeps_secret(self._parts, target):
            return False
        if target.path in ("", self._parts.path) and target.scheme == self._parts.scheme:
            return False
        self._parts = target
        return True

    def _once_or_anew(self) -> Answer:
        """Ask by the connection that was kept, if any; it may have been closed meanwhile."""
        if self._connection is not None:
            try:
                return self._once(self._connection)
            except (OSError, http.client.HTTPException):
                self.close()
        self._connection = self._connected()
        try:
            return self._once(self._connection)
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def _connected(self) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        connection: http.client.HTTPConnection
        if self._parts.scheme.lower() == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(host, port, timeout=self._open_s, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._open_s)
        connection.connect()
        connection.response_class = partial(_Reply, seconds=self._open_s)  # type: ignore[assignment]
        return connection

    def _once(self, connection: http.client.HTTPConnection) -> Answer:
        target = _target(self._parts)
        headers = {"Accept": "*/*", "User-Agent": "attendance"}
        if self._challenge is not None:
            self._count += 1
            if self._challenge.get("scheme") == "basic":
                headers["Authorization"] = basic(self._sign_in)
            else:
                nonce = secrets.token_hex(8)
                headers["Authorization"] = digest(self._challenge, self._sign_in, "GET", target, self._count, nonce)
        connection.request("GET", target, headers=headers)
        plug: socket.socket = connection.sock  # the connection forgets it if the camera will close it
        reply = self._reply = connection.getresponse()
        assert isinstance(reply, _Reply)
        reply.pace.idle_s, reply.pace.until = self._read_s, None
        named = {name.lower(): value for name, value in reply.getheaders()}
        challenges = tuple(reply.headers.get_all("WWW-Authenticate") or ())
        return Answer(reply.status, named, challenges, reply, plug)


class _Paced(io.RawIOBase):
    """What comes by a socket.  TimeoutError after `idle_s` without a byte, and at `until` whatever drips in."""

    def __init__(self, plug: socket.socket, idle_s: float) -> None:
        self._plug, self._raw = plug, plug.makefile("rb", buffering=0)
        self.idle_s = idle_s
        self.until: float | None = monotonic() + idle_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.idle_s if self.until is None else min(self.idle_s, self.until - monotonic())
        if left <= 0:
            raise TimeoutError("the answer did not come in time")
        self._plug.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reply(http.client.HTTPResponse):
    """An answer whose status and headers, too, have to be there after `seconds`."""

    def __init__(self, plug: socket.socket, *options: object, seconds: float, **named: object) -> None:
        super().__init__(plug, *options, **named)  # type: ignore[arg-type]  # as the connection calls it
        self.fp.close()
        self.pace = _Paced(plug, seconds)
        self.fp = io.BufferedReader(self.pace)


@dataclass(slots=True)
class Answer:
    """`headers`: by lower-case name; `ended`: the body is over."""

    status: int
    headers: Mapping[str, str]
    challenges: tuple[str, ...]
    _reply: _Reply = field(repr=False)
    _socket: socket.socket = field(repr=False)
    ended: bool = False

    @property
    def kind(self) -> str:
        """Return the Content-Type in small letters, "" if there is none."""
        return self.headers.get("content-type", "").lower()

    def more(self) -> bytes:
        """Return what has come, at least one byte, as soon as there is any; b"" once it is over."""
        data = b"" if self.ended else self._reply.read1(_PIECE)
        if not data or self._reply.isclosed() or self._reply.length == 0:
            self.ended = True
            self._reply.close()  # the connection is free for the next question
        return data

    def within(self, seconds: float) -> None:
        """Let everything that is read from now on have come after so many seconds in all."""
        self._reply.pace.until = monotonic() + seconds

    @property
    def waiting(self) -> bool:
        """Return whether more bytes have come already."""
        if self.ended:
            return False
        pending = getattr(self._socket, "pending", None)  # of an encrypted connection
        try:
            return bool(pending and pending()) or bool(select.select([self._socket], [], [], 0)[0])
        except (OSError, ValueError):  # closed meanwhile
            return False


def keeps_secret(before: SplitResult, after: SplitResult) -> bool:
    """Return whether a sign-in may follow: to the same scheme and port, or from http's own port to https's own."""
    was, would_be = _place(before), _place(after)
    return would_be in (was, ("https", 443) if was == ("http", 80) else was)


def _place(parts: SplitResult) -> tuple[str, int]:
    """Return scheme and port; ("", 0) for a port that cannot be."""
    scheme = parts.scheme.lower()
    try:
        return scheme, parts.port or _PORTS[scheme]
    except ValueError:
        return "", 0


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
