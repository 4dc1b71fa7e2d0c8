"""The rules of night, Sunday and holiday hours: from which day on which hours count.

In: a request.  Out: a page; changed rules.
Does not know: how hours are counted (domain/hours/premiums.py).
Main choice: rules have a first day and are never edited for days before it, so that an agreement of next year does
not change what was paid last year.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.domain.hours import shift as shifts
from attendance.domain.hours.premiums import in_force
from attendance.domain.hours.shift import DAY, PremiumRules, Span, parse_hhmm, span_from
from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.hours import planning
from attendance.service.hours.day_words import premium_words
from attendance.store.hours import rosters
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.hours.date_range import day_from, today
from attendance.web.security import permission, record_act
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("premiums", __name__, url_prefix="/attendance/premium-hours")
blueprint.add_app_template_filter(premium_words, "premium_words")
KINDS = ("night", "sunday", "holiday")


@blueprint.get("")
@permission("read_roster")
def page() -> ResponseReturnValue:
    return _page(None, "")


@blueprint.post("")
@permission("edit_shift")
def save() -> ResponseReturnValue:
    """Save rules from a day on, or remove some that were entered."""
    site, form = current_site(), request.form
    try:
        first = day_from(form.get("first", ""))
        with site.sessions.begin() as session:
            if form.get("what") == "remove":
                planning.remove_premium_rules(session, first, now=site.clock.now())
                words = _("The rules from %(day)s on are removed.", day=first)
            else:
                rules = rules_of(form)
                planning.save_premium_rules(session, rules, first, now=site.clock.now(), by=current_user.username)
                words = _("The rules hold from %(day)s on.", day=first)
            record_act(session, Action.CHANGE_PREMIUM_RULES, Subject("rules", first.isoformat()))
    except UserError as error:
        if form.get("what") != "remove":
            return _page(form, error_sentence(error))
        flash(error_sentence(error), "danger")
    else:
        log.info("%s: %s", current_user.username, words)
        flash(words, "success")
    return redirect(url_for("premiums.page"))


def _page(form: Mapping[str, str] | None, error: str) -> ResponseReturnValue:
    with current_site().sessions() as session:
        versions = rosters.list_premium_rules(session)
    present = in_force(versions, today())
    values = form if form is not None else fields_of(present) | {"first": today().replace(day=1).isoformat()}
    page = render_template(
        "hours/premiums.html", versions=versions, present=present, values=values, error=error, kinds=KINDS
    )
    return page, 400 if error else 200


def rules_of(form: Mapping[str, str]) -> PremiumRules:
    """Return the rules that the fields describe; BadShift if they are not valid."""
    night, sunday, holiday = (_window(form, kind) for kind in KINDS)
    return PremiumRules(night, sunday, holiday, both=form.get("both") == "yes")


def _window(form: Mapping[str, str], kind: str) -> Span | None:
    start, end = form.get(f"{kind}_from", ""), form.get(f"{kind}_to", "")
    if not start and not end:
        return None
    if form.get(f"{kind}_next") == "yes":
        return Span(parse_hhmm(start), parse_hhmm(end) + DAY)
    return span_from(start, end)


def fields_of(rules: PremiumRules) -> dict[str, str]:
    """Return the form's fields of these rules."""
    fields = {"both": "yes" if rules.both else ""}
    for kind, window in zip(KINDS, (rules.night, rules.sunday, rules.holiday), strict=True):
        if window is not None:
            fields[f"{kind}_from"] = shifts.hhmm(window.start)
            fields[f"{kind}_to"] = shifts.hhmm(window.end % DAY)
            fields[f"{kind}_next"] = "yes" if window.minutes > DAY else ""
    return fields
