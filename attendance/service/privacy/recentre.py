"""The site's centre and its threshold computed anew once somebody was erased.

In: sessions, keys, settings, when the newest erasure was.  Out: an operating point without the erased; True once none
is older.
Does not know: who was erased.
Main choice: a centre holds a share of everybody who was enrolled, so it is computed from those who are left, and the
threshold for it from the same risk.  A threshold without a centre never falls by this: only people loosen one.
Where too few are left for a centre, its threshold fits no other scores: the weights' own is put in force, photo by
photo, or without one a threshold that refuses everybody.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.scoring import BEST_PHOTO, CENTRE, kind_of
from attendance.domain.calibration.risk import ALIKE
from attendance.service.calibration import offers, scorings
from attendance.service.calibration.site_scores import site_scores_of
from attendance.service.ports import Clock
from attendance.store import settings as shared
from attendance.store.calibration import operating_points
from attendance.store.calibration.operating_points import PointRow
from attendance.store.crypto import Keys
from attendance.store.people import templates
from attendance.store.session import Sessions

log = logging.getLogger(__name__)
REASON = "computed anew without somebody who was erased"


def without_the_erased(
    sessions: Sessions, keys: Keys, settings: Settings, model_id: str, clock: Clock, erased_at: datetime
) -> bool:
    """Compute centre and threshold anew if those in force are from before `erased_at`; False: try again.

    Computes before it writes; if somebody else changes the threshold meanwhile, nothing is written.
    """
    with sessions() as session:
        row = _to_renew(session, model_id, erased_at)
        if row is None:
            return True
        enrolled = templates.enrolled_templates(session, keys, model_id)
        name = kind_of(row.scoring)
        centred = CENTRE in name
        few = centred and len({one.person_id for one in enrolled}) < scorings.FEWEST
        scoring = BEST_PHOTO if few else dict(zip(scorings.WORDS, scorings.ways(enrolled), strict=True))[name]
        site_scores = site_scores_of(session, keys, settings, model_id, clock.now(), scoring, enrolled)
    risk = offers.risk_of(row, settings.calibration.risk)
    offer = offers.calibrate_site(site_scores, risk, max(site_scores.people, 1))
    kept = row.threshold
    if few:
        own = site_scores.default
        offer = replace(offer, threshold=ALIKE if own is None else own, fallback=True)
    elif offer.threshold is None or offer.fallback or (not centred and offer.threshold < kept) or row.target is None:
        offer = replace(offers.at(site_scores, kept, risk), threshold=kept, fallback=False)
    with sessions.begin() as session:
        shared.lock_gallery(session, clock.now())
        now_in_force = _to_renew(session, model_id, erased_at)
        if now_in_force is None or now_in_force.id != row.id:
            return now_in_force is None
        source: Literal["administrator", "calibration"] = (
            "administrator" if row.source == "administrator" else "calibration"
        )
        offers.apply(
            session,
            site_scores,
            offer,
            margin=row.margin,
            by=None,
            reason=f"{REASON}: too few are left for a centre" if few else REASON,
            at=clock.now(),
            source=source,
            keys=keys,
        )
    log.info("centre and threshold of %s were computed anew after an erasure", model_id)
    return True


def _to_renew(session: Session, model_id: str, erased_at: datetime) -> PointRow | None:
    """Return the point in force if it rests on the people of before."""
    rows = operating_points.history(session, model_id, limit=1)
    if not rows or rows[0].created_at > erased_at:
        return None
    rests_on_people = CENTRE in rows[0].scoring or rows[0].source == "calibration"
    return rows[0] if rests_on_people else None
