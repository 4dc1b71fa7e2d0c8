"""Events that a tablet keeps while it has no connection, readable by the server only.

In: the site's keys; sealed bytes and the event's id.  Out: the public key; the unsealed event.
Does not know: tablets, people, what the event says.
Main choice: the browser seals each PIN to the server's public key as soon as it is typed (ephemeral
ECDH on P-256, HKDF-SHA-256, AES-256-GCM with the event's id as associated data), so that a stolen
tablet gives away no PIN that waits in it, and a sealed event cannot be sent under another id.
Trade-off: browsers seal on https or on this computer only, as they do with their camera.

A sealed event is the browser's public point (65 bytes), a nonce (12 bytes) and the ciphertext.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from attendance.store.crypto import Keys

_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_INFO = b"attendance kiosk event v1"
_POINT, _NONCE = 65, 12
MAX_SEALED = 2000


class Unreadable(Exception):
    """Bytes that were not sealed for this server and this event."""


def public_key(keys: Keys) -> bytes:
    """Return the uncompressed point, 65 bytes, as browsers import it."""
    return _point(_private(keys).public_key())


def unseal(keys: Keys, sealed: bytes, event_id: str) -> dict[str, Any]:
    """Return the sealed value; Unreadable unless it is a JSON object sealed for this server and this event."""
    if not _POINT + _NONCE < len(sealed) <= MAX_SEALED:
        raise Unreadable("not a sealed event")
    point, nonce, text = sealed[:_POINT], sealed[_POINT : _POINT + _NONCE], sealed[_POINT + _NONCE :]
    try:
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
        shared = _private(keys).exchange(ec.ECDH(), theirs)
        value = json.loads(AESGCM(_derived(shared)).decrypt(nonce, text, event_id.encode()))
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair can be neither hashed nor stored
    except (InvalidTag, ValueError, RecursionError) as error:
        raise Unreadable("not a sealed event") from error
    if not isinstance(value, dict):
        raise Unreadable("not a sealed event")
    return value


def seal(public: bytes, value: dict[str, Any], event_id: str, nonce: bytes) -> bytes:
    """Seal a value as the browser does; `nonce`: 12 random bytes."""
    ours = ec.generate_private_key(_CURVE)
    shared = ours.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, public))
    text = AESGCM(_derived(shared)).encrypt(nonce, json.dumps(value).encode(), event_id.encode())
    return _point(ours.public_key()) + nonce + text


def _private(keys: Keys) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int(keys.kiosk_secret, 16) % (_ORDER - 1) + 1, _CURVE)


def _derived(shared: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(shared)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
