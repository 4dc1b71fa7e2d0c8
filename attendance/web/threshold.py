"""The threshold page: what a threshold would accept and refuse, and putting one in force.

In: a threshold and a margin from the slider.  Out: the page; the numbers alone for the script; a new
operating point.
Does not know: how scores and rates are computed.
Main choice: the script asks the server for each position of the slider instead of computing itself,
so that no formula exists twice; the enrolled pairs' scores are kept until the gallery changes, which
makes an answer take milliseconds.
"""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.decision import OperatingPoint
from attendance.service.replay import replay
from attendance.service.threshold import Consequences, GalleryScores, consequences, gallery_scores
from attendance.store import events, operating_points
from attendance.store.people import gallery_version
from attendance.web import chart
from attendance.web.forms import ThresholdForm
from attendance.web.site import the_site

log = logging.getLogger(__name__)
blueprint = Blueprint("threshold", __name__, url_prefix="/threshold")

REPLAYED = timedelta(days=7)
# Where the slider stands before any threshold was set: high, so that nothing is loosened by accident.
UNSET = 0.6
_EXTENSION = "attendance_gallery_scores"


@dataclass
class Memory:
    """The scores of the newest gallery.  One request computes them while others wait."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    version: int = -1
    scores: GalleryScores | None = None


@blueprint.get("")
def page() -> ResponseReturnValue:
    return render_template("admin/threshold.html", **_context(*_chosen()))


@blueprint.get("/numbers")
def numbers() -> ResponseReturnValue:
    """What the chosen threshold means, alone, for the script."""
    return render_template("admin/_threshold_numbers.html", **_context(*_chosen()))


@blueprint.post("")
def save() -> ResponseReturnValue:
    form, site = ThresholdForm(), the_site()
    ok = form.validate_on_submit()
    threshold, margin = _from(form.threshold.data, UNSET), _from(form.margin.data, site.settings.decision.margin)
    with site.sessions.begin() as session:
        before = operating_points.current(session, site.model_id)
        if ok and form.seen.data != _stamp(before):
            form.form_errors.append("Somebody else set a threshold meanwhile. Look at the page again, then decide.")
        if ok and loosens(before, threshold, margin) and not form.reason.data:
            form.reason.errors = ["This lets more faces in. Say why; it stays in the history."]
        if not form.errors:
            _put_in_force(session, before, threshold, margin, form.reason.data or "")
    if form.errors:
        return render_template("admin/threshold.html", **_context(threshold, margin, form)), 400
    log.warning("%s set the threshold of %s to %.3f", current_user.username, site.model_id, threshold)
    flash(f"Threshold {threshold:.3f} is in force. The doors use it within a second.", "success")
    return redirect(url_for("threshold.page"))


def loosens(before: OperatingPoint | None, threshold: float, margin: float) -> bool:
    """Whether somebody could pass who could not before; without any threshold nobody could."""
    return before is None or threshold < before.threshold - 1e-9 or margin < before.margin - 1e-9


def _put_in_force(
    session: Session, before: OperatingPoint | None, threshold: float, margin: float, reason: str
) -> None:
    site = the_site()
    scores = _scores(session)
    means = consequences(scores, threshold)
    operating_points.set_point(
        session,
        model_id=site.model_id,
        threshold=threshold,
        margin=margin,
        source="administrator",
        gallery_size=scores.people,
        at=site.clock.now(),
        details={
            "reason": reason,
            "before": None if before is None else before.threshold,
            "false_matches": [means.fmr.errors, means.fmr.trials],
            "false_refusals": [means.fnmr.errors, means.fnmr.trials],
        },
        created_by=current_user.username,
    )


def _context(threshold: float | None, margin: float | None, form: ThresholdForm | None = None) -> dict[str, Any]:
    """Everything both templates show; None stands for what is in force."""
    site = the_site()
    with site.sessions() as session:
        history = operating_points.history(session, site.model_id, limit=20)
        point = operating_points.current(session, site.model_id)
        scores = _scores(session)
        past = events.decided_since(session, site.clock.now() - REPLAYED, site.model_id)
    if threshold is None:
        threshold = UNSET if point is None else point.threshold
    if margin is None:
        margin = site.settings.decision.margin if point is None else point.margin
    if form is None:
        form = ThresholdForm(formdata=None)
        form.seen.data = _stamp(point)
    means = consequences(scores, threshold)
    return {
        "threshold": threshold,
        "margin": margin,
        "point": point,
        "in_force": history[0] if history else None,
        "history": history,
        "model_id": site.model_id,
        "scores": scores,
        "means": means,
        "expected_strangers": _one_in(means),
        "replayed": replay(past, threshold, margin),
        "chart": chart.draw(scores, threshold),
        "geometry": chart,
        "point_x": None if point is None else chart.x_of(point.threshold, chart.draw(scores, threshold).low),
        "loosens": loosens(point, threshold, margin),
        "form": form,
    }


def _scores(session: Session) -> GalleryScores:
    site = the_site()
    memory: Memory = current_app.extensions.setdefault(_EXTENSION, Memory())
    with memory.turn:
        version = gallery_version(session)  # first, as in load_gallery: a change in between is loaded twice
        if memory.scores is None or memory.version != version:
            memory.scores, memory.version = gallery_scores(session, site.keys, site.model_id), version
        return memory.scores


def _chosen() -> tuple[float | None, float | None]:
    """Threshold and margin of the address; what cannot be is as good as not given."""
    found = []
    for name, low, high in (("threshold", 0.01, 0.99), ("margin", 0.0, 0.5)):
        value = request.args.get(name, type=float)
        found.append(value if value is not None and math.isfinite(value) and low <= value <= high else None)
    return found[0], found[1]


def _from(value: Decimal | None, otherwise: float) -> float:
    return otherwise if value is None or not value.is_finite() or abs(value) > 1 else float(value)


def _stamp(point: OperatingPoint | None) -> str:
    return "none" if point is None else f"{point.created_at.isoformat()} {point.threshold!r} {point.margin!r}"


def _one_in(means: Consequences) -> int | None:
    """A chance of 0.004 reads better as one stranger in 250; None when there is nothing to say."""
    chance = means.stranger_accepted
    return round(1 / chance) if chance and chance < 0.5 else None
