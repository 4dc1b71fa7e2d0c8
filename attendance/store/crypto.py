"""Templates at rest: a data key for each person, wrapped by the site's master key.

In: a master key, person ids, embeddings.  Out: sealed bytes and back.
Does not know: tables, names, what an embedding shows.
Main choice: AES-256-GCM twice (the template under the person's key, that key under the master key),
so that erasing one small row erases a person.  Trade-off: the master key must be kept with as
much care as the backups, and away from them: a backup together with the master key can be read.

A sealed text is one version byte, a 12-byte random nonce, the ciphertext and a 16-byte tag.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from attendance.domain.faces import Template
from attendance.errors import Phrase, UserError
from attendance.files import durable

_VERSION = b"\x01"
_NONCE = 12
# By so many first bytes, version and nonce, any two sealed texts differ.
SEAL_BYTES = 1 + _NONCE
_KEY = 32


class WrongMasterKey(UserError):
    """The master key is not the one that this database was made with."""

    def __init__(self) -> None:
        super().__init__(
            "the master key does not fit this database: put back the key file that it was made with, "
            "or set ATTENDANCE_MASTER_KEY to that key"
        )


class Damaged(Exception):
    """Sealed bytes that do not open: altered, cut, or moved from another row."""


class DataKey:
    """One person's key: seals and opens that person's templates."""

    def __init__(self, key: bytes, person_id: int) -> None:
        self._aead = AESGCM(key)
        self._person_id = person_id

    def seal(self, template: Template) -> bytes:
        return _seal(self._aead, template.vector.astype("<f4").tobytes(), self._aad(template.model_id))

    def open(self, sealed: bytes, model_id: str) -> Template:
        """Return the opened template; Damaged unless it was sealed for this person and this model."""
        plain = _open(self._aead, sealed, self._aad(model_id))
        vector: NDArray[np.float32] = np.frombuffer(plain, dtype="<f4").astype(np.float32)
        return Template(vector, model_id)

    def _aad(self, model_id: str) -> bytes:
        return f"template:{self._person_id}:{model_id}".encode()


# How a salted digest begins; those of before are plain SHA-256.
SALTED = "s:"


class Keys:
    """The site's master key, 32 bytes.  Its text form is URL-safe base64.

    `fingerprint` tells master keys apart and may be stored; `cookie_secret` signs the web's cookies.
    """

    def __init__(self, master: bytes) -> None:
        if len(master) != _KEY:
            raise ValueError(f"a master key is {_KEY} bytes, not {len(master)}")
        self._aead = AESGCM(master)
        # Both are one-way: neither leads back to the master key or to the other.
        self.fingerprint = _derived(master, b"attendance master key")[:32]
        # From it comes the key to which kiosks seal PINs that wait for the connection.
        self.kiosk_secret = _derived(master, b"attendance kiosk events")
        # Signs the web's session cookies; derived, so that there is one secret to keep and not two.
        self.cookie_secret = _derived(master, b"attendance session cookies")
        # Without it, nobody can tell whether a photo that they have was enrolled here.
        self._photo_secret = _derived(master, b"attendance photo digests").encode()
        # Marks this site's own reports.
        self.report_secret = _derived(master, b"attendance sealed reports")
        # Signs the audit, the ledger of erasures and receipts; its public half is for everybody.
        self.signing_seed = bytes.fromhex(_derived(master, b"attendance signatures"))

    def photo_digest(self, sha256: str) -> str:
        """Return the digest by which this site knows a photo again, of the photo's SHA-256 in hexadecimal digits."""
        return SALTED + hmac.new(self._photo_secret, sha256.encode(), hashlib.sha256).hexdigest()[:62]

    def passkey_handle(self, operator_id: int) -> bytes:
        """Return the 32 bytes by which passkeys know an operator of this site; they say nothing about who it is."""
        return hmac.new(self.cookie_secret.encode(), f"passkeys of {operator_id}".encode(), hashlib.sha256).digest()

    def make_data_key(self, person_id: int) -> tuple[bytes, DataKey]:
        """Return a new random key for a person: wrapped for the database, and ready to use."""
        key = secrets.token_bytes(_KEY)
        return _seal(self._aead, key, _person_aad(person_id)), DataKey(key, person_id)

    def seal_centre(self, centre: NDArray[np.float32], model_id: str) -> bytes:
        """Seal what a site's faces have in common: it is made of templates, though of many people's at once."""
        return _seal(self._aead, centre.astype("<f4").tobytes(), f"centre:{model_id}".encode())

    def open_centre(self, sealed: bytes, model_id: str) -> NDArray[np.float32]:
        """Return the centre [D]; Damaged unless it was sealed by this key and for this model."""
        plain = _open(self._aead, sealed, f"centre:{model_id}".encode())
        return np.frombuffer(plain, dtype="<f4").astype(np.float32)

    def seal_photo(self, jpeg: bytes, enrolment_id: int) -> bytes:
        """Seal a photo that a camera took for an enrolment and that waits for an operator's decision."""
        return _seal(self._aead, jpeg, f"photo:{enrolment_id}".encode())

    def open_photo(self, sealed: bytes, enrolment_id: int) -> bytes:
        """Return the JPEG; Damaged unless it was sealed by this key and for this enrolment."""
        return _open(self._aead, sealed, f"photo:{enrolment_id}".encode())

    def seal_door(self, settings: Mapping[str, Any], door_id: int) -> bytes:
        """Seal what a door's driver needs: addresses and passwords of what opens it."""
        return _seal(self._aead, json.dumps(settings).encode(), f"door:{door_id}".encode())

    def open_door(self, sealed: bytes, door_id: int) -> dict[str, Any]:
        """Return the settings; Damaged unless they were sealed by this key and for this door."""
        opened: dict[str, Any] = json.loads(_open(self._aead, sealed, f"door:{door_id}".encode()))
        return opened

    def seal_edge(self, plain: bytes, place: str) -> bytes:
        """Seal what a door's program keeps beside the database; `place`: the file and the place in it."""
        return _seal(self._aead, plain, f"edge:{place}".encode())

    def open_edge(self, sealed: bytes, place: str) -> bytes:
        """Return it again; Damaged unless it was sealed by this key and for this place."""
        return _open(self._aead, sealed, f"edge:{place}".encode())

    def seal_secret(self, secret: bytes, what: str) -> bytes:
        """Seal a small secret.  `what`: which one it is, so that it opens in no other place."""
        return _seal(self._aead, secret, f"secret:{what}".encode())

    def open_secret(self, sealed: bytes, what: str) -> bytes:
        """Return the secret; Damaged unless it was sealed by this key and for this place."""
        return _open(self._aead, sealed, f"secret:{what}".encode())

    def unwrap(self, wrapped: bytes, person_id: int) -> DataKey:
        """Return the person's key; WrongMasterKey if it was wrapped by another key or for another person."""
        try:
            return DataKey(_open(self._aead, wrapped, _person_aad(person_id)), person_id)
        except Damaged as error:
            raise WrongMasterKey from error

    def __repr__(self) -> str:  # never the key
        return f"Keys({self.fingerprint})"


