"""What the threshold page computed last: scores, evidence, the curve, offers.

In: a session.  Out: a `Known` of the newest gallery.
Does not know: pages; what a risk is.
Main choice: everything is kept until the gallery or the day changes, in one place and with one lock, so that two
people who move the slider compute once; the price is the memory of all scores of the site.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date

from flask import current_app
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.calibration import risk as calibration
from attendance.service.calibration.risk import CurvePoint, Offer
from attendance.service.calibration.site_scores import Evidence, evidence_of, gather
from attendance.service.calibration.threshold import GalleryScores, gallery_scores
from attendance.store.settings import gallery_version
from attendance.web.site import Site, current_site

_EXTENSION = "attendance_threshold_memory"
_MOST = 64


@dataclass
class Known:
    """Of one gallery on one day.  `at` and `offer` keep what they computed."""

    scores: GalleryScores
    evidence: Evidence
    curve: list[CurvePoint]
    _kept: dict[tuple[str, float], Offer] = field(default_factory=dict)

    def at(self, threshold: float) -> Offer:
        return self._keep(("at", threshold))

    def offer(self, risk: float) -> Offer:
        return self._keep(("offer", risk))

    def _keep(self, key: tuple[str, float]) -> Offer:
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            compute = calibration.at if key[0] == "at" else calibration.calibrate_site
            found = self._kept[key] = compute(self.evidence, key[1])
        return found


@dataclass
class Memory:
    """One request computes while others wait."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    of: tuple[int, date] | None = None
    known: Known | None = None


def known(session: Session) -> Known:
    """UserError for templates that cannot be read; what is wrong with the packaged strangers is told as trouble."""
    site = current_site()
    memory: Memory = current_app.extensions.setdefault(_EXTENSION, Memory())
    with memory.turn:
        # The version first, as in load_gallery: a change in between is computed twice.
        of = gallery_version(session), site.local(site.clock.now()).date()
        if memory.known is None or memory.of != of:
            scores = gallery_scores(session, site.keys, site.model_id)
            evidence = _evidence(session, site)
            memory.known, memory.of = Known(scores, evidence, calibration.curve(evidence)), of
        return memory.known


def _evidence(session: Session, site: Site) -> Evidence:
    try:
        return evidence_of(session, site.keys, site.settings, site.model_id, site.clock.now())
    except UserError as error:  # strangers that do not fit; damaged templates are raised again below
        return gather(session, site.keys, site.model_id, None, trouble=str(error))
