"""How many unknown faces come to the doors, and so how often a risk is taken.

In: a session, the time.  Out: `StrangerRate`.
Does not know: who they were, what a threshold risks.
Main choice: every refusal of an unknown face counts as a stranger's attempt.  Trade-off: some of them are enrolled
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
# With fewer days than this a year is not predicted.
LEAST = timedelta(days=3)
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class StrangerRate:
    """`strangers`: unknown faces refused within `span`, up to now."""

    strangers: int
    span: timedelta

    @property
    def per_year(self) -> float | None:
        """Return how many come in a year; None if the time is too short to say."""
        return None if self.span < LEAST else self.strangers * (_YEAR / self.span)


def stranger_rate(session: Session, model_id: str, now: datetime, kept_days: int = 0) -> StrangerRate:
    """Count the last four weeks, or the time since the first passage.

    `kept_days`: refusals are forgotten after so many.
    """
    window = min(WINDOW, timedelta(days=kept_days)) if kept_days else WINDOW
    recent = (Passage.model_id == model_id, Passage.at >= now - window, Passage.at <= now)
    first = session.scalar(select(func.min(Passage.at)).where(*recent))
    if first is None:
        return StrangerRate(0, timedelta(0))
    by_score = Passage.reason.in_([Reason.UNKNOWN.value, Reason.AMBIGUOUS.value])
    count = select(func.count()).where(*recent, by_score, Passage.method == Method.FACE.value)
    return StrangerRate(session.scalar(count) or 0, now - first)
