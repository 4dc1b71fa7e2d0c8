"""How many unknown faces come to the doors, and so how often a risk is taken.

In: a session, the time.  Out: `Traffic`.
Does not know: who they were, what a threshold risks.
Main choice: every refusal of an unknown face counts as a stranger's attempt.  The price: some of them are one's own
people on a bad day, so the number of strangers let in that follows from it is rather too high.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.domain.passage import Method
from attendance.domain.reason import Reason
from attendance.store.tables.access import Passage

WINDOW = timedelta(days=28)
# From fewer days than this a year is not foretold.
LEAST = timedelta(days=3)
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Traffic:
    """`strangers`: unknown faces refused within `span`, up to now."""

    strangers: int
    span: timedelta

    @property
    def per_year(self) -> float | None:
        """None where the time is too short to say."""
        return None if self.span < LEAST else self.strangers * (_YEAR / self.span)


def traffic(session: Session, model_id: str, now: datetime, kept_days: int = 0) -> Traffic:
    """Of the last four weeks, or as long as there are passages; `kept_days`: refusals are forgotten after so many."""
    window = min(WINDOW, timedelta(days=kept_days)) if kept_days else WINDOW
    recent = (Passage.model_id == model_id, Passage.at >= now - window, Passage.at <= now)
    first = session.scalar(select(func.min(Passage.at)).where(*recent))
    if first is None:
        return Traffic(0, timedelta(0))
    by_score = Passage.reason.in_([Reason.UNKNOWN.value, Reason.AMBIGUOUS.value])
    count = select(func.count()).where(*recent, by_score, Passage.method == Method.FACE.value)
    return Traffic(session.scalar(count) or 0, now - first)
