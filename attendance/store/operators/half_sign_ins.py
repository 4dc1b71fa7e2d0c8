"""Sign-ins between the password and the code: begun, looked up, ended.

In: a session, an operator's id, a browser's token.  Out: `HalfSignIn` rows.
Does not know: cookies, codes, how long one may wait (the caller judges its age).
Main choice: a table of its own, so that no query for a sign-in ever finds a half one; what it becomes gets another
token.  Trade-off: two places to look for what an operator has begun.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from attendance.store.crypto import token_digest
from attendance.store.tables.operators import HalfSignIn as HalfSignIn  # for the pages, which import no tables

LASTS = timedelta(minutes=5)
MOST_WRONG = 5


def begin(session: Session, operator_id: int, *, at: datetime, mark: str) -> str:
    """Return the token of a new half sign-in, which is not stored; those of browsers that never came back go."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(HalfSignIn).where(HalfSignIn.begun_at < at - timedelta(days=1)))
    session.add(
        HalfSignIn(token_hash=token_digest(token), operator_id=operator_id, begun_at=at, begun_mark=mark, wrong=0)
    )
    session.flush()
    return token


def find(session: Session, token: str) -> HalfSignIn | None:
    """Return the half sign-in of this token, unless it was ended or too many codes were wrong."""
    query = select(HalfSignIn).where(HalfSignIn.token_hash == token_digest(token), HalfSignIn.wrong < MOST_WRONG)
    return session.scalar(query) if token else None


def note_wrong(session: Session, token: str) -> None:
    """Count a wrong code; after some of them the password is asked for again."""
    this = HalfSignIn.token_hash == token_digest(token)
    session.execute(update(HalfSignIn).where(this).values(wrong=HalfSignIn.wrong + 1))


def end(session: Session, token: str) -> bool:
    """End this half sign-in; return whether it was still there: of two requests with one token only one sees it."""
    gone: Any = session.execute(delete(HalfSignIn).where(HalfSignIn.token_hash == token_digest(token)))
    return bool(gone.rowcount)
