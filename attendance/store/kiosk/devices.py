"""Tablets and screens: pairing by a one-time code, tokens, revoking.

In: a session, codes and tokens in clear text.  Out: rows; which device a token belongs to.
Does not know: browsers, passages, what a tablet shows.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.store.crypto import token_digest
from attendance.store.tables.kiosk import KioskDevice as KioskDevice  # for the pages, which import no tables

CODE_VALID = timedelta(minutes=15)
_SEEN_EVERY = timedelta(minutes=1)
# No 0 and O, 1 and I: codes are read from one screen and typed at another.
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE = 8


# --- tablets ---------------------------------------------------------------------------------------


def add_device(
    session: Session, name: str, *, at: datetime, by: str, direction: Direction, screen_of: str | None = None
) -> tuple[KioskDevice, str]:
    """Add a device that waits to be paired; return it with its code, to be shown once.

    UserError for an empty or taken name.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100:
        raise UserError("a kiosk's name has 1 to 100 characters")
    device = KioskDevice(
        name=name, direction=direction.value, screen_of=screen_of or None, created_at=at, created_by=by[:100]
    )
    session.add(device)
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError("there is a kiosk named %(name)s already: choose another name", name=name) from error
    return device, new_code(session, device.id, at=at)


def new_code(session: Session, device_id: int, *, at: datetime) -> str:
    """Make another pairing code; a tablet that was paired before is revoked when the code is used, not earlier."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE))
    device = get_device(session, device_id)
    device.code_hash, device.code_expires_at, device.revoked_at = token_digest(code), at + CODE_VALID, None
    session.flush()
    return code


def pair(session: Session, code: str, *, at: datetime) -> tuple[KioskDevice, str] | None:
    """Use up the code; return the device and its token in clear text, for that browser only; None for a wrong code."""
    token, digest = secrets.token_urlsafe(32), token_digest(re.sub(r"[^0-9A-Z]", "", code.upper()))
    # Compare and swap: of two browsers with one code only one gets in.
    used: Any = session.execute(
        update(KioskDevice)
        .where(KioskDevice.code_hash == digest, KioskDevice.code_expires_at > at, KioskDevice.revoked_at.is_(None))
        .values(code_hash=None, code_expires_at=None, token_hash=token_digest(token), paired_at=at, last_seen_at=at)
    )
    if used.rowcount != 1:
        return None
    device = session.scalars(select(KioskDevice).where(KioskDevice.token_hash == token_digest(token))).one()
    return device, token


def device_of(session: Session, token: str) -> KioskDevice | None:
    query = select(KioskDevice).where(KioskDevice.token_hash == token_digest(token), KioskDevice.revoked_at.is_(None))
    return session.scalar(query)


def saw_device(session: Session, device: KioskDevice, *, at: datetime) -> None:
    """Note that the device is alive, once a minute."""
    if device.last_seen_at is None or abs(at - device.last_seen_at) >= _SEEN_EVERY:
        session.execute(update(KioskDevice).where(KioskDevice.id == device.id).values(last_seen_at=at))


def revoke(session: Session, device_id: int, *, at: datetime) -> KioskDevice:
    """Revoke the device's token and code, from its next request on."""
    device = get_device(session, device_id)
    device.revoked_at, device.token_hash, device.code_hash = at, None, None
    session.flush()
    return device


def get_device(session: Session, device_id: int) -> KioskDevice:
    device = session.get(KioskDevice, device_id)
    if device is None:
        raise UserError("there is no kiosk %(device_id)s", device_id=device_id)
    return device


def list_devices(session: Session) -> Sequence[KioskDevice]:
    return sorted(session.scalars(select(KioskDevice)), key=lambda row: sort_key(row.name))
