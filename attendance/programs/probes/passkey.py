"""Attacks on signing in with a passkey.

In: a scratch site with one operator, to whom the probe gives a passkey made of a key and a counter.  Out: findings.
Does not know: how the site checks an answer.
Main choice: the answers are those of the standard, written down here once more, so that a fault in the library that
checks them would be seen.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from attendance.programs.probes.attack import Client, Finding, Probe, Target
from attendance.service.operators import passkeys as protocol
from attendance.store.operators import operators, passkeys

HOST = "localhost"  # where passkeys work without https
_PRESENT_AND_VERIFIED = 0x05


@dataclass
class _Passkey:
    """One that checks who holds it.  `handle`: by which it knows its operator; `count`: its sign counter."""

    handle: bytes
    count: int = 1
    id: bytes = b"passkey of the probe"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> bytes:
        """Return the key as COSE writes it (RFC 9053, ES256)."""
        at = self.key.public_key().public_numbers()
        return (
            bytes.fromhex("a5010203262001215820")
            + at.x.to_bytes(32, "big")
            + b"\x22\x58\x20"
            + at.y.to_bytes(32, "big")
        )

    def answer(self, asked: dict[str, str], origin: str) -> str:
        """Return the answer to a challenge (Web Authentication, section 7.2)."""
        data = hashlib.sha256(asked["rpId"].encode()).digest() + bytes([_PRESENT_AND_VERIFIED])
        data += self.count.to_bytes(4, "big")
        client = json.dumps({"type": "webauthn.get", "challenge": asked["challenge"], "origin": origin}).encode()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "authenticatorData": data,
            "signature": signature,
            "clientDataJSON": client,
            "userHandle": self.handle,
        }
        name = _text(self.id)
        whole = {key: _text(value) for key, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": whole})


def seen_answer(target: Target) -> Finding:
    """Copy the browser and its answer while it signs in, and send both again."""

    def attack(passkey: _Passkey, here: Target) -> Finding:
        owner = here.client(source="127.0.0.18")
        answer = passkey.answer(_asked(owner), _origin(here))
        thief = here.client(owner.cookies, source="127.0.0.19")
        first, again = _sign_in(owner, answer), _sign_in(thief, answer)
        inside = thief.get("/people").status
        words = f"its operator got {first}, the copy {again} and then {inside}"
        return Finding((first, again, inside) == (302, 401, 302), words)

    return _with_passkey(target, attack)


def copied_passkey(target: Target) -> Finding:
    """Sign in with a copy of a passkey, whose counter has stayed behind, and with another key under its id."""

    def attack(passkey: _Passkey, here: Target) -> Finding:
        codes = []
        copy, forged = _Passkey(passkey.handle, key=passkey.key), _Passkey(passkey.handle, count=9)
        for n, one in enumerate((passkey, copy, forged)):
            browser = here.client(source=f"127.0.0.{20 + n}")
            codes.append(_sign_in(browser, one.answer(_asked(browser), _origin(here))))
        return Finding(
            codes == [302, 401, 401], f"the passkey got {codes[0]}, its copy {codes[1]}, another key {codes[2]}"
        )

    return _with_passkey(target, attack)


def _with_passkey(target: Target, attack: Callable[[_Passkey, Target], Finding]) -> Finding:
    """Give the operator a passkey, attack, and take it away again."""
    if not protocol.is_installed():
        return Finding(None, "passkeys need a package that is not installed here: pip install 'attendance[passkeys]'")
    site = target.known.installation
    with site.sessions.begin() as session:
        operator = operators.find_by_username(session, target.known.username)
        assert operator is not None
        passkey = _Passkey(site.keys.passkey_handle(operator.id))
        passkeys.add(
            session, operator.id, credential_id=_text(passkey.id), public_key=passkey.public_key, sign_count=0,
            rp_id=HOST, name="probe", at=site.clock.now(),
        )  # fmt: skip
    try:
        return attack(passkey, Target(HOST, target.port, target.scratch))
    finally:
        with site.sessions.begin() as session:
            for one in passkeys.list_of(session, operator.id):
                passkeys.remove(session, operator.id, one.id)


def _asked(client: Client) -> dict[str, str]:
    """Return what the site asks the passkeys of this browser."""
    asked: dict[str, str] = client.submit("/login/passkey/options", {}).json["publicKey"]
    return asked


def _sign_in(client: Client, answer: str) -> int:
    return client.submit("/login/passkey", {"passkey": answer}).status


def _origin(target: Target) -> str:
    return f"http://{HOST}:{target.port}"


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


PROBES = (
    Probe("passkeys", "An answer of a passkey that was seen is sent again from a copy of the browser.", seen_answer),
    Probe("passkeys", "A copy of a passkey signs in, and another key under its id.", copied_passkey),
)
