"""Employees' pages once they are signed in: days, corrections, leave, data, consent.

In: forms of people who are not operators.  Out: pages and files about the one person who is signed in.
Does not know: how people sign in (sign_in.py), how a day is computed, what an administrator sees.
"""

from __future__ import annotations

import json
import logging
from datetime import date, datetime, timedelta
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.domain.people.consent import BOTH, Channel, Purpose
from attendance.errors import UserError
from attendance.service.access.log import all_passages, passages_csv
from attendance.service.audit.audit import Actor
from attendance.service.hours import days as working_days
from attendance.service.hours import own_days
from attendance.service.hours.corrections import withdraw_own_request
from attendance.service.hours.reports.exports import to_csv
from attendance.service.hours.reports.report_tables import timesheet
from attendance.service.people.own_requests import BY
from attendance.service.privacy import documents, erasure, own_data, schedule
from attendance.store.access import events
from attendance.store.hours.corrections import corrections as list_corrections
from attendance.store.hours.periods import lock_over
from attendance.store.people import credentials, grown, people, templates
from attendance.store.privacy import consent_history
from attendance.texts import gettext as _
from attendance.texts import ngettext
from attendance.web.acts import done
from attendance.web.errors import answer
from attendance.web.formats import local_forms
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, instant_from, next_month, repeats_between, today
from attendance.web.me.guard import blueprint, by_person, signed_in_as, signed_in_employee
from attendance.web.privacy.consent_words import ACTS, CHANNELS, PURPOSES
from attendance.web.security import limiter
from attendance.web.site import current_site

__all__ = ["blueprint"]

log = logging.getLogger(__name__)
DIRECTIONS = {"in": Direction.IN, "out": Direction.OUT}
# For so long the form of any day asks which of two equal times is meant.
RECENT = timedelta(days=62)
SHOWN_PASSAGES = 30


# --- days and corrections --------------------------------------------------------------------------


@blueprint.get("")
def days() -> ResponseReturnValue:
    """Show a month, the newest day first."""
    site, now, me = current_site(), current_site().clock.now(), signed_in_employee()
    first, last = own_days.month_of(request.args.get("month", ""), today())
    with site.sessions() as session:
        sheet = working_days.sheet(session, first, last, site.zone, now, person_id=me.id)
    mine = sheet[0] if sheet else None
    past = [day for day in reversed(mine.days) if day.day <= today()] if mine else []
    return render_template(
        "me/days.html",
        first=first,
        sheet=mine,
        past=past,
        ahead=[day for day in mine.days if day.day > today()] if mine else [],
        notes={day.day: own_days.notes(day, local_forms()) for day in past},
        before=(first.replace(day=1) - date.resolution).strftime("%Y-%m"),
        after=next_month(first).strftime("%Y-%m") if next_month(first) <= today() else None,
        today=today(),
    )


@blueprint.get("/days.csv")
def days_csv() -> ResponseReturnValue:
    site, now, me = current_site(), current_site().clock.now(), signed_in_employee()
    first, last = own_days.month_of(request.args.get("month", ""), today())
    with site.sessions() as session:
        sheet = working_days.sheet(session, first, last, site.zone, now, person_id=me.id)
    if not sheet:
        return answer(404)
    return _file(
        "".join(to_csv(timesheet(sheet[0], local_forms()), site.zone)), "text/csv", f"my hours {first:%Y-%m}.csv"
    )


@blueprint.get("/day/<day>")
def day(day: str) -> ResponseReturnValue:
    """Show what the day came to, what each check-in was taken for, and what can be asked for."""
    site, now, me = current_site(), current_site().clock.now(), signed_in_employee()
    try:
        wanted = day_from(day)
    except UserError:
        return answer(404)
    with site.sessions() as session:
        shown = working_days.days_of(session, me.id, wanted, wanted, site.zone, now)[0]
        asked = list_corrections(session, person_id=me.id, first=wanted, last=wanted)
        lock = lock_over(session, wanted, wanted, now)
    return render_template(
        "me/day.html",
        day=shown,
        notes=own_days.notes(shown, local_forms()),
        asked=asked,
        lock=lock,
        before=wanted - date.resolution,
        after=wanted + date.resolution if wanted < today() else None,
        open=wanted <= today() and lock is None,
        repeats=repeats_between(wanted, wanted),
    )


@blueprint.get("/corrections")
def my_corrections() -> ResponseReturnValue:
    with current_site().sessions() as session:
        rows = list_corrections(session, person_id=signed_in_employee().id, limit=100)
    return render_template(
        "me/corrections.html",
        rows=rows,
        today=today(),
        BY=BY,
        repeats=repeats_between(today() - RECENT, today()),
    )


@blueprint.post("/corrections")
@limiter.limit("60/hour", key_func=by_person)
def ask() -> ResponseReturnValue:
    """Ask for a correction: a missing check-in, or a wrong one."""
    form, site, me = request.form, current_site(), signed_in_employee()

    def work(session: Session, now: datetime) -> str:
        at = None
        if form.get("action") == "add":
            at = instant_from(day_from(form.get("day", "")), form.get("at", ""), form.get("which", ""))
        own_days.ask(
            session, me.id, action=form.get("action", ""), reason=clean_line(form.get("reason", "")), now=now,
            zone=site.zone, at=at, direction=DIRECTIONS.get(form.get("direction", ""), Direction.UNKNOWN),
            passage_id=clean_line(form.get("passage_id", "")),
        )  # fmt: skip
        return _("Your request is noted. It counts once it is approved.")

    return done(work, _back(form.get("back", "")), by=signed_in_as())


