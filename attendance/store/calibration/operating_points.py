"""Thresholds in force, and their history.

In: a session; a threshold with where it comes from.  Out: the domain's `OperatingPoint`.
Does not know: what a threshold risks (service/threshold.py computes that).
Main choice: setting one adds a row and changes none, so that every past decision can be explained;
the newest row of a model is in force.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import ATTEMPT, ATTEMPT_MEAN, BEST_PHOTO, CENTRE, MEAN_PHOTO, Scoring, kind_of
from attendance.errors import Phrase, UserError
from attendance.store.crypto import Damaged, Keys
from attendance.store.tables import calibration

_CENTRE_IS_DAMAGED = Phrase(
    "what the site's faces have in common, which belongs to the threshold, is damaged, so every face is refused: put a "
    'threshold in force again, on the page Threshold, Other ways, or with: calibrate --compare "best photo" --apply'
)

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
    return OperatingPoint(row.threshold, row.margin, row.model_id, row.source, row.created_at, row.scoring)


def scoring_in_force(session: Session, keys: Keys, model_id: str) -> Scoring:
    """Return how faces are compared under the point in force; each against the best photo if there is none.

    Raises UserError for a centre that does not open or is not the one of the point: every face is then refused.
    """
    rows = history(session, model_id, limit=1)
    version = rows[0].scoring if rows else BEST_PHOTO.version
    attempt = version.startswith(ATTEMPT)
    if not version.removeprefix(ATTEMPT).startswith(CENTRE):
        plain = {one.version: one for one in (BEST_PHOTO, MEAN_PHOTO, ATTEMPT_MEAN)}
        if version not in plain:
            raise UserError(
                "this program does not know the scores «%(version)s» of the threshold in force: update it",
                version=version,
            )
        return plain[version]
    try:
        scoring = Scoring(True, keys.open_centre(rows[0].centre or b"", model_id), attempt)
    except (Damaged, ValueError) as error:
        raise UserError("%(damaged)s (%(error)s)", damaged=_CENTRE_IS_DAMAGED, error=error) from error
    if scoring.version != version:
        raise UserError(_CENTRE_IS_DAMAGED)
    return scoring


def compared_so_since(session: Session, model_id: str, any_centre: bool = False) -> datetime | None:
    """Return since when faces are compared as they are now, from which on recorded scores are of one kind.

    None: as far back as the history reaches.  `any_centre`: another centre of the site is still the same way.
    """
    name = kind_of if any_centre else str
    rows = history(session, model_id, limit=1000)
    return next((row.created_at for row, older in pairwise(rows) if name(row.scoring) != name(older.scoring)), None)


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
    scoring: Scoring = BEST_PHOTO,
    keys: Keys | None = None,
    grown: Collection[str] = (),
) -> OperatingPoint:
    """Put a threshold for the scores of `scoring` in force; the caller commits.  A centre needs `keys`.

    `source` is "card default", "administrator" or "calibration"; `gallery_size` is the number of
    people at that moment; `grown`: the random ids of the grown templates that it was computed with, which alone may
    come into use under it.  UserError for a threshold outside 0 < t < 1: at or below 0 it accepts
    strangers by the half, at 1 nobody passes.  UserError for a margin outside 0..1.
    """
    if not (math.isfinite(threshold) and 0 < threshold < 1):
        raise UserError("a threshold is a cosine between 0 and 1, not %(threshold)s", threshold=threshold)
    if not (math.isfinite(margin) and 0 <= margin <= 1):
        raise UserError("a margin is a difference of cosines from 0 to 1, not %(margin)s", margin=margin)
    if scoring.centre is not None and keys is None:
        raise ValueError("a centre is stored sealed only")
    # What belongs to older ones only is no longer needed: the scores by their centres are kept with the passages.
    older = update(calibration.OperatingPoint).where(calibration.OperatingPoint.model_id == model_id)
    session.execute(older.values(centre=None, grown=null()))
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
        scoring=scoring.version,
        centre=None if scoring.centre is None or keys is None else keys.seal_centre(scoring.centre, model_id),
        grown=sorted(grown) or None,
        **({} if basis is None else asdict(basis)),
    )
    session.add(row)
    session.flush()
    return OperatingPoint(threshold, margin, model_id, source, at, scoring.version)


def counted_grown(session: Session, model_id: str) -> frozenset[str]:
    """Return the random ids of the grown templates that the threshold in force was computed with."""
    query = select(calibration.OperatingPoint.grown).where(calibration.OperatingPoint.model_id == model_id)
    return frozenset(session.scalar(query.order_by(calibration.OperatingPoint.id.desc()).limit(1)) or ())


def card_default(session: Session, model_id: str, scoring: str = BEST_PHOTO.version) -> float | None:
    """Return the threshold that came with the model's weights for scores of this version, as last put in force."""
    query = select(calibration.OperatingPoint.threshold).where(
        calibration.OperatingPoint.model_id == model_id,
        calibration.OperatingPoint.source == "card default",
        calibration.OperatingPoint.scoring == scoring,
    )
    return session.scalar(query.order_by(calibration.OperatingPoint.id.desc()).limit(1))


def history(session: Session, model_id: str, limit: int = 50) -> Sequence[calibration.OperatingPoint]:
    """Newest first.  By id and not by time: a clock that was set back must not revive an old threshold."""
    query = select(calibration.OperatingPoint).where(calibration.OperatingPoint.model_id == model_id)
    return session.scalars(query.order_by(calibration.OperatingPoint.id.desc()).limit(limit)).all()
