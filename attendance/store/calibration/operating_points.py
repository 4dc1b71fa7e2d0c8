"""Thresholds in force, and their history.

In: a session; a threshold with where it comes from.  Out: the domain's `OperatingPoint`.
Does not know: what a threshold risks (service/threshold.py computes that).
Main choice: setting one adds a row and changes none, so that every past decision can be explained;
the newest row of a model is in force.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.access.operating_point import OperatingPoint
from attendance.errors import UserError
from attendance.store.tables import calibration

# A row of the history, for the pages, which import no tables.
PointRow = calibration.OperatingPoint


@dataclass(frozen=True, slots=True)
class Basis:
    """What a threshold was computed from; see `tables.OperatingPoint`.  The rates are None without a usable verdict."""

    target: float
    covers: int
    verdict: str
    data: str
    fpir: float | None = None
    fpir_low: float | None = None
    fpir_high: float | None = None


def current(session: Session, model_id: str) -> OperatingPoint | None:
    """Return the point in force for the model, None if none was ever set (every face is then denied)."""
    rows = history(session, model_id, limit=1)
    if not rows:
        return None
    row = rows[0]
    return OperatingPoint(row.threshold, row.margin, row.model_id, row.source, row.created_at)


def set_point(
    session: Session,
    *,
    model_id: str,
    threshold: float,
    margin: float,
    source: str,
    gallery_size: int,
    at: datetime,
    details: Mapping[str, Any] | None = None,
    created_by: str | None = None,
    reason: str | None = None,
    basis: Basis | None = None,
) -> OperatingPoint:
    """Put a threshold (raw cosine) in force; the caller commits.

    `source` is "card default", "administrator" or "calibration"; `gallery_size` is the number of
    people at that moment.  UserError for a threshold outside 0 < t < 1: at or below 0 it accepts
    strangers by the half, at 1 nobody passes.  UserError for a margin outside 0..1.
    """
    if not (math.isfinite(threshold) and 0 < threshold < 1):
        raise UserError(f"a threshold is a cosine between 0 and 1, not {threshold}")
    if not (math.isfinite(margin) and 0 <= margin <= 1):
        raise UserError(f"a margin is a difference of cosines from 0 to 1, not {margin}")
    row = calibration.OperatingPoint(
        model_id=model_id,
        threshold=threshold,
        margin=margin,
        source=source,
        gallery_size=gallery_size,
        details=dict(details or {}),
        created_at=at,
        created_by=created_by,
        reason=reason,
        **({} if basis is None else asdict(basis)),
    )
    session.add(row)
    session.flush()
    return OperatingPoint(threshold, margin, model_id, source, at)


def card_default(session: Session, model_id: str) -> float | None:
    """Return the threshold that came with the model's weights, as last read from the card."""
    query = select(calibration.OperatingPoint.threshold).where(
        calibration.OperatingPoint.model_id == model_id, calibration.OperatingPoint.source == "card default"
    )
    return session.scalar(query.order_by(calibration.OperatingPoint.id.desc()).limit(1))


def history(session: Session, model_id: str, limit: int = 50) -> Sequence[calibration.OperatingPoint]:
    """Newest first.  By id and not by time: a clock that was set back must not revive an old threshold."""
    query = select(calibration.OperatingPoint).where(calibration.OperatingPoint.model_id == model_id)
    return session.scalars(query.order_by(calibration.OperatingPoint.id.desc()).limit(limit)).all()
