"""Passkeys of operators: added, named, used, removed; challenges that were answered.

In: a session, an operator's id, what a checked answer of a passkey says.  Out: `Passkey` rows.
Does not know: browsers, how an answer is checked (service/operators/passkeys.py).
Main choice: a use is one compare-and-swap of the sign counter and one row for the challenge, so that neither an answer
nor a copy of a passkey that counts is taken twice.  Trade-off: passkeys that are kept in an account of their maker do
not count (Web Authentication, section 6.1.1), and a copy of those is not noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store import settings
from attendance.store.crypto import token_digest
from attendance.store.operators import second_factors
from attendance.store.tables.operators import Passkey as Passkey  # for the pages, which import no tables
from attendance.store.tables.operators import SpentChallenge

MOST = 20
MAX_NAME = 60
# Longer than any challenge is good for.
_KEPT = timedelta(days=1)


def add(
    session: Session,
    operator_id: int,
    *,
    credential_id: str,
    public_key: bytes,
    sign_count: int,
    rp_id: str,
    name: str,
    at: datetime,
) -> list[str]:
    """Add a passkey; return recovery codes in clear text if it is the operator's first second factor, else none.

    UserError for a passkey that is known already, or one too many.
    """
    settings.alone(session, f"passkeys of {operator_id}")  # so that two at once are counted one after the other
    first = not second_factors.is_on(session, operator_id)
    count = select(func.count()).select_from(Passkey).where(Passkey.operator_id == operator_id)
    if (session.scalar(count) or 0) >= MOST:
        raise UserError("you have %(most)s passkeys: remove one first", most=MOST)
    row = Passkey(
        operator_id=operator_id, credential_id=credential_id, public_key=public_key, sign_count=sign_count,
        rp_id=rp_id, name=name[:MAX_NAME], added_at=at,
    )  # fmt: skip
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError("this passkey is added already") from error
    return second_factors.new_recovery_codes(session, operator_id) if first else []


def find(session: Session, credential_id: str) -> Passkey | None:
    """Return the passkey of this id, whoever's it is."""
    return session.scalar(select(Passkey).where(Passkey.credential_id == credential_id)) if credential_id else None


def are_at(session: Session, rp_id: str) -> bool:
    """Return whether anybody has a passkey for this host."""
    return session.scalar(select(Passkey.id).where(Passkey.rp_id == rp_id).limit(1)) is not None


def list_of(session: Session, operator_id: int) -> Sequence[Passkey]:
    """Return an operator's passkeys, the first one first."""
    return session.scalars(select(Passkey).where(Passkey.operator_id == operator_id).order_by(Passkey.id)).all()


def rename(session: Session, operator_id: int, passkey_id: int, name: str) -> bool:
    """Name a passkey of this operator; return whether there is one."""
    mine = (Passkey.id == passkey_id, Passkey.operator_id == operator_id)
    done: Any = session.execute(update(Passkey).where(*mine).values(name=name[:MAX_NAME]))
    return bool(done.rowcount)


def remove(session: Session, operator_id: int, passkey_id: int) -> bool:
    """Remove a passkey of this operator; return whether there was one."""
    mine = (Passkey.id == passkey_id, Passkey.operator_id == operator_id)
    done: Any = session.execute(delete(Passkey).where(*mine))
    second_factors.forget_codes_of_nothing(session, operator_id)
    return bool(done.rowcount)


def spend(session: Session, challenge: bytes, *, at: datetime) -> bool:
    """Note that this challenge was answered; return False if it was before, UserError if it is at this moment."""
    session.execute(delete(SpentChallenge).where(SpentChallenge.spent_at < at - _KEPT))
    digest = token_digest(challenge.hex())
    if session.get(SpentChallenge, digest) is not None:
        return False
    session.add(SpentChallenge(challenge_hash=digest, spent_at=at))
    try:
        session.flush()
    except IntegrityError as error:
        raise UserError("this answer is being used already: try again") from error
    return True


def note_use(session: Session, passkey_id: int, sign_count: int, *, at: datetime) -> bool:
    """Note a use with this sign counter; return False if the counter did not go up, as that of a copy would not."""
    goes_up = or_(Passkey.sign_count < sign_count, and_(Passkey.sign_count == 0, literal(sign_count) == 0))
    done: Any = session.execute(
        update(Passkey).where(Passkey.id == passkey_id, goes_up).values(sign_count=sign_count, used_at=at)
    )
    return bool(done.rowcount)