@blueprint.post("/corrections/<correction_id>/withdraw")
def withdraw(correction_id: str) -> ResponseReturnValue:
    """Withdraw a request that still waits; a decision stays."""
    me = signed_in_employee()

    def work(session: Session, now: datetime) -> str:
        withdraw_own_request(session, clean_line(correction_id), me.id, by=BY, now=now)
        return _("Your request is withdrawn.")

    return done(work, url_for("me.my_corrections"), by=signed_in_as())


# --- data ------------------------------------------------------------------------------------------


@blueprint.get("/data")
def data() -> ResponseReturnValue:
    """Show what is stored, and the consent with a way to withdraw it."""
    return render_template("me/data.html", **_data())


@blueprint.get("/data.json")
def data_json() -> ResponseReturnValue:
    with current_site().sessions() as session:
        stored = own_data.everything_about(session, signed_in_employee().id, current_site().clock.now())
    return _file(json.dumps(stored, indent=2, ensure_ascii=False), "application/json", "my data.json")


@blueprint.get("/record.html")
def record_html() -> ResponseReturnValue:
    """Give out the same as a page that opens anywhere."""
    with current_site().sessions() as session:
        stored = own_data.everything_about(session, signed_in_employee().id, current_site().clock.now())
    return _file(
        documents.as_html(documents.record_of(stored, current_site().settings.site.name)), "text/html", "my data.html"
    )


@blueprint.get("/check-ins.csv")
def check_ins_csv() -> ResponseReturnValue:
    site, me = current_site(), signed_in_employee()
    with site.sessions() as session:
        text = "".join(passages_csv(all_passages(session, person_id=me.id), site.zone))
    return _file("\ufeff" + text, "text/csv", "my check-ins.csv")


@blueprint.post("/consent/withdraw")
@limiter.limit("10/hour", key_func=by_person)
def withdraw_consent() -> ResponseReturnValue:
    """Withdraw the consent at once, with one form as it was given; with the last purpose the templates are erased."""
    me, site = signed_in_employee(), current_site()
    ticked = [purpose for purpose in Purpose if purpose.value in request.form.getlist("purpose")]
    if request.form.get("sure") != "yes" or ("chosen" in request.form and not ticked):
        return render_template("me/data.html", problem=_("Tick the boxes if you are sure."), **_data()), 400
    now, who = site.clock.now(), Actor("system", BY)
    erasure.withdraw(site.sessions, site.ledger, me.id, who, now, ticked or BOTH, Channel.SELF)
    log.info("person %d withdrew the consent on the employees' pages", me.id)
    with site.sessions() as session:
        left = people.get_person(session, me.id).agreed
    if left:
        flash(_("This consent is withdrawn. Your face is no longer used for it."), "success")
    else:
        flash(_("Your consent is withdrawn, and the templates of your face are erased."), "success")
    return redirect(url_for("me.data"))


@blueprint.post("/grown/take-back")
@limiter.limit("30/hour", key_func=by_person)
def take_back() -> ResponseReturnValue:
    """Take back one of one's templates that grew, or all."""
    me, site = signed_in_employee(), current_site()
    only = clean_line(request.form.get("uid", "")) or None
    number = erasure.take_back_grown(site.sessions, site.ledger, me.id, Actor("system", BY), site.clock.now(), only)
    log.info("person %d took back %d grown templates on the employees' pages", me.id, number)
    flash(ngettext("%(number)s template is taken back.", "%(number)s templates are taken back.", number), "success")
    return redirect(url_for("me.data"))


def _data() -> dict[str, Any]:
    me = signed_in_employee()
    with current_site().sessions() as session:
        return {
            "person": people.get_person(session, me.id),
            "templates": templates.list_templates(session, me.id),
            "grown": grown.of_person(session, me.id),
            "now": current_site().clock.now(),
            "model_id": current_site().model_id,
            "secret": credentials.secret_of(session, me.id),
            "consents": consent_history.history(session, me.id),
            "agreed_to": consent_history.in_force(session, me.id),
            "PURPOSES": PURPOSES,
            "ACTS": ACTS,
            "CHANNELS": CHANNELS,
            "schedule": schedule.schedule_of(current_site().settings),
            "passages": events.list_passages(session, person_id=me.id, limit=SHOWN_PASSAGES),
        }


# --- helpers ---------------------------------------------------------------------------------------


def _back(text: str) -> str:
    """Return the address of the day where the form was, else of the list."""
    try:
        return url_for("me.day", day=day_from(text).isoformat())
    except UserError:
        return url_for("me.my_corrections")


def _file(text: str, kind: str, name: str) -> Response:
    made = Response(text, content_type=f"{kind}; charset=utf-8")
    made.headers.set("Content-Disposition", "attachment", filename=name)
    return made
