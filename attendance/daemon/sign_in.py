"""Answers to a device that asks who calls: HTTP's and RTSP's basic and digest.

In: the challenges of a 401, user and password.  Out: the `Authorization` line.
Does not know: sockets, doors, cameras.

It follows RFC 7616 (digest: SHA-256, MD5) and RFC 7617 (basic).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.request import parse_http_list, parse_keqv_list

_HASHES = {"SHA-256": hashlib.sha256, "SHA-256-SESS": hashlib.sha256, "MD5": hashlib.md5, "MD5-SESS": hashlib.md5}
# The strongest first; a challenge without a name is MD5.
_ORDER = ("SHA-256", "SHA-256-SESS", "MD5", "MD5-SESS")


@dataclass(frozen=True, slots=True)
class SignIn:
    """`kind`: "none", "basic", "digest", "bearer", or "asked": basic or digest, whichever the device asks for."""

    kind: str = "none"
    user: str = ""
    secret: str = field(default="", repr=False)


def strongest(lines: Iterable[str], may_be_basic: bool = True) -> Mapping[str, str] | None:
    """Return the strongest challenge of the `WWW-Authenticate` lines of a 401 that can be answered, or None."""
    found: dict[str, Mapping[str, str]] = {}
    for line in lines:
        scheme, _, rest = line.strip().partition(" ")
        if scheme.lower() == "basic" and may_be_basic:
            found["basic"] = {"scheme": "basic"}
        elif scheme.lower() == "digest":
            values = parse_keqv_list(parse_http_list(rest))
            values = {name.lower(): value for name, value in values.items()}
            name = values.get("algorithm", "MD5").upper()
            offered = [one.strip() for one in values.get("qop", "auth").split(",")]
            if name in _HASHES and "nonce" in values and "auth" in offered:
                found[name] = values
    return next((found[name] for name in (*_ORDER, "basic") if name in found), None)


def digest(challenge: Mapping[str, str], sign_in: SignIn, method: str, target: str, count: int, cnonce: str) -> str:
    """Return the header that answers a challenge (RFC 7616, 3.4; without `qop` as RFC 2069 has it)."""
    algorithm = challenge.get("algorithm", "MD5")
    hashed = _HASHES[algorithm.upper()]

    def h(text: str) -> str:
        return hashed(text.encode()).hexdigest()

    realm, nonce = challenge.get("realm", ""), challenge["nonce"]
    ha1 = h(f"{sign_in.user}:{realm}:{sign_in.secret}")
    if algorithm.upper().endswith("-SESS"):
        ha1 = h(f"{ha1}:{nonce}:{cnonce}")
    ha2 = h(f"{method}:{target}")
    number = f"{count:08x}"
    parts = {"username": sign_in.user, "realm": realm, "nonce": nonce, "uri": target}
    if "qop" in challenge:
        parts["response"] = h(f"{ha1}:{nonce}:{number}:{cnonce}:auth:{ha2}")
    else:
        parts["response"] = h(f"{ha1}:{nonce}:{ha2}")
    if "opaque" in challenge:
        parts["opaque"] = challenge["opaque"]
    quoted = [f'{name}="{_quoted(value)}"' for name, value in parts.items()]
    if "algorithm" in challenge:
        quoted.append(f"algorithm={algorithm}")
    if "qop" in challenge:
        quoted += ["qop=auth", f"nc={number}", f'cnonce="{cnonce}"']
    return "Digest " + ", ".join(quoted)


def basic(sign_in: SignIn) -> str:
    return "Basic " + base64.b64encode(f"{sign_in.user}:{sign_in.secret}".encode()).decode()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
