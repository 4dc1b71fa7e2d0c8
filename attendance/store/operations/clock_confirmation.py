"""What an operator said about the computer's clock: that it is right.

In: a session; the instant that was confirmed with the clock's mark.  Out: the newest confirmation; the newest
passage that a clock may not be before.
Does not know: clocks, who confirmed (the audit does).
Main choice: the instant is kept with the time since the computer's start, so that it stays true while the computer
runs, and no longer once the clock jumps again.  Trade-off: after a restart it only says what time it was then.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from attendance.store import settings
from attendance.store.access import events

_KEY = "clock_confirmed"


class Confirmation(NamedTuple):
    """`at`: the instant that was right · `mark`: the clock's mark then · `newest`: the newest passage then."""

    at: datetime
    mark: str
    newest: datetime | None


def confirm(session: Session, at: datetime, mark: str) -> None:
    """Note that the clock was right at `at`; the caller records it in the audit and commits."""
    newest = events.newest_at(session)
    values = {"at": at.isoformat(), "mark": mark, "newest": None if newest is None else newest.isoformat()}
    settings.put(session, _KEY, values, at)


def confirmed(session: Session) -> Confirmation | None:
    """Return the newest confirmation; None if there is none."""
    kept = settings.get(session, _KEY)
    if kept is None:
        return None
    newest = None if kept["newest"] is None else datetime.fromisoformat(kept["newest"])
    return Confirmation(datetime.fromisoformat(kept["at"]), str(kept["mark"]), newest)


def not_before(session: Session) -> datetime | None:
    """Return the instant that a right clock has passed; None if nothing says so.

    It is the newest passage.  Passages that an operator's confirmation has shown to be of a wrong clock count no
    longer: then it is the confirmation itself.
    """
    newest, known = events.newest_at(session), confirmed(session)
    if newest is not None and known is not None and newest == known.newest and newest > known.at:
        return known.at
    return newest
