"""The threshold page: a risk in plain words, how often it refuses people, and putting it in force.

In: a risk from the slider, or a threshold by hand, and a margin.  Out: the page; the numbers alone for the script; a
new operating point.
Does not know: how scores, rates and thresholds are computed.
Main choice: the script asks the server for each position of the slider instead of computing itself,
so that no formula exists twice; what was computed is kept until the gallery changes, so an answer takes
milliseconds.  A change that lets in more than before needs a reason and a second confirmation.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.access.liveness.fusion import AUTO
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import kind_of
from attendance.errors import UserError
from attendance.service.access.doors import unproven
from attendance.service.access.liveness.at_site import liveness_at_site
from attendance.service.access.liveness.gates import policy_at
from attendance.service.calibration import offers, risk_words, scorings
from attendance.service.calibration.auto_tighten import sentences, unknown
from attendance.service.calibration.offers import Offer, loosens
from attendance.service.calibration.replay import Replayed, replay
from attendance.service.calibration.stranger_rate import stranger_rate
from attendance.service.calibration.threshold import consequences
from attendance.service.calibration.verdict_texts import verdict_name, verdict_sentence, why_no_number
from attendance.store import settings as shared
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.texts import gettext as _
from attendance.web.calibration import chart
from attendance.web.calibration.risk_slider import RISKS, nearest_step
from attendance.web.calibration.threshold_cache import CachedNumbers, cached_numbers
from attendance.web.errors import error_sentence
from attendance.web.formats import score
from attendance.web.forms import ThresholdForm
from attendance.web.security import permission
from attendance.web.site import current_site
from attendance.web.sudo import require_proof, sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("threshold", __name__, url_prefix="/threshold")

# The decisions of so many past days can be replayed.
REPLAYED, USUAL = (1, 7, 30), 7
# The position of the slider by hand before any threshold was set: high, so that nothing is loosened by accident.
UNSET = 0.6
LIVENESS_DAYS = timedelta(days=30)
# So many past decisions that would change, and people to enrol again, are named.
MOST_CHANGED, MOST_PEOPLE = 10, 8

# A stranger's chance, and the share of own people who are refused.
Rates = tuple[float | None, float | None]


def _by_site_locale(words: Callable[[Any, str], str]) -> Callable[[Any], str]:
    """Return a filter that writes numbers as the site's locale does."""
    return lambda value: words(value, current_site().settings.site.locale)


for _words in (risk_words.one_in, risk_words.out_of, risk_words.a_year, risk_words.stranger):
    blueprint.add_app_template_filter(_by_site_locale(_words), _words.__name__)
blueprint.add_app_template_filter(verdict_name)
blueprint.add_app_template_filter(verdict_sentence)
blueprint.add_app_template_filter(why_no_number)


@dataclass(frozen=True)
class Choice:
    """What the page shows.  `offer` belongs to `threshold`; that is None if a risk leads to none."""

    mode: Literal["risk", "hand"]
    step: int
    threshold: float | None
    margin: float
    offer: Offer

    @property
    def risk(self) -> int:
        return RISKS[self.step]


@blueprint.get("")
@permission("read_threshold")
def page() -> ResponseReturnValue:
    return render_template("calibration/threshold.html", **_context(request.args))


@blueprint.get("/numbers")
@permission("read_threshold")
def numbers() -> ResponseReturnValue:
    """Show what the chosen risk or threshold means, alone, for the script."""
    return render_template("calibration/_threshold_parts.html", **_context(request.args))


@blueprint.post("")
@permission("set_threshold")
@sudo(by_view=True)
def save() -> ResponseReturnValue:
    form, site = ThresholdForm(), current_site()
    chosen = request.form
    if form.validate_on_submit():
        with site.sessions() as session:
            cached = cached_numbers(session)
            history = operating_points.history(session, site.model_id, limit=1)
            before = operating_points.current(session, site.model_id)
        choice = _choice(cached, history[0] if history else None, chosen)
        if form.seen.data != stamp_of(before):
            form.form_errors.append(_("Somebody else set a threshold meanwhile. Look at the page again, then decide."))
        elif choice.threshold is None:
            form.form_errors.append(
                _("No threshold can be given: %(why)s", why=why_no_number(choice.offer.calibration))
            )
        elif loosens(before, choice.threshold, choice.margin, cached.site_scores.scoring.version):
            if not form.reason.data:
                form.reason.errors = [_("This lets more faces in. Say why; it stays in the history.")]
            elif form.confirm.data != _confirmation(choice):
                return render_template(
                    "calibration/threshold_confirm.html", **_context(chosen, form), confirmation=_confirmation(choice)
                )
            else:
                require_proof()
        if not form.errors:
            try:
                _put_in_force(cached, choice, before, form.reason.data or "")
            except UserError as error:
                form.form_errors.append(error_sentence(error))
    if form.errors:
        return render_template("calibration/threshold.html", **_context(chosen, form)), 400
    assert choice.threshold is not None
    log.warning("%s set the threshold of %s to %.3f", current_user.username, site.model_id, choice.threshold)
    flash(
        _("Threshold %(threshold)s is in force. The doors use it within a second.", threshold=score(choice.threshold)),
        "success",
    )
    days = replayed_days(chosen.get("days", ""))
    return redirect(url_for("threshold.page", days=None if days == USUAL else days))