def load_keys(key_file: Path, environ: Mapping[str, str], may_create: bool = True) -> Keys:
    """Return the master key: $ATTENDANCE_MASTER_KEY, else the file $ATTENDANCE_MASTER_KEY_FILE, else `key_file`.

    `key_file` is made with a new key (0600) when it is missing and `may_create`; a file that the
    environment names is never made.  Raises UserError for a missing or malformed key.
    """
    if text := environ.get("ATTENDANCE_MASTER_KEY"):
        return Keys(_parsed(text, "ATTENDANCE_MASTER_KEY"))
    if named := environ.get("ATTENDANCE_MASTER_KEY_FILE"):
        return Keys(_read(Path(named)))
    if not key_file.exists():
        if not may_create:
            raise UserError(
                "the master key %(key_file)s is missing, and without it the enrolled templates cannot be read: "
                "restore it from its backup, or set ATTENDANCE_MASTER_KEY",
                key_file=key_file,
            )
        _create(key_file)
    return Keys(_read(key_file))


def new_master_key() -> str:
    """Return a fresh master key in its text form."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY)).decode()


def _create(path: Path) -> None:
    """Make the file whole or not at all: others see no half-written key, and the first of two makers wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(new_master_key() + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)  # unlike a rename, fails when the file is there already
            durable.flush_folder(path.parent)  # before any row is encrypted with it
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            "cannot write the master key %(path)s: %(strerror)s", path=path, strerror=error.strerror
        ) from error


def _read(path: Path) -> bytes:
    try:
        return _parsed(path.read_text(encoding="ascii"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else Phrase("not text")
        raise UserError("cannot read the master key %(path)s: %(reason)s", path=path, reason=reason) from error


def _parsed(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY:
        raise UserError(
            "%(where)s does not hold a master key (%(key)s bytes in URL-safe base64)", where=where, key=_KEY
        )
    return key


def _derived(master: bytes, purpose: bytes) -> str:
    return hmac.new(master, purpose, hashlib.sha256).hexdigest()


def _person_aad(person_id: int) -> bytes:
    return f"person:{person_id}".encode()


def _seal(aead: AESGCM, plain: bytes, aad: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return _VERSION + nonce + aead.encrypt(nonce, plain, _VERSION + aad)


def _open(aead: AESGCM, sealed: bytes, aad: bytes) -> bytes:
    if sealed[:1] != _VERSION:
        raise Damaged("unknown version of sealed bytes")
    try:
        return aead.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _VERSION + aad)
    except (InvalidTag, ValueError) as error:
        raise Damaged("sealed bytes do not open") from error


def token_digest(token: str) -> str:
    """Return the SHA-256 of a random token, badge or code as hex; a secret that is shown once is stored like this."""
    # What is hashed here is random and long; a typed number is hashed only to be of a fixed length.
    return hashlib.sha256(token.strip().encode()).hexdigest()
