"""Who was in at the edge of retention, so that deleting old passages turns nobody's in into an out.

In: a session, a person's id.  Out: `Edge`s by person.
Does not know: when passages are deleted, or how a state is found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from attendance.domain.hours.walk import Edge, Open
from attendance.store.tables.hours import HoursEdge


def edges(session: Session, person_ids: Collection[int]) -> dict[int, Edge]:
    """Return the edges of those of these people who have one."""
    query = select(HoursEdge)
    if len(person_ids) <= 500:
        query = query.where(HoursEdge.person_id.in_(person_ids))
    return {row.person_id: _edge(row) for row in session.scalars(query) if row.person_id in person_ids}


def put_edges(session: Session, found: Mapping[int, Edge]) -> None:
    """Write these people's edges; each replaces the one before it."""
    ids = sorted(found)
    for start in range(0, len(ids), 500):
        session.execute(delete(HoursEdge).where(HoursEdge.person_id.in_(ids[start : start + 500])))
    for person_id, edge in found.items():
        row = HoursEdge(person_id=person_id, at=edge.at, open_at=None, open_day=None, open_until=None, undirected=False)
        if edge.open is not None:
            row.open_at, row.open_day = edge.open.at, edge.open.day
            row.open_until, row.undirected = edge.open.limit, edge.open.undirected
        session.add(row)
    session.flush()


def _edge(row: HoursEdge) -> Edge:
    if row.open_at is None or row.open_day is None or row.open_until is None:
        return Edge(row.at, None)
    return Edge(row.at, Open(row.open_at, row.open_day, row.open_until, row.undirected))
