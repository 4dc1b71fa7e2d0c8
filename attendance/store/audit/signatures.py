"""The site's signature: made with the master key, verified by anybody who has the public key.

In: the seed from the master key; bytes, or content as JSON.  Out: Ed25519 signatures; verdicts.
Does not know: what is signed.
Main choice: the signing key is derived from the master key, so that there is one secret to keep.  Trade-off: whoever
holds the master key can sign anything, also a rewritten past; signed heads that were sent elsewhere in time show that.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from attendance.errors import UserError
from attendance.store.crypto import Keys


class Signer:
    """Signs for one site.  `public`: its public key."""

    def __init__(self, keys: Keys) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(keys.signing_seed)
        self.public = self._key.public_key()

    def sign(self, purpose: str, content: Any) -> str:
        """Return the signature of JSON content for one purpose, as base64."""
        return base64.b64encode(self._key.sign(_message(purpose, content))).decode()


def verifies(public: Ed25519PublicKey, purpose: str, content: Any, signature: str) -> bool:
    """Return whether the signature is the site's, for this purpose and content."""
    try:
        public.verify(base64.b64decode(signature, validate=True), _message(purpose, content))
    except (InvalidSignature, ValueError):
        return False
    return True


def canonical(content: Any) -> bytes:
    """Return the one form of JSON content that is hashed and signed."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def to_pem(public: Ed25519PublicKey) -> str:
    """Return the public key as PEM."""
    form, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(form, kind).decode()


def fingerprint(public: Ed25519PublicKey) -> str:
    """Return 16 hex digits by which people compare public keys."""
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a PEM file; UserError if it is not the public key of a site."""
    try:
        found = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise UserError("cannot read %(path)s: %(strerror)s", path=path, strerror=error.strerror) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UserError(
            "%(path)s is not a public key: write one with the command audit public-key", path=path
        ) from error
    if not isinstance(found, Ed25519PublicKey):
        raise UserError(
            "%(path)s is another kind of key: write the site's with the command audit public-key", path=path
        )
    return found


def _message(purpose: str, content: Any) -> bytes:
    # The purpose first: a signed receipt must not be taken for a signed head.
    return f"attendance {purpose}\n".encode() + canonical(content)
