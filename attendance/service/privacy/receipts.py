"""Erasure receipts: what was removed where, signed, and verified without this site.

In: an erasure, the table of places, the signer.  Out: a JSON document; a verdict on one.
Does not know: how anything is erased; whose erasure it was.
Main choice: a receipt holds random ids and counts only, so that it may be kept by anybody.  The person gets it, and
knows whose it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from attendance.config import Settings
from attendance.errors import UserError
from attendance.service.privacy.places import PLACES
from attendance.store.audit.signatures import Signer, fingerprint, to_pem, verifies
from attendance.store.privacy.erasures import Erasure

PURPOSE = "erasure receipt"


@dataclass(frozen=True, slots=True)
class Verified:
    """A receipt whose signature holds.  `state`: "pending" or "done"."""

    content: dict[str, Any]
    state: str


def receipt_of(erasure: Erasure, settings: Settings, signer: Signer) -> dict[str, Any]:
    """Return the receipt of this moment: "pending" until everything that this program can do is done."""
    places = {
        name: {"what": place.words, "how": place.how, **_state(name, erasure, settings)}
        for name, place in PLACES.items()
    }
    content = {
        "receipt": erasure.id,
        "site": settings.site.name,
        "erased": erasure.kind,
        "random_id": erasure.subject,
        "asked_at": erasure.at.isoformat(timespec="seconds"),
        "state": "done" if erasure.done_at else "pending",
        "done_at": erasure.done_at.isoformat(timespec="seconds") if erasure.done_at else None,
        "rows_removed": dict(erasure.removed),
        "places": places,
        "key": fingerprint(signer.public),
    }
    return {"content": content, "signature": signer.sign(PURPOSE, content), "public_key": to_pem(signer.public)}


def verify(path: Path, public: Ed25519PublicKey) -> Verified:
    """Read a receipt; UserError if it was changed, or is not one that the holder of this public key signed."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        content, signature = dict(found["content"]), str(found["signature"])
    except OSError as error:
        raise UserError("cannot read %(path)s: %(strerror)s", path=path, strerror=error.strerror) from error
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("%(path)s is not an erasure receipt", path=path) from error
    if not verifies(public, PURPOSE, content, signature):
        raise UserError(
            "the signature of %(path)s is not valid: the receipt was changed, or it is from another site", path=path
        )
    return Verified(content, str(content.get("state")))


def _state(name: str, erasure: Erasure, settings: Settings) -> dict[str, Any]:
    place, at = PLACES[name], erasure.at
    if place.how in ("nothing", "elsewhere"):
        return {"state": place.how}
    if place.how == "at once":
        return {"state": "done"}
    if name == "backups":
        return {"state": "ends", "by": _after(at, settings.backup.keep_days)}
    if place.how == "ends":
        return {"state": "ends"}
    found: dict[str, Any] = {"state": "done" if name in erasure.steps else "pending"}
    if name == "key backups":
        found["copies_elsewhere_end_by"] = _after(at, settings.backup.key_days)
    return found


def _after(at: Any, days: int) -> str:
    return str((at + timedelta(days=days)).date().isoformat())