def _put_in_force(cached: CachedNumbers, choice: Choice, seen: OperatingPoint | None, reason: str) -> None:
    """Put the choice in force; raise UserError if another threshold came first or the offer has none."""
    site = current_site()
    with site.sessions.begin() as session:
        shared.lock_gallery(session, site.clock.now())  # a write first: nobody sets another one until the end
        if stamp_of(operating_points.current(session, site.model_id)) != stamp_of(seen):
            raise UserError("somebody else set a threshold at this moment: look at the page again, then decide")
        offers.apply(
            session,
            cached.site_scores,
            choice.offer,
            margin=choice.margin,
            by=current_user.username,
            reason=reason,
            at=site.clock.now(),
            source="calibration" if choice.mode == "risk" else "administrator",
            keys=site.keys,
        )


def _context(chosen: Mapping[str, str], form: ThresholdForm | None = None) -> dict[str, Any]:
    """Return everything the templates show.  A choice that is not valid counts as not chosen."""
    site = current_site()
    with site.sessions() as session:
        history = operating_points.history(session, site.model_id, limit=20)
        point = operating_points.current(session, site.model_id)
        cached = cached_numbers(session)
        now, days = site.clock.now(), replayed_days(chosen.get("days", ""))
        past = _past(session, now - timedelta(days=days))
        strangers = stranger_rate(session, site.model_id, now, site.settings.retention.strangers_days)
        in_force = history[0] if history else None
        choice = _choice(cached, in_force, chosen)
        locale = site.settings.site.locale
        again = None if choice.threshold is None else replay(past, choice.threshold, choice.margin, locale)
        changed = _named(session, again)
        not_known = _not_known(session, cached, point, now) | _other_way(session, now - timedelta(days=days))
    if form is None:
        form = ThresholdForm(formdata=None)
        form.seen.data = stamp_of(point)
    today = None if point is None else cached.at_today(point.threshold)
    # Where a risk leads to no number, the threshold that is used instead may have one.
    by_default = choice.threshold if choice.offer.fallback else None
    rate = choice.offer.calibration if by_default is None else cached.at(by_default).calibration
    shown = choice.threshold if choice.threshold is not None else UNSET
    dots: dict[str, Rates] = {"det_dot": (rate.fpir, choice.offer.refused.value), "det_force": (None, None)}
    if today is not None:
        dots["det_force"] = today.calibration.fpir, today.refused.value
    people = [] if choice.threshold is None else offers.outlook(cached.site_scores, choice.threshold)
    return {
        "choice": choice,
        "threshold": shown,
        "margin": choice.margin,
        "rate": rate,
        "refused": choice.offer.refused,
        "verdict": choice.offer.verdict,
        "a_year": _yearly(rate.fpir, strangers.per_year),
        "a_year_high": _yearly(rate.high, strangers.per_year),
        "strangers": strangers,
        "point": point,
        "in_force": in_force,
        "today": None if today is None else today.calibration,
        "today_refused": None if today is None else today.refused.value,
        "history": history,
        "model_id": site.model_id,
        "way_words": scorings.WORDS[kind_of(cached.site_scores.scoring.version)],
        "site_scores": cached.site_scores,
        "scores": cached.scores,
        "means": consequences(cached.scores, shown),
        "replayed": again,
        "days": days,
        "day_choices": REPLAYED,
        "changed": changed,
        "enrol_again": [one for one in people if one.enrol_again][:MOST_PEOPLE],
        "enrol_again_total": sum(one.enrol_again for one in people),
        "risks": RISKS,
        "loosens": choice.threshold is not None
        and loosens(point, choice.threshold, choice.margin, cached.site_scores.scoring.version),
        "form": form,
        **(_charts(cached, shown, point, dots) | _liveness() | not_known),
    }


