"""A threshold that came from a risk keeps to it as the gallery grows.

In: sessions, the keys, the settings.  Out: a higher threshold in force, or nothing.
Does not know: who enrols; what runs by the clock.
Main choice: only ever tightened by itself.  To loosen is a decision that somebody takes and gives reasons for, even
where people left and the risk would allow it.  Computed for a tenth more people than there are, so that not every new
colleague is a new threshold; the price is a threshold a little higher than today's risk asks for.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace

from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.operating_point import OperatingPoint
from attendance.service.calibration import risk as calibration
from attendance.service.calibration.site_scores import Evidence, evidence_of
from attendance.service.ports import Clock
from attendance.store import settings as shared
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import templates
from attendance.store.session import Sessions
from attendance.store.tables.calibration import OperatingPoint as Row

log = logging.getLogger(__name__)
ROOM_TO_GROW = 0.1


def outgrown(session: Session, model_id: str) -> bool:
    """Whether more people are enrolled than the threshold in force was computed for; cheap."""
    return _outgrown(session, model_id) is not None


def tighten(sessions: Sessions, keys: Keys, settings: Settings, model_id: str, clock: Clock) -> OperatingPoint | None:
    """Compute anew and tighten, if the gallery outgrew the threshold; the new point, None when nothing was to do.

    Computes before it writes, so that a large gallery holds nobody up; when somebody else changes the threshold
    meanwhile, nothing is written and the next call does it.
    """
    if not settings.calibration.tighten:
        return None
    with sessions() as session:
        row = _outgrown(session, model_id)
        if row is None or row.target is None:
            return None
        seen, risk, before = row.id, 1 / row.target, row.threshold
        evidence = evidence_of(session, keys, settings, model_id, clock.now())
    number = math.ceil(evidence.people * (1 + ROOM_TO_GROW))
    offer, reason = _tighter(evidence, before, risk, number)
    with sessions.begin() as session:
        shared.lock_gallery(session, clock.now())
        row = _outgrown(session, model_id)
        if row is None or row.id != seen:
            return None
        return calibration.apply(session, evidence, offer, margin=row.margin, by=None, reason=reason, at=clock.now())


def after_enrolment(sessions: Sessions, keys: Keys, settings: Settings, model_id: str, clock: Clock) -> None:
    """`tighten` at once; does not raise, since the enrolment stands whatever comes of this.

    Where it fails the next photo, or the job within two minutes, does it.
    """
    try:
        tighten(sessions, keys, settings, model_id, clock)
    except Exception:  # a busy database, say
        log.exception("the threshold was not checked after an enrolment")


def _tighter(evidence: Evidence, before: float, risk: float, number: int) -> tuple[calibration.Offer, str]:
    """What to put in force, never below `before`, and why."""
    grown = f"{evidence.people} people are enrolled now; computed for up to {number}"
    offer = calibration.calibrate_site(evidence, risk, number)
    if offer.threshold is not None and offer.threshold > before:
        return offer, f"{grown}: raised" + (f", to the weights' own ({offer.verdict.words})" if offer.fallback else "")
    if offer.fallback or offer.threshold is None:
        return replace(offer, threshold=before, fallback=False), f"{grown}: kept. {offer.verdict.words}"
    return calibration.at(evidence, before, risk, people=number), f"{grown}: it still holds"


def _outgrown(session: Session, model_id: str) -> Row | None:
    rows = operating_points.history(session, model_id, limit=1)
    if not rows or rows[0].source != "calibration" or rows[0].covers is None:
        return None
    return rows[0] if templates.count_enrolled(session, model_id) > rows[0].covers else None
