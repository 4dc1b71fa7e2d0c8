"""A passkey made of a key and a counter, which answers as those of browsers do, rightly or wrongly."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests import needs

needs.package("webauthn", extra="test")
import cbor2  # noqa: E402  comes with webauthn
from webauthn.helpers import bytes_to_base64url  # noqa: E402

_USER_PRESENT, _USER_VERIFIED, _KEY_INCLUDED = 0x01, 0x04, 0x40


@dataclass
class SoftwarePasskey:
    """`verifies`: it checked who holds it; `counts`: its sign counter goes up."""

    origin: str = "http://localhost"
    verifies: bool = True
    counts: bool = True
    count: int = 0
    handle: str | None = None
    id: bytes = b"passkey-0000001"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def made(self, options: dict[str, Any]) -> str:
        """Return its answer to being made."""
        asked = options["publicKey"]
        self.handle = asked["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(key)
        data = self._data(asked["rp"]["id"], _KEY_INCLUDED) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._credential({"attestationObject": bytes_to_base64url(attestation)}, client)

    def answer(self, options: dict[str, Any]) -> str:
        """Return its answer to a challenge."""
        asked = options["publicKey"]
        self.count += self.counts
        data, client = self._data(asked["rpId"]), self._client("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        answer = {"authenticatorData": bytes_to_base64url(data), "signature": bytes_to_base64url(signature)}
        return self._credential(answer | {"userHandle": self.handle}, client)

    def _data(self, rp_id: str, flags: int = 0) -> bytes:
        flags |= _USER_PRESENT | (_USER_VERIFIED if self.verifies else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, response: dict[str, Any], client: bytes) -> str:
        name = bytes_to_base64url(self.id)
        whole = response | {"clientDataJSON": bytes_to_base64url(client)}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": whole})
