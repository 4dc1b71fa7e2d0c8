"""What corrections and leave have in common as requests: they wait, and somebody decides once.

In: a session, a row, states.  Out: changed rows, how many wait.
Does not know: who may decide, what a correction or leave is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from attendance.errors import Phrase, UserError
from attendance.store.tables.hours import Correction, LeaveRow

_NAMES = {Correction: Phrase("this correction"), LeaveRow: Phrase("this leave")}
_STATES = {
    "requested": Phrase("requested"),
    "approved": Phrase("approved"),
    "refused": Phrase("refused"),
    "withdrawn": Phrase("withdrawn"),
}


def move(
    session: Session,
    row: Correction | LeaveRow,
    states: Sequence[str],
    state: str,
    *,
    by: str,
    at: datetime,
    note: str = "",
) -> None:
    """Change the state of a request that is in one of `states`; UserError if another operator was faster."""
    table = type(row)
    # One statement that looks and writes: of two who decide at once, the second finds it decided.
    done: Any = session.execute(
        update(table)
        .where(table.id == row.id, table.state.in_(states))
        .values(state=state, decided_by=by[:100], decided_at=at, decision_note=note[:1000])
    )
    session.refresh(row)
    if not done.rowcount:
        raise UserError("%(request)s was %(state)s already", request=_NAMES[table], state=_STATES[row.state])


def count_waiting(session: Session, table: type[Correction] | type[LeaveRow]) -> int:
    """Return how many of these requests wait for a decision."""
    return session.scalar(select(func.count()).select_from(table).where(table.state == "requested")) or 0
