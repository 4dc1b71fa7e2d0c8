"""Which way of comparing faces serves this site: each computed for the same risk, side by side.

In: the enrolled templates, an accepted risk.  Out: `Compared` ways, and the one to recommend.
Does not know: pages; how a rate is computed.
Main choice: a site's centre is recommended only where the site's own photos say that it refuses fewer of its people
at the same risk, and never without a number for that risk.  Trade-off: where each person's photos are of one sitting,
all ways look perfect, and the simplest stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.scoring import (
    ATTEMPT,
    ATTEMPT_MEAN,
    BEST_PHOTO,
    CENTRE,
    MEAN_PHOTO,
    Scoring,
    centre_of,
    kind_of,
)
from attendance.domain.calibration.risk import Calibration
from attendance.errors import UserError
from attendance.service.calibration import offers
from attendance.service.calibration.offers import RISK, Offer
from attendance.service.calibration.replay import Photos, replay_photos
from attendance.service.calibration.site_scores import SiteScores, site_scores_of
from attendance.service.calibration.verdict_texts import why_no_number
from attendance.service.people.growth import ready, rules_of
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import templates
from attendance.store.people.templates import Enrolled
from attendance.texts import N_
from attendance.texts import gettext as _

# With fewer people a centre is mostly chance, and with fewer of them with two photos nobody knows whom it refuses.
FEWEST = 5
WORDS = {
    BEST_PHOTO.version: N_("each look with the best of a person’s photos"),
    MEAN_PHOTO.version: N_("each look with the mean of a person’s photos"),
    CENTRE: N_("each look with the mean of a person’s photos, without what all faces of this site have in common"),
    ATTEMPT_MEAN.version: N_("several different looks together, with the mean of a person’s photos"),
    ATTEMPT + CENTRE: N_(
        "several different looks together, with the mean of a person’s photos, without what all faces of this site "
        "have in common"
    ),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One way of comparing.  `name`: a key of WORDS; `in_force`: this kind is in force, though its centre may be older.

    `rate`: what the offered threshold risks, also if it is the weights' own because the risk led to none.
    `reason`: why it cannot be offered, "" if it can.  `photos`: what it would change among the enrolled photos; None
    where nothing else is in force, or no threshold is offered.
    """

    name: str
    site_scores: SiteScores
    offer: Offer
    rate: Calibration
    in_force: bool
    reason: str = ""
    photos: Photos | None = None


def compare(
    session: Session, keys: Keys, settings: Settings, model_id: str, now: datetime, risk: float = RISK
) -> list[Compared]:
    """Return every way with its offer for the risk, simplest first; raises as `site_scores_of` does."""
    point = operating_points.current(session, model_id)
    in_force = kind_of(BEST_PHOTO.version if point is None else point.scoring)
    enrolled = templates.enrolled_templates(session, keys, model_id)
    waiting = ready(session, keys, model_id, rules_of(settings), now)
    present = None if point is None else _present(session, keys, settings, model_id, now, enrolled)
    result = []
    for name, scoring in zip(WORDS, ways(enrolled), strict=True):
        site_scores = site_scores_of(session, keys, settings, model_id, now, scoring, enrolled, waiting)
        offer = offers.calibrate_site(site_scores, risk)
        rate = offer.calibration
        if offer.fallback and offer.threshold is not None:
            rate = offers.at(site_scores, offer.threshold, risk).calibration
        trouble = _trouble(name, site_scores, offer)
        photos = None
        if present is not None and point is not None and offer.threshold is not None and name != in_force:
            photos = replay_photos(present, point.threshold, site_scores, offer.threshold)
        result.append(Compared(name, site_scores, offer, rate, name == in_force, trouble, photos))
    return result


def _present(
    session: Session, keys: Keys, settings: Settings, model_id: str, now: datetime, enrolled: Sequence[Enrolled]
) -> SiteScores | None:
    """Return the scores of the way in force, with the very centre in force; None if that one is damaged."""
    try:
        return site_scores_of(session, keys, settings, model_id, now, None, enrolled)
    except UserError:
        return None


def ways(enrolled: Sequence[Enrolled]) -> tuple[Scoring, ...]:
    """Return the ways of WORDS, with the centre of the people who are enrolled now; without one for fewer than two."""
    centre = None
    if enrolled:
        owners = np.array([row.person_id for row in enrolled], np.int64)
        means, _ids = MEAN_PHOTO.people(np.stack([row.template.vector for row in enrolled]), owners)
        centre = centre_of(means)
    return BEST_PHOTO, MEAN_PHOTO, Scoring(True, centre), ATTEMPT_MEAN, Scoring(True, centre, attempt=True)


def recommended(ways: Sequence[Compared]) -> Compared | None:
    """Return the way that refuses the fewest own people at the same risk; None if the one in force is as good.

    Ways without a number for the risk are not compared.  Of equally good ways the simplest wins.  Attempts go before
    single looks: a site's photos cannot show what pooling looks gains, and it was measured (`docs/LOG.md`).
    """
    able = [way for way in ways if not way.reason and not way.offer.fallback and way.offer.refused.value is not None]
    if not able:
        return None
    able = [way for way in able if way.site_scores.scoring.attempt] or able
    best = min(able, key=lambda way: way.offer.refused.value or 0.0)
    present = next((way for way in able if way.in_force), None)
    if best.in_force or (present is not None and present.offer.refused.value == best.offer.refused.value):
        return None
    return best


def _trouble(name: str, site_scores: SiteScores, offer: Offer) -> str:
    if name.endswith(CENTRE) and len(np.unique(site_scores.owners)) < FEWEST:
        return _("It needs at least five people with two photos each.")
    if offer.threshold is None:
        return _("No threshold can be given: %(why)s", why=why_no_number(offer.calibration))
    return ""
