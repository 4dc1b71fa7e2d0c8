"""Badges and one-time links that identify a person.

In: a session, secrets in clear text.  Out: rows; whose secret it is.
Does not know: browsers, passages, tablets, PINs (`pins.py`).
Main choice: both are long random texts, so that a quick hash keeps them and nobody can guess one.
Trade-off: each can be shown once only, when it is made.
"""

from __future__ import annotations

import base64
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.crypto import token_digest
from attendance.store.people.people import get_person
from attendance.store.tables.people import Person, PersonLink, PersonSecret

LINK_VALID = timedelta(days=3)
_BADGE = re.compile(r"ATT-[A-Z2-7]{24}")


def secret_of(session: Session, person_id: int) -> PersonSecret | None:
    return session.get(PersonSecret, person_id)


def new_badge(session: Session, person_id: int, *, at: datetime) -> str:
    """Make a badge and return its text; an older badge of this person no longer works."""
    text = "ATT-" + base64.b32encode(secrets.token_bytes(15)).decode()
    row = _secret(session, person_id)
    row.badge_hash, row.badge_made_at = token_digest(text), at
    session.flush()
    return text


def revoke_badge(session: Session, person_id: int) -> None:
    row = _secret(session, person_id)
    row.badge_hash = row.badge_made_at = None
    session.flush()


def is_badge(text: str) -> bool:
    """Return whether a scanned text has a badge's form; anything else, such as a parcel's label, is ignored."""
    return _BADGE.fullmatch(text.strip()) is not None


def person_of_badge(session: Session, text: str) -> Person | None:
    query = select(Person).join(PersonSecret, PersonSecret.person_id == Person.id)
    return session.scalar(query.where(PersonSecret.badge_hash == token_digest(text), Person.active))


def make_link(session: Session, person_id: int, *, at: datetime, by: str) -> str:
    """Return a token to sign in once and choose a PIN; unused older ones of this person stop working."""
    token = secrets.token_urlsafe(24)
    get_person(session, person_id)
    revoke_links(session, person_id)
    session.add(
        PersonLink(
            person_id=person_id,
            token_hash=token_digest(token),
            created_at=at,
            created_by=by[:100],
            expires_at=at + LINK_VALID,
        )
    )
    session.flush()
    return token


def link_is_valid(session: Session, token: str, *, at: datetime) -> bool:
    query = select(PersonLink.id).join(Person, PersonLink.person_id == Person.id).where(*_unused(token, at))
    return session.scalar(query.where(Person.active)) is not None


def open_link(session: Session, person_id: int, *, at: datetime) -> PersonLink | None:
    """Return the person's link that can still be used, if there is one; its token is not stored."""
    query = select(PersonLink).where(
        PersonLink.person_id == person_id, PersonLink.used_at.is_(None), PersonLink.expires_at > at
    )
    return session.scalar(query.order_by(PersonLink.id.desc()).limit(1))


def revoke_links(session: Session, person_id: int) -> None:
    """Revoke the unused links of this person."""
    session.execute(delete(PersonLink).where(PersonLink.person_id == person_id, PersonLink.used_at.is_(None)))


def use_link(session: Session, token: str, *, at: datetime) -> Person:
    """Use the link up: whose it is.  UserError when it is unknown, used or too old, or the person inactive."""
    used: Any = session.execute(update(PersonLink).where(*_unused(token, at)).values(used_at=at))
    query = select(Person).join(PersonLink, PersonLink.person_id == Person.id)
    person = session.scalar(query.where(PersonLink.token_hash == token_digest(token), Person.active))
    if used.rowcount != 1 or person is None:
        raise UserError("this link is unknown, used or too old; ask for a new one")
    return person


def _unused(token: str, at: datetime) -> tuple[Any, ...]:
    return (PersonLink.token_hash == token_digest(token), PersonLink.used_at.is_(None), PersonLink.expires_at > at)


def _secret(session: Session, person_id: int) -> PersonSecret:
    row = session.get(PersonSecret, person_id)
    if row is None:
        row = PersonSecret(person_id=get_person(session, person_id).id)
        session.add(row)
    return row
