"""Why a network camera cannot be opened: its own answer, in words.

In: the address of a camera that did not open.  Out: a `Refusal`, None if the camera said nothing that helps.
Does not know: how pictures are read, when it is tried again.
Main choice: it is asked only after an attempt has failed, since the video backend says no more than that it failed.
Trade-off: a wrong password is sent twice an attempt; `WAIT_S` keeps that rare, as cameras lock whoever guesses.
"""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from urllib.parse import unquote, urlsplit

from attendance.daemon.sign_in import SignIn, basic, digest, strongest
from attendance.errors import Phrase

# After a refused password: most cameras that lock do so at 3 to 10 wrong ones within minutes.
WAIT_S = 300.0
_UNKNOWN_KIND = Phrase("the camera asks for a kind of sign-in that is not known here: allow digest")
_ELSEWHERE = Phrase("the camera sends to another page, perhaps to sign in: give the address of its stream")
_A_PAGE = Phrase("the address shows a web page, perhaps to sign in: give the address of the camera's stream")
_ONLY_SHA = Phrase(
    "the camera accepts only a sign-in by SHA-256, which the video reader lacks: allow MD5 or basic there"
)
_MOST_BYTES = 16384
_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}


@dataclass(frozen=True, slots=True)
class Refusal:
    """`words`: what is wrong and what to do, without address or password; `wait_s`: do not try again sooner."""

    words: Phrase
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    kind: str  # Content-Type, lower case
    challenges: tuple[str, ...]


def refusal_of(address: str, timeout_s: float) -> Refusal | None:
    """Ask the camera at `address` and name what it answers; None if it does not answer, or not with a fault."""
    deadline = monotonic() + timeout_s
    try:
        parts = urlsplit(address)
        if parts.scheme.lower() not in _PORTS or not parts.hostname:
            return None
        sign_in = SignIn("asked", unquote(parts.username or ""), unquote(parts.password or ""))
        answer = _asked(address, "", deadline)
        if answer.status == HTTPStatus.UNAUTHORIZED and sign_in.user:
            challenge = strongest(answer.challenges)
            if challenge is None:
                return Refusal(_UNKNOWN_KIND, WAIT_S)
            said = _authorization(address, sign_in, challenge)
            answer = _asked(address, said, deadline)
            if answer.status == HTTPStatus.OK and challenge.get("algorithm", "").upper().startswith("SHA"):
                return Refusal(_ONLY_SHA, WAIT_S)
    except (OSError, ValueError):
        return None
    return refusal_for(answer.status, answer.kind, bool(sign_in.user))


def refusal_for(status: int, kind: str, signed_in: bool) -> Refusal | None:
    """Return what a status and a Content-Type in small letters mean; None if they are not a refusal."""
    match status:
        case HTTPStatus.UNAUTHORIZED if signed_in:
            words = Phrase("the camera refuses the user name or password (401): correct them in its address")
            return Refusal(words, WAIT_S)
        case HTTPStatus.UNAUTHORIZED:
            words = Phrase("the camera asks for a user name and password (401): add them to its address")
            return Refusal(words, WAIT_S)
        case HTTPStatus.FORBIDDEN:
            words = Phrase("the camera forbids this user to watch (403): allow it in the camera's settings")
            return Refusal(words, WAIT_S)
        case HTTPStatus.NOT_FOUND:
            return Refusal(Phrase("the camera has no such stream (404): check the path of its address"))
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return Refusal(Phrase("the camera is busy (503): end other viewers, or wait until it has started"))
        case status if status >= HTTPStatus.BAD_REQUEST:
            return Refusal(Phrase("the camera refuses with %(status)s: check its address and settings", status=status))
        case status if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return Refusal(_ELSEWHERE)
        case _ if kind.startswith("text/html"):
            return Refusal(_A_PAGE)
    return None


def _target(address: str) -> tuple[str, str, str, int]:
    """Return method, request target, host and port."""
    parts = urlsplit(address)
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    port = parts.port or _PORTS[scheme]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if scheme.startswith("rtsp"):
        shown = f"[{host}]" if ":" in host else host
        plain = f"{scheme}://{shown}:{port}{path if parts.path or parts.query else ''}"
        return "DESCRIBE", plain, host, port
    return "GET", path, host, port


def _authorization(address: str, sign_in: SignIn, challenge: Mapping[str, str]) -> str:
    if challenge.get("scheme") == "basic":
        return basic(sign_in)
    method, target, _host, _port = _target(address)
    return digest(challenge, sign_in, method, target, 1, secrets.token_hex(8))


def _asked(address: str, authorization: str, deadline: float) -> _Answer:
    """Send one request and return the head of the answer.  OSError and ValueError if there is none in time."""
    scheme = urlsplit(address).scheme.lower()
    method, target, host, port = _target(address)
    lines = [f"{method} {target} " + ("RTSP/1.0" if method == "DESCRIBE" else "HTTP/1.1")]
    if method == "DESCRIBE":
        lines += ["CSeq: 1", "Accept: application/sdp"]
    else:
        lines += [f"Host: {f'[{host}]' if ':' in host else host}:{port}", "Accept: */*", "Connection: close"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    if any(sign in line for line in lines for sign in "\r\n"):
        raise ValueError("a line break in an address")
    with socket.create_connection((host, port), timeout=max(0.01, deadline - monotonic())) as plain:
        connection = _wrapped(plain) if scheme in ("https", "rtsps") else plain
        with connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            return _head(connection, deadline)


def _wrapped(plain: socket.socket) -> ssl.SSLSocket:
    """Encrypt as the video backend does, which checks no certificate: cameras sign theirs themselves."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


def _head(connection: socket.socket, deadline: float) -> _Answer:
    received = b""
    while b"\r\n\r\n" not in received and len(received) < _MOST_BYTES:
        connection.settimeout(max(0.01, deadline - monotonic()))
        piece = connection.recv(4096)
        if not piece:
            break
        received += piece
    first, *rest = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if not version.startswith(("HTTP/", "RTSP/")) or not status[:3].isdigit():
        raise ValueError("the answer is neither HTTP nor RTSP")
    named = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    kind = next((value.lower() for name, value in named if name == "content-type"), "")
    return _Answer(int(status[:3]), kind, tuple(value for name, value in named if name == "www-authenticate"))
