"""PINs: which may be chosen, whether one fits, and how often and where one may be tried.

In: the site's sessions, a typed number and PIN, the place of the try.  Out: whether it fits; whose it is.
Does not know: browsers, passages, how an address is found.
Main choice: wrong PINs are counted for the number that was typed, at the place where it was typed: a tablet, or an
address on the web.  Nobody locks a number at a tablet from outside.  A number that nobody has is checked and counted
all the same: neither the answer nor its time nor the lock reveals whether a number exists.
A try is counted, in a transaction of its own, before it is checked, and hashing is in none: nobody who writes waits
for it.  Trade-off: a hundred wrong PINs in a row, wherever they were typed, block a number on the web until its holder
types the PIN at a tablet or gets a new one (NIST SP 800-63B); a face and a badge are never blocked by it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Literal

from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from attendance.domain.people.names import composed
from attendance.errors import UserError
from attendance.store import slow_hash
from attendance.store.crypto import token_digest
from attendance.store.operators import sign_ins
from attendance.store.people.people import get_person
from attendance.store.session import Sessions
from attendance.store.slow_hash import SecretHash
from attendance.store.tables.access import AccessState
from attendance.store.tables.people import Person, PersonSecret, PinFailures

MIN_PIN, MAX_PIN, RANDOM_PIN = 6, 12, 6
FREE_TRIES = 5
LOCK, LONGEST_LOCK = timedelta(minutes=1), timedelta(minutes=16)
FORGIVEN_AFTER = timedelta(hours=12)
# Wrong ones in a row at all places together, after which the web takes none for this number.
MOST_IN_A_ROW = 100
_TOTAL, _TOTAL_KEPT = "", timedelta(days=90)

# What most people would try first, beside sequences and repetitions; from lists of leaked PINs.
_COMMON = frozenset(
    {
        "123321", "112233", "223344", "332211", "111222", "222333", "789456", "456123", "159753", "357159", "147258",
        "258369", "258456", "147852", "369258", "741852", "852963", "963852", "142536", "102030", "246810", "135790",
        "100200", "123654", "654123", "789123", "321654", "159357", "696969", "101010", "123789", "987456", "111000",
        "000111", "199999", "200000", "123450", "012340", "121314", "131415",
    }
)  # fmt: skip


class Tried(StrEnum):
    FITS = "fits"
    WRONG = "wrong"
    LOCKED = "locked"  # for some minutes, at this place
    BLOCKED = "blocked"  # on the web, until the PIN was right at a tablet or is another one


@dataclass(frozen=True, slots=True)
class PinTry:
    """`person` exactly when it fits.  `duress`: it was the person's PIN for duress."""

    outcome: Tried
    person: Person | None = None
    duress: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a PIN is typed: a tablet by its number, or an address on the web (IPv6 by its /64)."""

    channel: Literal["web", "tablet"]
    name: str

    @property
    def lane(self) -> slow_hash.Lane:
        return slow_hash.TABLETS if self.channel == "tablet" else slow_hash.SITE


def hashed_pin(pin: str, number: str | None = None, lane: slow_hash.Lane = slow_hash.COMMANDS) -> SecretHash:
    """Return the hash of a PIN that may be chosen; call it outside any transaction.

    UserError unless it has 6 to 12 digits and is hard to guess; `number`: the staff number, which it must not be.
    """
    if not re.fullmatch(rf"[0-9]{{{MIN_PIN},{MAX_PIN}}}", pin):
        raise UserError("a PIN has %(least)s to %(most)s digits", least=MIN_PIN, most=MAX_PIN)
    if is_easy(pin) or (number is not None and pin == number.strip()):
        raise UserError("this PIN is easily guessed: choose one that is not a sequence, a repetition or your number")
    return slow_hash.hashed(pin, lane)


def random_pin() -> str:
    """Return six random digits that are not easily guessed."""
    pin = "00"
    while is_easy(pin):
        pin = "".join(secrets.choice("0123456789") for _ in range(RANDOM_PIN))
    return pin


def is_easy(pin: str) -> bool:
    """Return whether the PIN is a sequence, a repetition of one to three digits, or one that many people choose."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    repeated = any(len(pin) % size == 0 and pin == pin[:size] * (len(pin) // size) for size in (1, 2, 3))
    return repeated or (len(steps) == 1 and steps <= {1, 9}) or pin in _COMMON


def set_pin(session: Session, person_id: int, pin: SecretHash, *, at: datetime) -> None:
    """Store the hash of the person's new PIN, end the person's sign-ins and forget earlier wrong tries.

    UserError if the person has no staff number.
    """
    person = get_person(session, person_id)
    if not person.staff_number:
        raise UserError("a PIN goes with a staff number: give this person one first")
    row = session.get(PersonSecret, person_id)
    if row is None:
        row = PersonSecret(person_id=person_id)
        session.add(row)
    row.pin_hash, row.pin_set_at = pin, at
    sign_ins.end_all(session, person_id=person_id)
    session.execute(delete(PinFailures).where(PinFailures.number_hash == _key(person.staff_number)))
    session.flush()


def revoke_pin(session: Session, person_id: int) -> None:
    row = session.get(PersonSecret, person_id)
    if row is not None:
        row.pin_hash = row.pin_set_at = None
        session.flush()
    set_duress_pin(session, person_id, None)
    sign_ins.end_all(session, person_id=person_id)


