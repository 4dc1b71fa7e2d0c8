"""A threshold that came from a risk keeps to it as the gallery grows.

In: sessions, the keys, the settings.  Out: a higher threshold in force, or nothing.
Does not know: who enrols; what runs by the clock.
Main choice: the program only ever tightens.  Loosening is a decision that somebody takes and gives reasons for, even
if people left and the risk would allow it.  It computes for a tenth more people than there are, so that not every new
colleague means a new threshold.  Trade-off: the threshold is a little higher than today's risk asks for.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace

from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.operating_point import OperatingPoint
from attendance.service.calibration import offers
from attendance.service.calibration.site_scores import SiteScores, site_scores_of
from attendance.service.calibration.verdict_texts import verdict_sentence
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
    """Return whether more people are enrolled than the threshold in force was computed for; cheap."""
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
        site_scores = site_scores_of(session, keys, settings, model_id, clock.now())
    number = math.ceil(site_scores.people * (1 + ROOM_TO_GROW))
    offer, reason = _tighter(site_scores, before, risk, number)
    with sessions.begin() as session:
        shared.lock_gallery(session, clock.now())
        row = _outgrown(session, model_id)
        if row is None or row.id != seen:
            return None
        return offers.apply(
            session, site_scores, offer, margin=row.margin, by=None, reason=reason, at=clock.now(), keys=keys
        )


def after_enrolment(sessions: Sessions, keys: Keys, settings: Settings, model_id: str, clock: Clock) -> None:
    """Call `tighten` at once; never raise, since the enrolment is valid whatever happens here.

    If it fails, the next photo or the job within two minutes does it.
    """
    try:
        tighten(sessions, keys, settings, model_id, clock)
    except Exception:  # a busy database, say
        log.exception("the threshold was not checked after an enrolment")


def _tighter(site_scores: SiteScores, before: float, risk: float, number: int) -> tuple[offers.Offer, str]:
    """Return what to put in force, never below `before`, and why."""
    grown = f"{site_scores.people} people are enrolled now; computed for up to {number}"
    offer = offers.calibrate_site(site_scores, risk, number)
    if offer.threshold is not None and offer.threshold > before:
        return offer, f"{grown}: raised" + (
            f", to the weights' own ({verdict_sentence(offer.verdict)})" if offer.fallback else ""
        )
    if offer.fallback or offer.threshold is None:
        return replace(offer, threshold=before, fallback=False), f"{grown}: kept. {verdict_sentence(offer.verdict)}"
    return offers.at(site_scores, before, risk, people=number), f"{grown}: it still holds"


def _outgrown(session: Session, model_id: str) -> Row | None:
    rows = operating_points.history(session, model_id, limit=1)
    if not rows or rows[0].source != "calibration" or rows[0].covers is None:
        return None
    return rows[0] if templates.count_enrolled(session, model_id) > rows[0].covers else None
