"""A threshold that came from a risk keeps to it as the gallery grows: by people, and by templates that grew.

In: sessions, the keys, the settings.  Out: a higher threshold in force, or nothing; what that one does not know.
Does not know: who enrols; which looks grow; what runs by the clock.
Main choice: the program only ever tightens.  Loosening is a decision that somebody takes and gives reasons for, even
if people left and the risk would allow it.  It computes for a tenth more people than there are, so that not every new
colleague means a new threshold.  Trade-off: the threshold is a little higher than today's risk asks for.
Templates that grew wait until they were counted here, or by somebody who put a threshold in force (`people/growth`).
Where no number can be given with them, they wait, and the pages say so.
"""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.operating_point import OperatingPoint
from attendance.service.calibration import offers
from attendance.service.calibration.site_scores import SiteScores, site_scores_of
from attendance.service.calibration.verdict_texts import verdict_sentence
from attendance.service.people import growth
from attendance.service.people.growth import NOTHING, Ready
from attendance.service.ports import Clock, doubt_about
from attendance.store import settings as shared
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import grown, templates
from attendance.store.session import Sessions
from attendance.store.tables.calibration import OperatingPoint as Row
from attendance.texts import gettext as _
from attendance.texts import ngettext

log = logging.getLogger(__name__)
ROOM_TO_GROW = 0.1
# What is ready for so long does not come into use by itself.
SOON = timedelta(minutes=10)
# The value that says for which gallery no number could be given with what is ready.
IN_VAIN = "growth_in_vain"


@dataclass(frozen=True, slots=True)
class Unknown:
    """What the threshold in force was not computed for; all 0: nothing.

    `people`: how many are enrolled, if more than it covers · grown templates: `came` into use without it, `went` though
    it was computed with them, `wait` for a threshold that is.
    """

    people: int = 0
    came: int = 0
    went: int = 0
    wait: int = 0

    def __bool__(self) -> bool:
        """Return whether the stated risk no longer holds; what only waits changes nothing."""
        return bool(self.people or self.came or self.went)


def unknown(session: Session, model_id: str, now: datetime) -> Unknown:
    """Return what the threshold in force does not know; cheap.  One that states no risk need not know anything."""
    rows = operating_points.history(session, model_id, limit=1)
    if not rows:
        return Unknown()
    row, people = rows[0], templates.count_enrolled(session, model_id)
    counted = operating_points.counted_grown(session, model_id)
    wait = len(grown.due(session, model_id, now - SOON).keys() - counted)
    if row.covers is None:
        return Unknown(wait=wait)
    return Unknown(
        people if people > row.covers else 0,
        len(grown.in_use(session, model_id) - counted),
        len(counted - grown.all_of(session, model_id)),
        wait,
    )


def sentences(found: Unknown) -> list[str]:
    """Return what the threshold in force does not know, and what follows; [] if nothing."""
    said = []
    if found.people:
        said.append(
            _(
                "%(number)s people are enrolled now, more than this threshold was set for. Each new person is another "
                "chance for a stranger.",
                number=found.people,
            )
        )
    if found.came:
        said.append(
            ngettext(
                "%(number)s grown template is in use that this threshold was not computed with. More strangers may "
                "pass than it says.",
                "%(number)s grown templates are in use that this threshold was not computed with. More strangers may "
                "pass than it says.",
                found.came,
            )
        )
    if found.went:
        said.append(
            ngettext(
                "%(number)s grown template is gone that this threshold was computed with, so the risk it states no "
                "longer holds.",
                "%(number)s grown templates are gone that this threshold was computed with, so the risk it states no "
                "longer holds.",
                found.went,
            )
        )
    if found.wait:
        said.append(
            ngettext(
                "%(number)s grown template waits for a threshold that is computed with it. Until then it counts at no "
                "door.",
                "%(number)s grown templates wait for a threshold that is computed with them. Until then they count at "
                "no door.",
                found.wait,
            )
        )
    return said


def tighten(sessions: Sessions, keys: Keys, settings: Settings, model_id: str, clock: Clock) -> OperatingPoint | None:
    """Compute anew and tighten, if the gallery outgrew the threshold; the new point, None when nothing was to do.

    Computes before it writes, so that a large gallery holds nobody up; when somebody else changes the threshold
    meanwhile, nothing is written and the next call does it.
    """
    if not settings.calibration.tighten:
        return None
    with sessions() as session:
        row = _that_follows_a_risk(session, model_id)
        if row is None:
            return None
        found = _computed(session, keys, settings, row, clock)
    if found.in_vain:
        with sessions.begin() as session:
            shared.put(session, IN_VAIN, found.in_vain, clock.now())
    if found.offer is None or found.site_scores is None:
        return None
    with sessions.begin() as session:
        shared.lock_gallery(session, clock.now())
        now_in_force = _that_follows_a_risk(session, model_id)
        if now_in_force is None or now_in_force.id != row.id:
            return None
        return offers.apply(
            session,
            found.site_scores,
            found.offer,
            margin=row.margin,
            by=None,
            reason=found.reason,
            at=clock.now(),
            keys=keys,
        )


