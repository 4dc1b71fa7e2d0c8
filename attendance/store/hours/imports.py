"""Check-ins of other terminals that were taken in from files, and the imports that they came with.

In: a session, plain values.  Out: rows; ids that are known.
Does not know: what a file looks like, which check-ins may be taken in.
Main choice: they are granted passages like any other, so that corrections, reports and erasure treat them alike; an
import beside them says whether they count.  So a file of any length is written in short transactions, and begins to
count in one: all or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from attendance.domain.passage import Method
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.store.tables.access import Passage
from attendance.store.tables.hours import ImportedPunch, PunchImport

MOST_AT_ONCE = 200


def add_import(session: Session, **columns: Any) -> PunchImport:
    row = PunchImport(state="loading", **columns)
    session.add(row)
    session.flush()
    return row


def known_ids(session: Session, ids: Iterable[str]) -> set[str]:
    """Return which of these passages there are already."""
    wanted, found = list(ids), set[str]()
    for start in range(0, len(wanted), 500):
        found |= set(session.scalars(select(Passage.id).where(Passage.id.in_(wanted[start : start + 500]))))
    return found


def add_punches(session: Session, import_id: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add at most 200 check-ins that do not count yet: id, at, camera, person_id, direction.  Return how many are new.

    Writes first, so that of two imports at once the second finds what the first added.
    """
    session.execute(update(PunchImport).where(PunchImport.id == import_id).values(state="loading"))
    known = known_ids(session, (row["id"] for row in rows))
    new = [row for row in rows if row["id"] not in known]
    if new:
        same = {
            "granted": True, "reason": Reason.MATCHED.value, "model_id": "", "gallery_version": 0, "frames": 0,
            "method": Method.TERMINAL.value,
        }  # fmt: skip
        session.execute(insert(Passage), [{**same, **row} for row in new])
        session.execute(insert(ImportedPunch), [{"passage_id": row["id"], "import_id": import_id} for row in new])
    return len(new)


def set_state(session: Session, import_id: str, state: str) -> None:
    session.execute(update(PunchImport).where(PunchImport.id == import_id).values(state=state))


def drop_punches(session: Session, import_id: str) -> int:
    """Delete at most 200 check-ins of an import; return how many."""
    ids = list(
        session.scalars(
            select(ImportedPunch.passage_id).where(ImportedPunch.import_id == import_id).limit(MOST_AT_ONCE)
        )
    )
    session.execute(delete(ImportedPunch).where(ImportedPunch.passage_id.in_(ids)))
    session.execute(delete(Passage).where(Passage.id.in_(ids)))
    return len(ids)


def get_import(session: Session, import_id: str) -> PunchImport:
    """Return the import; UserError if there is none with this id."""
    row = session.get(PunchImport, import_id)
    if row is None:
        raise UserError("there is no such import")
    return row


def list_imports(session: Session, limit: int = 50) -> Sequence[PunchImport]:
    """Return the imports that count or were removed, the newest first."""
    query = select(PunchImport).where(PunchImport.state != "loading").order_by(PunchImport.id.desc())
    return session.scalars(query.limit(limit)).all()


def left_over(session: Session, before: datetime) -> list[str]:
    """Return the ids of imports that began before and never counted, or whose check-ins are still to be deleted."""
    unfinished = select(PunchImport.id).where(PunchImport.state == "loading", PunchImport.at < before)
    removed = select(PunchImport.id).where(
        PunchImport.state == "removed", PunchImport.id.in_(select(ImportedPunch.import_id))
    )
    return [*session.scalars(unfinished), *session.scalars(removed)]
