"""PINs, badges and one-time links that identify a person, and how often a PIN may be tried.

In: a session, secrets in clear text.  Out: rows; whether a secret fits.
Does not know: browsers, passages, tablets.
Main choice: wrong PINs are counted for the number that was typed and not for the person, and a number
that nobody has is checked against a hash all the same: neither the answer nor its time nor the lock
reveals whether a number exists.  Trade-off: anybody can lock a number for some minutes, and on SQLite
other writers wait while a PIN is hashed, because a try is counted before it is checked.
"""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.crypto import token_digest
from attendance.store.people.people import get_person
from attendance.store.tables.people import Person, PersonLink, PersonSecret, PinAttempts

MIN_PIN, MAX_PIN, RANDOM_PIN = 4, 12, 6


LINK_VALID = timedelta(days=3)
FREE_TRIES = 5


LOCK, LONGEST_LOCK = timedelta(minutes=1), timedelta(minutes=16)


FORGIVEN_AFTER = timedelta(hours=12)


_BADGE = re.compile(r"ATT-[A-Z2-7]{24}")


_hasher = PasswordHasher()  # argon2id with the RFC 9106 low-memory parameters


class Tried(StrEnum):
    FITS = "fits"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class PinTry:
    """`person` exactly when it fits."""

    outcome: Tried
    person: Person | None = None


def secret_of(session: Session, person_id: int) -> PersonSecret | None:
    return session.get(PersonSecret, person_id)


def set_pin(session: Session, person_id: int, pin: str, *, at: datetime) -> None:
    """Set the PIN; UserError unless it has 4 to 12 digits, is hard to guess and the person has a staff number."""
    if not re.fullmatch(rf"[0-9]{{{MIN_PIN},{MAX_PIN}}}", pin):
        raise UserError("a PIN has %(least)s to %(most)s digits", least=MIN_PIN, most=MAX_PIN)
    if _easy(pin):
        raise UserError("this PIN is easily guessed: choose one that is not a sequence or a repetition")
    if not get_person(session, person_id).staff_number:
        raise UserError("a PIN goes with a staff number: give this person one first")
    row = _secret(session, person_id)
    row.pin_hash, row.pin_set_at = _hasher.hash(pin), at
    session.flush()


def reset_pin(session: Session, person_id: int, *, at: datetime) -> str:
    """Set and return a random PIN, to be shown once; earlier wrong tries are forgotten.  UserError as in `set_pin`."""
    pin = "00"
    while _easy(pin):
        pin = "".join(secrets.choice("0123456789") for _ in range(RANDOM_PIN))
    set_pin(session, person_id, pin, at=at)
    number = get_person(session, person_id).staff_number or ""
    session.execute(delete(PinAttempts).where(PinAttempts.number_hash == token_digest(number.casefold())))
    return pin


def _easy(pin: str) -> bool:
    """Return whether the PIN is a sequence or a repetition, such as 1234 or 0000."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return len(steps) == 1 and steps <= {0, 1, 9}


def revoke_pin(session: Session, person_id: int) -> None:
    row = _secret(session, person_id)
    row.pin_hash = row.pin_set_at = None
    session.flush()


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


def try_pin(session: Session, number: str, pin: str, *, at: datetime) -> PinTry:
    """Whether this is the PIN of the active person with this staff number.  The caller commits also when it is not."""
    number = number.replace("\0", "").strip()[:100]
    key = token_digest(number.casefold())
    # Counted before it is looked at: of many tries at once each sees those before it.
    failures = _count_try(session, key, at)
    if failures is None:
        return PinTry(Tried.LOCKED)
    person, pin_hash = _numbered(session, number)
    try:
        fits: bool = _hasher.verify(pin_hash or _nobodys_hash(), pin[:MAX_PIN])
    except (VerificationError, InvalidHashError):
        fits = False
    if person is not None and pin_hash is not None and fits:
        # Not deleted: who waits for this row counts on in it.
        forgiven = update(PinAttempts).where(PinAttempts.number_hash == key)
        session.execute(forgiven.values(failures=0, locked_until=None))
        return PinTry(Tried.FITS, person)
    if (beyond := failures - FREE_TRIES) >= 0:  # from the fifth in a row on each locks twice as long
        until = at + min(LONGEST_LOCK, LOCK * 2 ** min(beyond, 10))
        session.execute(update(PinAttempts).where(PinAttempts.number_hash == key).values(locked_until=until))
    return PinTry(Tried.WRONG)


def _count_try(session: Session, key: str, at: datetime) -> int | None:
    """Count a try for this number as wrong until it proves right: how many in a row; None while it is locked."""
    session.execute(delete(PinAttempts).where(PinAttempts.last_at < at - FORGIVEN_AFTER))
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    first = insert(PinAttempts).values(number_hash=key, failures=0, last_at=at)
    session.execute(first.on_conflict_do_nothing())
    counted = (
        update(PinAttempts)
        .where(
            PinAttempts.number_hash == key,
            or_(PinAttempts.locked_until.is_(None), PinAttempts.locked_until <= at),
        )
        .values(failures=PinAttempts.failures + 1, last_at=at)
        .returning(PinAttempts.failures)
    )
    return session.scalar(counted)


def _numbered(session: Session, number: str) -> tuple[Person | None, str | None]:
    """Return the active person with this staff number and the PIN's hash; case is ignored if one person fits."""
    query = (
        select(Person, PersonSecret.pin_hash)
        .outerjoin(PersonSecret, PersonSecret.person_id == Person.id)
        .where(or_(Person.staff_number == number, func.lower(Person.staff_number) == number.lower()))
    )
    matches = session.execute(query).all()
    if len(matches) > 1:
        matches = [match for match in matches if match[0].staff_number == number]
    return (matches[0][0], matches[0][1]) if matches and matches[0][0].active else (None, None)


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


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))