def after_enrolment(sessions: Sessions, keys: Keys, settings: Settings, model_id: str, clock: Clock) -> None:
    """Call `tighten` at once; never raise, since the enrolment is valid whatever happens here.

    If it fails, the next photo or the job within two minutes does it.
    """
    try:
        tighten(sessions, keys, settings, model_id, clock)
    except Exception:  # a busy database, say
        log.exception("the threshold was not checked after an enrolment")


@dataclass(frozen=True, slots=True)
class _Found:
    """What to put in force, if anything; `in_vain`: with which gallery and templates no number could be given."""

    offer: offers.Offer | None = None
    site_scores: SiteScores | None = None
    reason: str = ""
    in_vain: str = ""


def _computed(session: Session, keys: Keys, settings: Settings, row: Row, clock: Clock) -> _Found:
    """Compute for who is enrolled and what grew, also for what only waits for this threshold."""
    model_id, now = row.model_id, clock.now()
    in_vain = ""
    counted = operating_points.counted_grown(session, model_id)
    # Nothing comes into use by a clock that may be wrong.
    rules = None if doubt_about(clock) else growth.rules_of(settings)
    for ready in (growth.ready(session, keys, model_id, rules, now), NOTHING):
        name = _name(session, row, ready)
        if not _to_compute(session, row, counted, ready) or name == shared.get(session, IN_VAIN):
            continue
        site_scores = site_scores_of(session, keys, settings, model_id, now, ready=ready)
        offer, reason, number = _tighter(site_scores, row, counted)
        if number or ready is NOTHING:
            return _Found(offer, site_scores, reason, in_vain)
        in_vain = name
    return _Found(in_vain=in_vain)


def _to_compute(session: Session, row: Row, counted: frozenset[str], ready: Ready) -> bool:
    """Return whether the gallery, with what is ready, differs from the one that the threshold was computed for."""
    if templates.count_enrolled(session, row.model_id) > (row.covers or 0):
        return True
    if growth.with_ready(session, row.model_id, ready) - counted:
        return True
    return bool(counted - grown.all_of(session, row.model_id))


def _name(session: Session, row: Row, ready: Ready) -> str:
    """Return a word for this threshold, gallery and what is ready; another one if any of them changes."""
    if not ready.fits:
        return ""
    words = f"{row.id} {shared.gallery_version(session)} {' '.join(sorted(ready.fits))}"
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _tighter(site_scores: SiteScores, row: Row, counted: frozenset[str]) -> tuple[offers.Offer, str, bool]:
    """Return what to put in force, never below the threshold of `row`, why, and whether the risk led to a number."""
    before, risk, people = row.threshold, 1 / (row.target or 1 / offers.RISK), site_scores.people
    number = row.covers or 0 if people <= (row.covers or 0) else math.ceil(people * (1 + ROOM_TO_GROW))
    why = f"{people} people are enrolled now; computed for up to {number}"
    if site_scores.grown != counted:
        now = f"{people} people and {len(site_scores.grown)} grown templates (before: {len(counted)})"
        why = f"{now} count now; computed for up to {number} people"
    offer = offers.calibrate_site(site_scores, risk, number)
    usable = offer.threshold is not None and not offer.fallback
    if offer.threshold is not None and offer.threshold > before:
        return (
            offer,
            f"{why}: raised" + (f", to the weights' own ({verdict_sentence(offer.verdict)})" if offer.fallback else ""),
            usable,
        )
    if not usable:
        return (
            replace(offer, threshold=before, fallback=False),
            f"{why}: kept. {verdict_sentence(offer.verdict)}",
            False,
        )
    return offers.at(site_scores, before, risk, people=number), f"{why}: it still holds", True


def _that_follows_a_risk(session: Session, model_id: str) -> Row | None:
    """Return the threshold in force if it came from a risk."""
    rows = operating_points.history(session, model_id, limit=1)
    follows = rows and rows[0].source == "calibration" and rows[0].covers is not None and rows[0].target is not None
    return rows[0] if follows else None
