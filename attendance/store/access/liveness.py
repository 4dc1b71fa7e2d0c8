"""What was found about the liveness of faces, and the drills of cameras.

In: a session.  Out: `Judgement`s by passage, drills, the operating point in force at a camera.
Does not know: how a cue is made.
Main choice: the newest drill with a point counts; older ones are its history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.domain.access.liveness.fusion import Judgement, LivenessPoint, Policy, Verdict, point_of
from attendance.store.tables.access import LivenessDrill, LivenessRuling, Passage

# A row of the history, for the pages, which import no tables.
DrillRow = LivenessDrill


@dataclass(frozen=True, slots=True)
class Found:
    """What is stored about one passage."""

    policy: Policy
    judgement: Judgement
    model_id: str
    source: str


def add_ruling(
    session: Session, passage_id: str, policy: Policy, judgement: Judgement, model_id: str, source: str
) -> None:
    """Note what was found; the caller commits it together with the passage."""
    session.add(
        LivenessRuling(
            passage_id=passage_id,
            policy=policy.value,
            verdict=judgement.verdict.value,
            ratio=judgement.ratio,
            looks=judgement.looks,
            network=judgement.network,
            ring=judgement.ring,
            plane=judgement.plane,
            model_id=model_id,
            source=source,
        )
    )
    session.flush()


def rulings_of(session: Session, passage_ids: Sequence[str]) -> dict[str, Found]:
    """Return what was found about these passages; nothing about those that were not judged."""
    query = select(LivenessRuling).where(LivenessRuling.passage_id.in_(passage_ids))
    return {row.passage_id: _found(row) for row in session.scalars(query)}


def counts_since(session: Session, since: datetime) -> dict[tuple[bool, Verdict], int]:
    """Return how many passages were judged how, by whether the person was let in."""
    query = (
        select(Passage.granted, LivenessRuling.verdict, func.count())
        .join(Passage, Passage.id == LivenessRuling.passage_id)
        .where(Passage.at >= since)
        .group_by(Passage.granted, LivenessRuling.verdict)
    )
    return {(granted, Verdict(verdict)): number for granted, verdict, number in session.execute(query)}


def add_drill(
    session: Session,
    *,
    camera: str,
    model_id: str,
    at: datetime,
    by: str | None,
    result: Mapping[str, Any],
    point: LivenessPoint | None,
) -> int:
    """Store a drill; return its id.  Its point is in force at this camera from the daemon's next start on."""
    values = None
    if point is not None:
        names = ("slope", "offset", "live_from", "attack_below")
        values = {name: getattr(point, name) for name in names}
    row = LivenessDrill(
        camera=camera, model_id=model_id, created_at=at, created_by=by, result=dict(result), point=values
    )
    session.add(row)
    session.flush()
    return row.id


def drills(session: Session, limit: int = 20) -> Sequence[LivenessDrill]:
    """Return the newest drills first."""
    return session.scalars(select(LivenessDrill).order_by(LivenessDrill.id.desc()).limit(limit)).all()


def newest_drills(session: Session, model_id: str) -> Sequence[LivenessDrill]:
    """Return one drill a camera: the one whose point is in force, else the newest."""
    chosen: dict[str, LivenessDrill] = {}
    query = select(LivenessDrill).where(LivenessDrill.model_id == model_id)
    for row in session.scalars(query.order_by(LivenessDrill.id.desc()).limit(500)):
        kept = chosen.get(row.camera)
        if kept is None or (kept.point is None and row.point is not None):
            chosen[row.camera] = row
    return list(chosen.values())


def point_at(session: Session, camera: str, model_id: str) -> LivenessPoint | None:
    """Return the operating point of the newest drill that gave one; None without any."""
    query = select(LivenessDrill).where(LivenessDrill.camera == camera, LivenessDrill.model_id == model_id)
    for row in session.scalars(query.order_by(LivenessDrill.id.desc()).limit(50)):
        if row.point is not None:
            return point_of(row.point, f"drill {row.id}")
    return None


def drilled(session: Session) -> frozenset[tuple[str, str]]:
    """Return (camera, network) for which a drill gave an operating point."""
    rows = session.execute(select(LivenessDrill.camera, LivenessDrill.model_id, LivenessDrill.point)).all()
    return frozenset((camera, model_id) for camera, model_id, point in rows if point is not None)


def _found(row: LivenessRuling) -> Found:
    judgement = Judgement(Verdict(row.verdict), row.ratio, row.looks, row.network, row.ring, row.plane)
    return Found(Policy(row.policy), judgement, row.model_id, row.source)