def _liveness() -> dict[str, Any]:
    """Return what drills and the last 30 days say about liveness."""
    site, model_id = current_site(), current_site().settings.models.liveness
    with site.sessions() as session:
        since = site.clock.now() - LIVENESS_DAYS
        found = liveness_at_site(session, model_id, partial(policy_at, session, site.settings), since)
    chosen = {one.camera for one in found.drills if site.settings.liveness.policy_at(one.camera) != AUTO}
    return {"liveness": found, "liveness_model": model_id, "liveness_chosen": chosen}


def _past(session: Session, since: datetime) -> list[events.Decided]:
    """Return the decisions to replay.  Recorded scores of another kind say nothing about a threshold of now."""
    model_id = current_site().model_id
    return events.decided_since(
        session, max(since, operating_points.compared_so_since(session, model_id) or since), model_id
    )


def _other_way(session: Session, since: datetime) -> dict[str, Any]:
    """Return since when faces are compared so, where that limits what is decided again, and what was tested since."""
    model_id = current_site().model_id
    scores_since = operating_points.compared_so_since(session, model_id)
    way_since = operating_points.compared_so_since(session, model_id, any_centre=True)
    return {
        "scores_since": scores_since if scores_since is not None and scores_since > since else None,
        "way_since": way_since,
        "untested_way": way_since is not None and not unproven.tested_since(session, model_id, way_since),
    }


def _not_known(session: Session, cached: CachedNumbers, point: OperatingPoint | None, now: datetime) -> dict[str, Any]:
    """Return what the threshold in force was not computed for, and what it would risk with what waits for another."""
    found = unknown(session, current_site().model_id, now)
    waiting = point is not None and found.wait > 0 and cached.site_scores.ready > 0
    risk = cached.at(point.threshold).calibration if point is not None and waiting else None
    return {"not_counted": sentences(found), "with_waiting": risk}


def _charts(
    cached: CachedNumbers, shown: float, point: OperatingPoint | None, rates: Mapping[str, Rates]
) -> dict[str, Any]:
    drawn, det = chart.draw(cached.scores, shown), chart.draw_det(cached.curve)
    return {
        "chart": drawn,
        "det": det,
        "geometry": chart,
        "point_x": None if point is None else chart.x_of(point.threshold, drawn.low),
        **{name: None if det is None else det.dot(*both) for name, both in rates.items()},
    }


def _choice(cached: CachedNumbers, in_force: operating_points.PointRow | None, chosen: Mapping[str, str]) -> Choice:
    """Return what the address or the form asks for; by default the risk in force, else that of the settings."""
    settings = current_site().settings
    threshold = _number(chosen, "threshold", 0.01, 0.99)
    step = _number(chosen, "step", 0, len(RISKS) - 1)
    margin = _number(chosen, "margin", 0.0, 0.5)
    if margin is None:
        margin = settings.decision.margin if in_force is None else in_force.margin
    by_hand = chosen.get("mode") == "hand" or ("mode" not in chosen and step is None)
    position = nearest_step(offers.risk_of(in_force, settings.calibration.risk)) if step is None else int(step)
    if by_hand and threshold is not None:
        return Choice("hand", position, threshold, margin, cached.at(threshold))
    offer = cached.offer(RISKS[position])
    if offer.fallback and in_force is not None and offer.threshold is not None:
        # Without a number nothing is loosened: the threshold in force stays where it is the higher one.
        kept = max(offer.threshold, in_force.threshold)
        offer = replace(offer, threshold=kept, refused=cached.at(kept).refused)
    return Choice("risk", position, offer.threshold, margin, offer)


def replayed_days(text: str) -> int:
    return next((days for days in REPLAYED if str(days) == text), USUAL)


def _number(chosen: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    """Return the number; None if it is missing, not a number, or out of range."""
    try:
        value = float(Decimal(chosen.get(name, "")))
    except (ArithmeticError, ValueError):
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def _named(session: Session, again: Replayed | None) -> list[tuple[events.PassageView, str]]:
    """Return the newest past decisions that would change, with what they would become."""
    changed = () if again is None else again.changed[:MOST_CHANGED]
    views = [(events.get_passage(session, one.decided.id), one.words) for one in changed]
    return [(view, words) for view, words in views if view is not None]


def _yearly(chance: float | None, attempts: float | None) -> float | None:
    return None if chance is None or attempts is None else chance * attempts


def stamp_of(point: OperatingPoint | None) -> str:
    """Return what a form carries of the point that its reader saw: two people must not undo each other unseen."""
    return (
        "none"
        if point is None
        else f"{point.created_at.isoformat()} {point.threshold!r} {point.margin!r} {point.scoring}"
    )


def _confirmation(choice: Choice) -> str:
    """Return what is confirmed: if the threshold of the risk has moved since, the page asks again."""
    return f"{choice.threshold!r} {choice.margin!r}"
