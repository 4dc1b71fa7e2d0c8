"""Leavers: the templates of people whose employment is over for a while are erased.

In: sessions, the ledger, a day.  Out: how many people's templates went.
Does not know: when it is called (jobs), how long the settings keep them.
Main choice: it goes the way of a withdrawal, with a line in the ledger and a receipt, so that no restored backup brings
a leaver's face back.  Names and working time stay: they are kept for pay, and are erased by hand.
"""

from __future__ import annotations

from datetime import date, datetime

from attendance.domain.people.consent import BOTH, Channel
from attendance.service.audit.audit import Actor
from attendance.service.privacy.erasure import withdraw
from attendance.store.people import employment
from attendance.store.privacy.ledger import Ledger
from attendance.store.session import Sessions

ACTOR = Actor("system", "retention")


def forget_leavers(sessions: Sessions, ledger: Ledger, before: date, at: datetime, most: int = 50) -> int:
    """Erase templates and end consents of at most `most` inactive people whose last day was before `before`."""
    with sessions() as session:
        found = employment.left_before(session, before, most)
    for person_id in found:
        withdraw(sessions, ledger, person_id, ACTOR, at, BOTH, Channel.RETENTION)
    return len(found)
