"""How a look is compared with a person: the ways side by side for one risk, and putting another one in force.

In: a risk, the name of a way, a reason.  Out: the page; a new operating point for the scores of that way.
Does not know: how scores and thresholds are computed.
Main choice: another way is never put in force by the program, since all scores change with it: it needs a reason.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.errors import UserError
from attendance.service.calibration import offers, scorings
from attendance.service.calibration.scorings import Compared
from attendance.store import settings as shared
from attendance.store.calibration import operating_points
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import WayForm
from attendance.web.security import permission
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("comparing", __name__, url_prefix="/threshold/comparing")


@blueprint.get("")
@permission("read_threshold")
def page() -> ResponseReturnValue:
    return render_template("calibration/comparing.html", **_context(WayForm(formdata=None)))


@blueprint.post("")
@permission("set_threshold")
def save() -> ResponseReturnValue:
    form = WayForm()
    if form.validate_on_submit():
        ways = _ways()
        way = next((way for way in ways if way.name == form.way.data), None)
        if way is None or way.reason:
            form.form_errors.append(_(way.reason) if way is not None else _("Choose one of the ways."))
        else:
            try:
                _put_in_force(way, form.reason.data or "")
            except UserError as error:
                form.form_errors.append(error_sentence(error))
            else:
                log.warning("%s compares by %s from now on", current_user.username, way.name)
                flash(_("In force. The doors use it within a second."), "success")
                return redirect(url_for("threshold.page"))
    return render_template("calibration/comparing.html", **_context(form)), 400


def _put_in_force(way: Compared, reason: str) -> None:
    site = current_site()
    with site.sessions.begin() as session:
        at = site.clock.now()
        shared.lock_gallery(session, at)
        point = operating_points.current(session, site.model_id)
        margin = site.settings.decision.margin if point is None else point.margin
        by = current_user.username
        offers.apply(session, way.site_scores, way.offer, margin=margin, by=by, reason=reason, at=at, keys=site.keys)


def _risk() -> float:
    """Return the risk in force, else that of the settings."""
    site = current_site()
    with site.sessions() as session:
        rows = operating_points.history(session, site.model_id, limit=1)
    if rows and rows[0].target and rows[0].source == "calibration":
        return 1 / rows[0].target
    return site.settings.calibration.risk


def _ways() -> list[Compared]:
    site = current_site()
    with site.sessions() as session:
        return scorings.compare(session, site.keys, site.settings, site.model_id, site.clock.now(), _risk())


def _context(form: WayForm) -> dict[str, Any]:
    ways = _ways()
    best = scorings.recommended(ways)
    if best is not None and not form.way.data:
        form.way.data = best.name
    return {"ways": ways, "best": best, "form": form, "risk": _risk(), "words": scorings.WORDS}
