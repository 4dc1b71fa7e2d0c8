"""The threshold page: a risk in plain words, what it costs one's own people, and putting it in force.

In: a risk from the slider, or a threshold by hand, and a margin.  Out: the page; the numbers alone for the script; a
new operating point.
Does not know: how scores, rates and thresholds are computed.
Main choice: the script asks the server for each position of the slider instead of computing itself,
so that no formula exists twice; what was computed is kept until the gallery changes, which makes an answer take
milliseconds.  Whatever lets in more than before is asked for twice, with a reason.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.access.operating_point import OperatingPoint
from attendance.errors import UserError
from attendance.service.calibration import risk as calibration
from attendance.service.calibration.replay import Replayed, replay
from attendance.service.calibration.risk import Offer, loosens
from attendance.service.calibration.stranger_rate import traffic
from attendance.service.calibration.threshold import consequences
from attendance.store import settings as shared
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.web.calibration import chart, risk_words
from attendance.web.calibration.risk_words import RISKS
from attendance.web.calibration.threshold_cache import Known, known
from attendance.web.errors import error_sentence
from attendance.web.forms import ThresholdForm
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("threshold", __name__, url_prefix="/threshold")

# Of so many past days the decisions are made again, as chosen.
REPLAYED, USUAL = (1, 7, 30), 7
# Where the slider by hand stands before any threshold was set: high, so that nothing is loosened by accident.
UNSET = 0.6
# So many past decisions that would change, and people to enrol again, are named.
MOST_CHANGED, MOST_PEOPLE = 10, 8

# A stranger's chance, and the share of own people who are refused.
Rates = tuple[float | None, float | None]

for _word in (risk_words.one_in, risk_words.out_of, risk_words.a_year, risk_words.stranger):
    blueprint.add_app_template_filter(_word)


@dataclass(frozen=True)
class Choice:
    """What is looked at.  `offer` belongs to `threshold`; that is None where a risk leads to none."""

    mode: Literal["risk", "hand"]
    step: int
    threshold: float | None
    margin: float
    offer: Offer

    @property
    def risk(self) -> int:
        return RISKS[self.step]


@blueprint.get("")
def page() -> ResponseReturnValue:
    return render_template("calibration/threshold.html", **_context(request.args))


@blueprint.get("/numbers")
def numbers() -> ResponseReturnValue:
    """What the chosen risk or threshold means, alone, for the script."""
    return render_template("calibration/_threshold_parts.html", **_context(request.args))


@blueprint.post("")
def save() -> ResponseReturnValue:
    form, site = ThresholdForm(), current_site()
    chosen = request.form
    if form.validate_on_submit():
        with site.sessions() as session:
            found = known(session)
            history = operating_points.history(session, site.model_id, limit=1)
            before = operating_points.current(session, site.model_id)
        choice = _choice(found, history[0] if history else None, chosen)
        if form.seen.data != _stamp(before):
            form.form_errors.append("Somebody else set a threshold meanwhile. Look at the page again, then decide.")
        elif choice.threshold is None:
            form.form_errors.append(f"No threshold can be given: {choice.offer.verdict.words}")
        elif loosens(before, choice.threshold, choice.margin):
            if not form.reason.data:
                form.reason.errors = ["This lets more faces in. Say why; it stays in the history."]
            elif form.confirm.data != _said(choice):
                return render_template(
                    "calibration/threshold_confirm.html", **_context(chosen, form), said=_said(choice)
                )
        if not form.errors:
            try:
                _put_in_force(found, choice, before, form.reason.data or "")
            except UserError as error:
                form.form_errors.append(error_sentence(error))
    if form.errors:
        return render_template("calibration/threshold.html", **_context(chosen, form)), 400
    assert choice.threshold is not None
    log.warning("%s set the threshold of %s to %.3f", current_user.username, site.model_id, choice.threshold)
    flash(f"Threshold {choice.threshold:.3f} is in force. The doors use it within a second.", "success")
    days = replayed_days(chosen.get("days", ""))
    return redirect(url_for("threshold.page", days=None if days == USUAL else days))


def _put_in_force(found: Known, choice: Choice, seen: OperatingPoint | None, reason: str) -> None:
    """UserError when another threshold came first, or the offer cannot be put in force."""
    site = current_site()
    with site.sessions.begin() as session:
        shared.lock_gallery(session, site.clock.now())  # a write first: nobody sets another one until the end
        if _stamp(operating_points.current(session, site.model_id)) != _stamp(seen):
            raise UserError("somebody else set a threshold at this moment: look at the page again, then decide")
        calibration.apply(
            session,
            found.evidence,
            choice.offer,
            margin=choice.margin,
            by=current_user.username,
            reason=reason,
            at=site.clock.now(),
            source="calibration" if choice.mode == "risk" else "administrator",
        )


def _context(chosen: Mapping[str, str], form: ThresholdForm | None = None) -> dict[str, Any]:
    """Everything the templates show.  What is chosen and cannot be is as good as not chosen."""
    site = current_site()
    with site.sessions() as session:
        history = operating_points.history(session, site.model_id, limit=20)
        point = operating_points.current(session, site.model_id)
        found = known(session)
        now = site.clock.now()
        days = replayed_days(chosen.get("days", ""))
        past = events.decided_since(session, now - timedelta(days=days), site.model_id)
        flow = traffic(session, site.model_id, now, site.settings.retention.strangers_days)
        in_force = history[0] if history else None
        choice = _choice(found, in_force, chosen)
        again = None if choice.threshold is None else replay(past, choice.threshold, choice.margin)
        changed = _named(session, again)
    if form is None:
        form = ThresholdForm(formdata=None)
        form.seen.data = _stamp(point)
    today = None if point is None else found.at(point.threshold)
    # Where a risk leads to no number, the threshold that is used instead may have one.
    by_default = choice.threshold if choice.offer.fallback else None
    rate = choice.offer.calibration if by_default is None else found.at(by_default).calibration
    shown = choice.threshold if choice.threshold is not None else UNSET
    dots: dict[str, Rates] = {"det_dot": (rate.fpir, choice.offer.refused.value), "det_force": (None, None)}
    if today is not None:
        dots["det_force"] = today.calibration.fpir, today.refused.value
    people = [] if choice.threshold is None else calibration.outlook(found.evidence, choice.threshold)
    return {
        "choice": choice,
        "threshold": shown,
        "margin": choice.margin,
        "rate": rate,
        "refused": choice.offer.refused,
        "verdict": choice.offer.verdict,
        "a_year": _yearly(rate.fpir, flow.per_year),
        "a_year_high": _yearly(rate.high, flow.per_year),
        "traffic": flow,
        "point": point,
        "in_force": in_force,
        "today": None if today is None else today.calibration,
        "today_refused": None if today is None else today.refused.value,
        "outgrown": in_force is not None and in_force.covers is not None and in_force.covers < found.evidence.people,
        "history": history,
        "model_id": site.model_id,
        "evidence": found.evidence,
        "scores": found.scores,
        "means": consequences(found.scores, shown),
        "replayed": again,
        "days": days,
        "day_choices": REPLAYED,
        "changed": changed,
        "enrol_again": [one for one in people if one.enrol_again][:MOST_PEOPLE],
        "enrol_again_total": sum(one.enrol_again for one in people),
        "risks": RISKS,
        "loosens": choice.threshold is not None and loosens(point, choice.threshold, choice.margin),
        "form": form,
        **_charts(found, shown, point, dots),
    }


def _charts(found: Known, shown: float, point: OperatingPoint | None, rates: Mapping[str, Rates]) -> dict[str, Any]:
    drawn, det = chart.draw(found.scores, shown), chart.draw_det(found.curve)
    return {
        "chart": drawn,
        "det": det,
        "geometry": chart,
        "point_x": None if point is None else chart.x_of(point.threshold, drawn.low),
        **{name: None if det is None else det.dot(*both) for name, both in rates.items()},
    }


def _choice(found: Known, in_force: operating_points.PointRow | None, chosen: Mapping[str, str]) -> Choice:
    """What the address or the form asks for; at first the risk that is in force, else that of the settings."""
    settings = current_site().settings
    threshold = _number(chosen, "threshold", 0.01, 0.99)
    step = _number(chosen, "step", 0, len(RISKS) - 1)
    margin = _number(chosen, "margin", 0.0, 0.5)
    if margin is None:
        margin = settings.decision.margin if in_force is None else in_force.margin
    by_hand = chosen.get("mode") == "hand" or ("mode" not in chosen and step is None)
    risk = settings.calibration.risk
    if in_force is not None and in_force.target and in_force.source == "calibration":
        risk = 1 / in_force.target
    position = risk_words.nearest_step(risk) if step is None else int(step)
    if by_hand and threshold is not None:
        return Choice("hand", position, threshold, margin, found.at(threshold))
    offer = found.offer(RISKS[position])
    if offer.fallback and in_force is not None and offer.threshold is not None:
        # Without a number nothing is loosened: the threshold in force stays where it is the higher one.
        kept = max(offer.threshold, in_force.threshold)
        offer = replace(offer, threshold=kept, refused=found.at(kept).refused)
    return Choice("risk", position, offer.threshold, margin, offer)


def replayed_days(text: str) -> int:
    return next((days for days in REPLAYED if str(days) == text), USUAL)


def _number(chosen: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    """None for what is missing, no number, or out of range."""
    try:
        value = float(Decimal(chosen.get(name, "")))
    except (ArithmeticError, ValueError):
        return None
    return value if math.isfinite(value) and low <= value <= high else None


def _named(session: Session, again: Replayed | None) -> list[tuple[events.PassageView, str]]:
    """The newest past decisions that would change, with what would become of them."""
    changed = () if again is None else again.changed[:MOST_CHANGED]
    views = [(events.get_passage(session, one.decided.id), one.words) for one in changed]
    return [(view, words) for view, words in views if view is not None]


def _yearly(chance: float | None, attempts: float | None) -> float | None:
    return None if chance is None or attempts is None else chance * attempts


def _stamp(point: OperatingPoint | None) -> str:
    return "none" if point is None else f"{point.created_at.isoformat()} {point.threshold!r} {point.margin!r}"


def _said(choice: Choice) -> str:
    """What is confirmed: if the threshold of the risk has moved since, it is asked again."""
    return f"{choice.threshold!r} {choice.margin!r}"
