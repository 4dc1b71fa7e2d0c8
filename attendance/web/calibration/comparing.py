"""How a look is compared with a person: the ways side by side for one risk, and putting another one in force.

In: a risk, the name of a way, a reason.  Out: the page; a new operating point for the scores of that way.
Does not know: how scores and thresholds are computed.
Main choice: another way is never put in force by the program, since all scores change with it: it needs a reason.
"""

from __future__ import annotations

import logging

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.errors import UserError
from attendance.service.calibration import offers, scorings
from attendance.service.calibration.scorings import Compared
from attendance.store import settings as shared
from attendance.store.calibration import operating_points
from attendance.texts import gettext as _
from attendance.web.calibration.threshold import stamp_of
from attendance.web.errors import error_sentence
from attendance.web.forms import WayForm
from attendance.web.security import permission
from attendance.web.site import current_site
from attendance.web.sudo import sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("comparing", __name__, url_prefix="/threshold/comparing")


@blueprint.get("")
@permission("read_threshold")
def page() -> ResponseReturnValue:
    return _page(WayForm(formdata=None), *_ways())


@blueprint.post("")
@permission("set_threshold")
@sudo()
def save() -> ResponseReturnValue:
    form = WayForm()
    ways, seen, risk = _ways()
    if form.validate_on_submit():
        way = next((way for way in ways if way.name == form.way.data), None)
        if form.seen.data != seen:
            form.form_errors.append(_("Somebody else set a threshold meanwhile. Look at the page again, then decide."))
        elif way is None or way.reason:
            form.form_errors.append(way.reason if way is not None else _("Choose one of the ways."))
        else:
            try:
                _put_in_force(way, seen, form.reason.data or "")
            except UserError as error:
                form.form_errors.append(error_sentence(error))
            else:
                log.warning("%s compares by %s from now on", current_user.username, way.name)
                flash(
                    _(
                        "In force. The doors use it within a second. Passages from before have scores of another way, "
                        "and cannot be decided again: repeat the acceptance test at each door."
                    ),
                    "success",
                )
                return redirect(url_for("threshold.page"))
    return _page(form, ways, seen, risk), 400


def _put_in_force(way: Compared, seen: str, reason: str) -> None:
    site = current_site()
    with site.sessions.begin() as session:
        at = site.clock.now()
        shared.lock_gallery(session, at)
        point = operating_points.current(session, site.model_id)
        if stamp_of(point) != seen:
            raise UserError("somebody else set a threshold at this moment: look at the page again, then decide")
        margin = site.settings.decision.margin if point is None else point.margin
        by = current_user.username
        offers.apply(session, way.site_scores, way.offer, margin=margin, by=by, reason=reason, at=at, keys=site.keys)


def _ways() -> tuple[list[Compared], str, float]:
    """Return the ways, the stamp of what is in force, and the risk that they are computed for."""
    site = current_site()
    with site.sessions() as session:
        rows = operating_points.history(session, site.model_id, limit=1)
        risk = offers.risk_of(rows[0] if rows else None, site.settings.calibration.risk)
        seen = stamp_of(operating_points.current(session, site.model_id))
        ways = scorings.compare(session, site.keys, site.settings, site.model_id, site.clock.now(), risk)
    return ways, seen, risk


def _page(form: WayForm, ways: list[Compared], seen: str, risk: float) -> str:
    best = scorings.recommended(ways)
    form.seen.data = seen
    chosen = best or next((way for way in ways if way.in_force), None)
    if chosen is not None and not form.way.data:
        form.way.data = chosen.name
    return render_template(
        "calibration/comparing.html", form=form, ways=ways, best=best, risk=risk, words=scorings.WORDS
    )