def set_duress_pin(session: Session, person_id: int, pin: SecretHash | None) -> None:
    """Store the hash of the PIN that raises an alarm in silence; None: there is none any more.

    UserError for a person without a PIN of the usual kind.
    """
    row = session.get(AccessState, person_id)
    if pin is None:
        if row is not None:
            row.duress_pin_hash = None
            session.flush()
        return
    secret = session.get(PersonSecret, person_id)
    if secret is None or secret.pin_hash is None:
        raise UserError("a PIN for duress goes beside the usual PIN: set that first")
    if row is None:
        row = AccessState(person_id=person_id, reason="", exemptions=[])
        session.add(row)
    row.duress_pin_hash = pin
    session.flush()


def is_taken(sessions: Sessions, person_id: int, pin: str, lane: slow_hash.Lane) -> bool:
    """Return whether this is one of the person's two PINs already, the usual one or that for duress."""
    with sessions() as session:
        secret, state = session.get(PersonSecret, person_id), session.get(AccessState, person_id)
        hashes = (secret and secret.pin_hash, state and state.duress_pin_hash)
    with lane.turn():
        return any(slow_hash.fits(each, pin[:MAX_PIN]) for each in hashes if each)


def try_pin(sessions: Sessions, number: str, pin: str, *, at: datetime, place: Place) -> PinTry:
    """Return whether this is the PIN of the active person with this staff number.

    It writes in short transactions of its own, before and after the hash.  slow_hash.Busy, and nothing is counted,
    if the web is crowded.
    """
    number = composed(number.replace("\0", "")).strip()[:100]  # as it is stored; else it would be counted apart
    with place.lane.turn():
        with sessions.begin() as session:
            outcome = _count_as_wrong(session, _key(number), at, place)
        if outcome is not None:
            return PinTry(outcome)
        with sessions() as session:
            person, pin_hash, duress_hash = _numbered(session, number)
        usual = slow_hash.fits(pin_hash, pin[:MAX_PIN])
        # At every tablet and for every number, so that no time tells who has one.  On the web it is a wrong PIN.
        duress = place.channel == "tablet" and slow_hash.fits(duress_hash, pin[:MAX_PIN]) and not usual
        if not (usual or duress) or person is None:
            return PinTry(Tried.WRONG)
    with sessions.begin() as session:
        # Not deleted: who waits for these rows counts on in them.
        forgiven = update(PinFailures).where(
            PinFailures.number_hash == _key(number), PinFailures.place.in_((_TOTAL, _place_key(place)))
        )
        session.execute(forgiven.values(failures=0, locked_until=None))
    return PinTry(Tried.FITS, person, duress)


def _count_as_wrong(session: Session, number: str, at: datetime, place: Place) -> Tried | None:
    """Count a try as wrong until it proves right; LOCKED or BLOCKED, uncounted, if it may not be made."""
    old = or_(
        (PinFailures.place != _TOTAL) & (PinFailures.last_at < at - FORGIVEN_AFTER),
        PinFailures.last_at < at - _TOTAL_KEPT,
    )
    session.execute(delete(PinFailures).where(old))
    key = _place_key(place)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for each in (key, _TOTAL):
        first = insert(PinFailures).values(number_hash=number, place=each, failures=0, last_at=at)
        session.execute(first.on_conflict_do_nothing())
    here = (PinFailures.number_hash == number, PinFailures.place == key)
    total = (PinFailures.number_hash == number, PinFailures.place == _TOTAL)
    if place.channel == "web" and (session.scalar(select(PinFailures.failures).where(*total)) or 0) >= MOST_IN_A_ROW:
        return Tried.BLOCKED
    counted = (
        update(PinFailures)
        .where(*here, or_(PinFailures.locked_until.is_(None), PinFailures.locked_until <= at))
        # From the fifth in a row on each locks twice as long.
        .values(failures=PinFailures.failures + 1, last_at=at, locked_until=_locked_until(at))
    ).returning(PinFailures.failures)
    if session.scalar(counted) is None:
        return Tried.LOCKED
    session.execute(update(PinFailures).where(*total).values(failures=PinFailures.failures + 1, last_at=at))
    return None


def _locked_until(at: datetime) -> object:
    """Return, as SQL, until when the row is locked after one more failure."""
    steps = [
        (PinFailures.failures + 1 == FREE_TRIES + beyond, at + min(LONGEST_LOCK, LOCK * 2**beyond))
        for beyond in range(5)
    ]
    return case((PinFailures.failures + 1 < FREE_TRIES, None), *steps, else_=at + LONGEST_LOCK)


def _numbered(session: Session, number: str) -> tuple[Person | None, str | None, str | None]:
    """Return the active person with this staff number and the hashes of both PINs.

    Case is ignored if one person fits.
    """
    query = (
        select(Person, PersonSecret.pin_hash, AccessState.duress_pin_hash)
        .outerjoin(PersonSecret, PersonSecret.person_id == Person.id)
        .outerjoin(AccessState, AccessState.person_id == Person.id)
        .where(or_(Person.staff_number == number, func.lower(Person.staff_number) == number.lower()))
    )
    matches = session.execute(query).all()
    if len(matches) > 1:
        matches = [match for match in matches if match[0].staff_number == number]
    if not matches or not matches[0][0].active:
        return None, None, None
    return matches[0][0], matches[0][1], matches[0][2]


def _key(number: str) -> str:
    return token_digest(number.strip().casefold())


def _place_key(place: Place) -> str:
    # A digest: an address is nobody's business once it is forgiven.
    return token_digest(f"{place.channel} {place.name}")
