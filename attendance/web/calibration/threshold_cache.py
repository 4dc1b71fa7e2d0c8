"""What the threshold page computed last: scores of photos, scores of the site, the curve, offers.

In: a session.  Out: the `CachedNumbers` of the newest gallery.
Does not know: pages; what a risk is.
Main choice: everything is kept until the gallery or the day changes, in one place and with one lock, so that two
people who move the slider compute once.  Trade-off: the cache holds all scores of the site in memory.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date

from flask import current_app
from sqlalchemy.orm import Session

from attendance.domain.access.operating_point import OperatingPoint
from attendance.errors import UserError
from attendance.service.calibration import offers
from attendance.service.calibration.offers import CurvePoint, Offer
from attendance.service.calibration.site_scores import SiteScores, score_site, site_scores_of
from attendance.service.calibration.threshold import GalleryScores, gallery_scores
from attendance.service.people.growth import NOTHING, Ready, ready, rules_of
from attendance.store.calibration import operating_points
from attendance.store.people import grown
from attendance.store.settings import gallery_version
from attendance.web.site import Site, current_site

_EXTENSION = "attendance_threshold_cache"
_MOST = 64


@dataclass
class CachedNumbers:
    """The numbers of one gallery on one day.  `at` and `offer` keep what they computed.

    `site_scores`: with the grown templates that wait for a threshold · `today`: of what counts at the doors.
    """

    scores: GalleryScores
    site_scores: SiteScores
    curve: list[CurvePoint]
    today: SiteScores
    _offers: dict[tuple[str, float], Offer] = field(default_factory=dict)

    def at(self, threshold: float) -> Offer:
        """Return what this threshold risks."""
        return self._offer(("at", threshold))

    def at_today(self, threshold: float) -> Offer:
        """Return what this threshold risks without what waits."""
        return self.at(threshold) if self.today is self.site_scores else self._offer(("today", threshold))

    def offer(self, risk: float) -> Offer:
        """Return the threshold for this risk."""
        return self._offer(("offer", risk))

    def _offer(self, key: tuple[str, float]) -> Offer:
        offer = self._offers.get(key)
        if offer is None:
            if len(self._offers) >= _MOST:
                self._offers.clear()
            site_scores = self.today if key[0] == "today" else self.site_scores
            compute = offers.calibrate_site if key[0] == "offer" else offers.at
            offer = self._offers[key] = compute(site_scores, key[1])
        return offer


@dataclass
class ThresholdCache:
    """One request computes while others wait.

    `key`: what `numbers` follow from: the gallery's version, the day, the threshold in force, and the grown templates
    that waited long enough.
    """

    turn: threading.Lock = field(default_factory=threading.Lock)
    key: tuple[int, date, OperatingPoint | None, frozenset[str]] | None = None
    numbers: CachedNumbers | None = None


def cached_numbers(session: Session) -> CachedNumbers:
    """Return the numbers of today's gallery; raise UserError for templates that cannot be read.

    `site_scores.trouble` says what is wrong with the packaged strangers.
    """
    site = current_site()
    cache: ThresholdCache = current_app.extensions.setdefault(_EXTENSION, ThresholdCache())
    with cache.turn:
        # The version first, as in load_gallery: a change in between is computed twice.
        point = operating_points.current(session, site.model_id)
        rules, now = rules_of(site.settings), site.clock.now()
        due = frozenset(() if rules is None else grown.due(session, site.model_id, now))
        key = gallery_version(session), site.local(now).date(), point, due
        if cache.numbers is None or cache.key != key:
            waiting = ready(session, site.keys, site.model_id, rules, now)
            scores = gallery_scores(session, site.keys, site.model_id)
            site_scores = _site_scores(session, site, waiting)
            today = _site_scores(session, site, NOTHING) if waiting.fits else site_scores
            cache.numbers, cache.key = CachedNumbers(scores, site_scores, offers.curve(site_scores), today), key
        return cache.numbers


def _site_scores(session: Session, site: Site, waiting: Ready) -> SiteScores:
    try:
        return site_scores_of(session, site.keys, site.settings, site.model_id, site.clock.now(), ready=waiting)
    except UserError as error:  # strangers that do not fit; damaged templates are raised again below
        scoring = operating_points.scoring_in_force(session, site.keys, site.model_id)
        return score_site(session, site.keys, site.model_id, None, trouble=error.words, scoring=scoring)
