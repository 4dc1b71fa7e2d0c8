"""One HTTP call to a device, within one time-out for all of it, sent once.

In: a device's address, how to sign in, a request.  Out: the reply; DoorFault before anything was asked, DoorUnknown
once the request was on its way.
Does not know: what a reply means.
Main choice: a request of our own over one socket, since the usual clients bound each read and not the whole, try other
addresses, follow redirects and try again.  A device that trickles bytes cannot hold the door's thread.
Trade-off: no kept connections; devices such as Shelly close them anyway.

How it signs in is in `daemon/sign_in`.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import io
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

from attendance.daemon.doors.driver import TIMEOUT_S
from attendance.daemon.doors.network.reach import Address
from attendance.daemon.sign_in import SignIn, basic, digest, strongest
from attendance.service.ports import DoorFault, DoorUnknown

MOST_BYTES = 256 * 1024
_NOBODY = SignIn()


@dataclass(frozen=True, slots=True)
class Reply:
    """`headers`: by lower-case name, each with all its values."""

    status: int
    headers: Mapping[str, list[str]]
    body: bytes


class HttpDevice:
    """One device.  `base`: "192.168.1.40:80" or "https://…", without a path.  For several threads.

    `fingerprint`: SHA-256 of the only certificate that is accepted, as hex; "": any that the system trusts.
    """

    def __init__(self, base: str, sign_in: SignIn = _NOBODY, fingerprint: str = "") -> None:
        parts = urlsplit(base if "://" in base else f"http://{base}")
        self._tls = parts.scheme == "https"
        self._address = Address(parts.hostname or "", parts.port or (443 if self._tls else 80))
        self._sign_in, self._fingerprint = sign_in, fingerprint.replace(":", "").lower()
        self._challenge: Mapping[str, str] | None = None
        self._count = 0
        self._counting = threading.Lock()

    @property
    def shown(self) -> str:
        return self._address.shown

    def call(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request; after a challenge once more with the answer to it, since the device did not act yet."""
        deadline = monotonic() + TIMEOUT_S
        sent = self._authorization(method, target, first=True)
        reply = self._exchange(method, target, body, {**(headers or {}), **sent}, deadline)
        if reply.status != http.HTTPStatus.UNAUTHORIZED or self._sign_in.kind not in ("digest", "asked"):
            return reply
        if not self._take_challenge(reply):
            return reply
        again = self._authorization(method, target, first=False)
        if not again or again == sent:
            return reply
        return self._exchange(method, target, body, {**(headers or {}), **again}, deadline)

    def _exchange(self, method: str, target: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Reply:
        sending = False
        try:
            with self._connected(deadline) as connection:
                lines = {"Host": self._host_header(), "Connection": "close", "Accept": "*/*", **headers}
                if body or method in ("POST", "PUT", "PATCH"):
                    lines["Content-Length"] = str(len(body))
                head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
                sending = True
                connection.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
                reply = _read(connection, method)
                if monotonic() >= deadline:  # cut off: what was read may be a part
                    raise TimeoutError
                return reply
        except DoorFault:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = monotonic() >= deadline - 0.005
            why = f"no whole answer within {TIMEOUT_S:g} s" if late else str(error) or type(error).__name__
            if sending:
                raise DoorUnknown(f"{self.shown}: {why}") from error
            raise DoorFault(f"{self.shown} cannot be reached: {why}") from error

    @contextmanager
    def _connected(self, deadline: float) -> Iterator[socket.socket]:
        """Connect; whatever blocks afterwards is ended at the deadline."""
        plain = self._address.connect(deadline)
        timer = threading.Timer(max(0.0, deadline - monotonic()), _cut, (plain,))
        timer.daemon = True
        connection = plain
        try:
            timer.start()
            plain.settimeout(TIMEOUT_S)
            if self._tls:
                connection = self._wrapped(plain)
            yield connection
        finally:
            timer.cancel()
            connection.close()
            plain.close()

    def _wrapped(self, plain: socket.socket) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._fingerprint:  # the one certificate is known; its issuer and name need not be
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        wrapped = context.wrap_socket(plain, server_hostname=self._address.host)
        shown = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
        if self._fingerprint and not hmac.compare_digest(shown, self._fingerprint):
            wrapped.close()
            raise DoorFault(f"{self.shown} has another certificate than the one that the settings name")
        return wrapped

    def _host_header(self) -> str:
        address = self._address
        host = f"[{address.host}]" if ":" in address.host else address.host
        return host if address.port == (443 if self._tls else 80) else f"{host}:{address.port}"

    # --- signing in ---

    def _authorization(self, method: str, target: str, first: bool) -> dict[str, str]:
        sign_in = self._sign_in
        if sign_in.kind == "bearer":
            return {"Authorization": f"Bearer {sign_in.secret}"}
        if sign_in.kind == "basic":
            return {"Authorization": basic(sign_in)}
        if sign_in.kind not in ("digest", "asked") or self._challenge is None:
            return {}
        if self._challenge.get("scheme") == "basic":
            return {"Authorization": basic(sign_in)}
        with self._counting:
            self._count = 1 if not first else self._count + 1
            count = self._count
        return {"Authorization": digest(self._challenge, sign_in, method, target, count, secrets.token_hex(8))}

    def _take_challenge(self, reply: Reply) -> bool:
        """Keep the strongest challenge of a 401; False if there is none that can be answered."""
        lines = reply.headers.get("www-authenticate", [])
        self._challenge = strongest(lines, may_be_basic=self._sign_in.kind == "asked")
        return self._challenge is not None


class _Source:
    """A socket as `http.client` reads it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return self._connection.makefile("rb")


def _read(connection: socket.socket, method: str) -> Reply:
    response = http.client.HTTPResponse(_Source(connection), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read(MOST_BYTES + 1)
        if response.length:
            raise http.client.IncompleteRead(body, response.length)
    finally:
        response.close()
    if len(body) > MOST_BYTES:
        raise http.client.HTTPException("the answer is too long")
    headers: dict[str, list[str]] = {}
    for name, value in response.getheaders():
        headers.setdefault(name.lower(), []).append(value)
    return Reply(response.status, headers, body)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it ended just now
