"""Sign-ins of operators and employees: begun, seen, listed, ended.

In: a session, whose sign-in it is, a browser's token.  Out: `SignIn` rows.
Does not know: cookies, how long a sign-in may last (the caller judges its age).
Main choice: a browser holds a random token and nothing else; what it may do is in a row here.  So a copy of a cookie
is worth nothing once the row is gone, and each row can be seen and ended.  Trade-off: one more small query a request.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from attendance.store.crypto import token_digest
from attendance.store.tables.operators import HalfSignIn, Operator
from attendance.store.tables.operators import SignIn as SignIn  # for the pages, which import no tables

# Longer than any sign-in may last (`web.session_hours`); older rows of browsers that never came back are deleted.
_KEPT = timedelta(days=31)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """What a list of sign-ins says about a browser: its address, and what it calls itself."""

    address: str = ""
    browser: str = ""


def begin(
    session: Session,
    *,
    at: datetime,
    mark: str,
    way: str,
    operator_id: int | None = None,
    person_id: int | None = None,
    caller: Caller | None = None,
) -> str:
    """Add a sign-in of an operator or an employee and return its token, which is not stored.

    `mark`: the clock's, by which an age is known (service/ports.py).
    """
    token, caller = secrets.token_urlsafe(32), caller or Caller()
    session.execute(delete(SignIn).where(SignIn.begun_at < at - _KEPT))
    row = SignIn(
        id=secrets.token_hex(8),
        token_hash=token_digest(token),
        operator_id=operator_id,
        person_id=person_id,
        way=way,
        begun_at=at,
        begun_mark=mark,
        seen_at=at,
        seen_mark=mark,
        proven_at=at,
        proven_mark=mark,
        address=caller.address[:45],
        browser=caller.browser[:100],
    )
    session.add(row)
    session.flush()
    return token


def find(session: Session, token: str) -> SignIn | None:
    """Return the sign-in of this token, unless it was ended."""
    return session.scalar(select(SignIn).where(SignIn.token_hash == token_digest(token))) if token else None


def see(session: Session, sign_in: SignIn, *, at: datetime, mark: str) -> None:
    """Note that its holder did something."""
    session.execute(update(SignIn).where(SignIn.id == sign_in.id).values(seen_at=at, seen_mark=mark))


def prove(session: Session, sign_in_id: str, *, at: datetime, mark: str) -> None:
    """Note that its holder proved again who they are."""
    session.execute(update(SignIn).where(SignIn.id == sign_in_id).values(proven_at=at, proven_mark=mark))


def list_of(session: Session, operator_id: int) -> Sequence[SignIn]:
    """Return an operator's sign-ins, the one that was used last first."""
    return session.scalars(
        select(SignIn).where(SignIn.operator_id == operator_id).order_by(SignIn.seen_at.desc(), SignIn.id)
    ).all()


def is_known_at(session: Session, username: str, address: str) -> bool:
    """Return whether the operator of this name has a sign-in from this address that was not ended."""
    query = select(SignIn.id).join(Operator, Operator.id == SignIn.operator_id)
    found = query.where(Operator.username == username.strip().casefold(), SignIn.address == address)
    return session.scalar(found.limit(1)) is not None


def end(session: Session, token: str) -> None:
    """End the sign-in of this token, if it is still there."""
    session.execute(delete(SignIn).where(SignIn.token_hash == token_digest(token)))


def end_one(session: Session, operator_id: int, sign_in_id: str) -> bool:
    """End one sign-in of this operator; return whether there was one."""
    done: Any = session.execute(delete(SignIn).where(SignIn.id == sign_in_id, SignIn.operator_id == operator_id))
    return bool(done.rowcount)


def end_all(
    session: Session, *, operator_id: int | None = None, person_id: int | None = None, but: str | None = None
) -> None:
    """End every sign-in of an operator or of an employee.  `but`: the id of one to keep."""
    whose = SignIn.operator_id == operator_id if operator_id is not None else SignIn.person_id == person_id
    if operator_id is not None:  # nor does what waits for its code become one
        session.execute(delete(HalfSignIn).where(HalfSignIn.operator_id == operator_id))
    session.execute(delete(SignIn).where(whose, SignIn.id != (but or "")))
