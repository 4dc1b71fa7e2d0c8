"""Employees' pages: sign in by staff number and PIN or by a link; days, corrections, leave, data, consent.

In: forms of people who are not operators.  Out: pages and files about the one person who is signed in.
Does not know: how a PIN is kept, how a day is computed, what an administrator sees.
Main choice: no address of these pages names a person; the cookie alone decides whose data is shown, so
that there is no number to try.  A button uses a link up, and opening it does not: programs that scan
mails open every link.  The link's token comes after #, where no server and no log sees it.
Trade-off: a link needs JavaScript.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address
from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.access.log import all_passages, passages_csv
from attendance.service.hours import days as working_days
from attendance.service.hours import own_days
from attendance.service.hours.corrections import withdraw_own_request
from attendance.service.hours.exports import to_csv
from attendance.service.hours.report_tables import timesheet
from attendance.service.privacy import own_data
from attendance.store.access import events
from attendance.store.hours import rosters
from attendance.store.hours.corrections import corrections as list_corrections
from attendance.store.hours.periods import lock_over
from attendance.store.people import credentials, people, templates
from attendance.store.privacy import consent
from attendance.store.session import DatabaseError
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.errors import answer, error_sentence
from attendance.web.formats import local_forms
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, instant_from, next_month, today
from attendance.web.me import employee
from attendance.web.me.employee import Employee
from attendance.web.security import limiter
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("me", __name__, url_prefix=employee.PATH)

# Reachable without being signed in; everything else in this room asks for it.
OPEN = {"me.sign_in_page", "me.sign_in", "me.link", "me.look_at_link", "me.use_link"}
DIRECTIONS = {"in": Direction.IN, "out": Direction.OUT}
SHOWN_PASSAGES = 30
LOCKED = N_("Too many wrong PINs for this number. Wait some minutes, then try again.")


def _wrong(response: Response) -> bool:
    return response.status_code == 401


def _by_person() -> str:
    """Count tries by person: a whole company may come from one address."""
    me = employee.signed_in()
    return get_remote_address() if me is None else f"person {me.id}"


@blueprint.before_request
def _require_sign_in() -> ResponseReturnValue | None:
    me = employee.signed_in()
    if me is not None:
        g.me = me
    elif request.endpoint not in OPEN:
        return redirect(url_for("me.sign_in_page"))
    return None


@blueprint.context_processor
def _me() -> dict[str, Any]:
    return {"me": g.get("me")}


def _signed_in() -> Employee:
    me = g.me
    assert isinstance(me, Employee)
    return me


# --- signing in ------------------------------------------------------------------------------------


@blueprint.get("/sign-in")
def sign_in_page() -> ResponseReturnValue:
    return redirect(url_for("me.days")) if "me" in g else render_template("me/sign_in.html", number="", problem="")


@blueprint.post("/sign-in")
@limiter.limit("120/hour;20/minute", deduct_when=_wrong)
@limiter.limit(
    "8/minute",
    key_func=lambda: f"{get_remote_address()}|{request.form.get('number', '')[:100].strip().casefold()}",
    deduct_when=_wrong,
)
def sign_in() -> ResponseReturnValue:
    """Sign in by staff number or badge, and PIN.  An unknown number gets the same answer as a wrong PIN."""
    site, number, pin = current_site(), clean_line(request.form.get("number", "")), request.form.get("pin", "").strip()
    with site.sessions.begin() as session:
        staff_number = number
        if credentials.is_badge(number) and (holder := credentials.person_of_badge(session, number)) is not None:
            staff_number = holder.staff_number or number
        tried = credentials.try_pin(session, staff_number, pin, at=site.clock.now())
    if tried.person is None:
        log.warning("a sign-in to the employees' pages from %s failed: %s", request.remote_addr, tried.outcome.value)
        locked = tried.outcome is credentials.Tried.LOCKED
        words = _(LOCKED) if locked else _("Number or PIN is wrong.")
        shown = "" if credentials.is_badge(number) else number
        return render_template("me/sign_in.html", number=shown, problem=words), 401
    return employee.begin(_redirect("me.days"), tried.person.id, "pin")


@blueprint.get("/link")
def link() -> ResponseReturnValue:
    """Show a button only; the page's script gives it the token.  Opening the address changes nothing."""
    return render_template("me/link.html", good=True)


@blueprint.post("/link/look")
@limiter.limit("60/minute")
def look_at_link() -> ResponseReturnValue:
    """Tell the script whether the link can be used, before the button is pressed."""
    site = current_site()
    with site.sessions() as session:
        good = credentials.link_is_valid(session, request.form.get("token", "")[:100], at=site.clock.now())
    return {"good": good}


@blueprint.post("/link")
@limiter.limit("20/minute")
def use_link() -> ResponseReturnValue:
    site = current_site()
    try:
        with site.sessions.begin() as session:
            person = credentials.use_link(session, request.form.get("token", "")[:100], at=site.clock.now())
    except UserError as error:
        if isinstance(error, DatabaseError):
            raise
        return render_template("me/link.html", good=False), 410
    log.info("person %d signed in to the employees' pages by a link", person.id)
    target = "me.pin" if person.staff_number else "me.days"
    return employee.begin(_redirect(target), person.id, "link")


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    flash(_("You are signed out."), "success")
    return employee.end(_redirect("me.sign_in_page"))


@blueprint.route("/pin", methods=["GET", "POST"])
@limiter.limit("20/hour", methods=["POST"], deduct_when=_wrong, key_func=_by_person)
def pin() -> ResponseReturnValue:
    """Choose a PIN: at once after a link, else with the present PIN.  Every other session ends."""
    me, site, form = _signed_in(), current_site(), request.form
    if request.method == "GET":
        return render_template("me/pin.html", problem="", least=credentials.MIN_PIN, most=credentials.MAX_PIN)
    new, code, problem = form.get("pin", "").strip(), 400, ""
    try:
        with site.sessions.begin() as session:
            if me.way != "link":
                tried = credentials.try_pin(
                    session, me.staff_number or "", form.get("present", "").strip(), at=site.clock.now()
                )
                if tried.person is None or tried.person.id != me.id:
                    locked = tried.outcome is credentials.Tried.LOCKED
                    problem, code = _(LOCKED) if locked else _("This is not your present PIN."), 401
            if not problem and new != form.get("repeat", "").strip():
                problem = _("The two new PINs differ.")
            if not problem:
                credentials.set_pin(session, me.id, new, at=site.clock.now())
    except UserError as error:
        problem = error_sentence(error)
    if problem:
        return render_template(
            "me/pin.html", problem=problem, least=credentials.MIN_PIN, most=credentials.MAX_PIN
        ), code
    log.info("person %d chose a PIN", me.id)
    flash(_("Your new PIN is set. Keep it to yourself."), "success")
    return employee.begin(_redirect("me.days"), me.id, "pin")


# --- days and corrections --------------------------------------------------------------------------


@blueprint.get("")
def days() -> ResponseReturnValue:
    """Show a month, the newest day first."""
    site, now, me = current_site(), current_site().clock.now(), _signed_in()
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
    site, now, me = current_site(), current_site().clock.now(), _signed_in()
    first, last = own_days.month_of(request.args.get("month", ""), today())
    with site.sessions() as session:
        sheet = working_days.sheet(session, first, last, site.zone, now, person_id=me.id)
    if not sheet:
        return answer(404)
    return _file(to_csv(timesheet(sheet[0], local_forms()), site.zone), "text/csv", f"my hours {first:%Y-%m}.csv")


@blueprint.get("/day/<day>")
def day(day: str) -> ResponseReturnValue:
    """Show what the day came to, what each check-in was taken for, and what can be asked for."""
    site, now, me = current_site(), current_site().clock.now(), _signed_in()
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
    )


@blueprint.get("/corrections")
def my_corrections() -> ResponseReturnValue:
    with current_site().sessions() as session:
        rows = list_corrections(session, person_id=_signed_in().id, limit=100)
    return render_template("me/corrections.html", rows=rows, today=today(), BY=own_days.BY)


@blueprint.post("/corrections")
@limiter.limit("60/hour", key_func=_by_person)
def ask() -> ResponseReturnValue:
    """Ask for a correction: a missing check-in, or a wrong one."""
    form, site, me = request.form, current_site(), _signed_in()

    def work(session: Session, now: datetime) -> str:
        at = None
        if form.get("action") == "add":
            at = instant_from(day_from(form.get("day", "")), form.get("at", "")).astimezone(UTC)
        row = own_days.ask(
            session, me.id, action=form.get("action", ""), reason=clean_line(form.get("reason", "")), now=now,
            zone=site.zone, at=at, direction=DIRECTIONS.get(form.get("direction", ""), Direction.UNKNOWN),
            passage_id=clean_line(form.get("passage_id", "")),
        )  # fmt: skip
        log.info("person %d asked for the correction %s", me.id, row.id)
        return _("Your request is noted. It counts once it is approved.")

    return _done(work, _back(form.get("back", "")))


@blueprint.post("/corrections/<correction_id>/withdraw")
def withdraw(correction_id: str) -> ResponseReturnValue:
    """Withdraw a request that still waits; a decision stays."""
    me = _signed_in()

    def work(session: Session, now: datetime) -> str:
        withdraw_own_request(session, clean_line(correction_id), me.id, by=own_days.BY, now=now)
        return _("Your request is withdrawn.")

    return _done(work, url_for("me.my_corrections"))


@blueprint.get("/leave")
def leave() -> ResponseReturnValue:
    """Show leave of this year and the next; only operators change it."""
    now = today()
    first, last = now.replace(month=1, day=1), date(now.year + 1, 12, 31)
    states = ("requested", "approved", "refused", "withdrawn")
    with current_site().sessions() as session:
        rows = rosters.leave_between(session, first, last, person_id=_signed_in().id, states=states)
        holidays = list(rosters.holidays_between(session, now, last))[:12]
    return render_template("me/leave.html", rows=list(reversed(rows)), holidays=holidays, today=now)


# --- data ------------------------------------------------------------------------------------------


@blueprint.get("/data")
def data() -> ResponseReturnValue:
    """Show what is stored, and the consent with a way to withdraw it."""
    return render_template("me/data.html", **_data())


@blueprint.get("/data.json")
def data_json() -> ResponseReturnValue:
    with current_site().sessions() as session:
        stored = own_data.everything_about(session, _signed_in().id, current_site().clock.now())
    return _file(json.dumps(stored, indent=2, ensure_ascii=False), "application/json", "my data.json")


@blueprint.get("/check-ins.csv")
def check_ins_csv() -> ResponseReturnValue:
    site, me = current_site(), _signed_in()
    with site.sessions() as session:
        text = "".join(passages_csv(all_passages(session, person_id=me.id), site.zone))
    return _file("\ufeff" + text, "text/csv", "my check-ins.csv")


@blueprint.post("/consent/withdraw")
@limiter.limit("10/hour", key_func=_by_person)
def withdraw_consent() -> ResponseReturnValue:
    """Withdraw the consent at once, with one form as it was given; the templates are erased."""
    me, site = _signed_in(), current_site()
    if request.form.get("sure") != "yes":
        return render_template("me/data.html", problem=_("Tick the box if you are sure."), **_data()), 400
    with site.sessions.begin() as session:
        consent.withdraw_consent(session, me.id, at=site.clock.now())
    log.info("person %d withdrew the consent on the employees' pages", me.id)
    flash(_("Your consent is withdrawn, and the templates of your face are erased."), "success")
    return redirect(url_for("me.data"))


def _data() -> dict[str, Any]:
    me = _signed_in()
    with current_site().sessions() as session:
        return {
            "person": people.get_person(session, me.id),
            "templates": templates.list_templates(session, me.id),
            "secret": credentials.secret_of(session, me.id),
            "passages": events.list_passages(session, person_id=me.id, limit=SHOWN_PASSAGES),
        }


# --- helpers ---------------------------------------------------------------------------------------


def _redirect(endpoint: str) -> Response:
    # `redirect` is typed as Werkzeug's own response; Flask makes it this one.
    made = redirect(url_for(endpoint))
    assert isinstance(made, Response)
    return made


def _back(text: str) -> str:
    """Return the address of the day where the form was, else of the list."""
    try:
        return url_for("me.day", day=day_from(text).isoformat())
    except UserError:
        return url_for("me.my_corrections")


def _done(work: Callable[[Session, datetime], str], target: str) -> ResponseReturnValue:
    """Do `work` in one transaction, then redirect; an error of the person is shown there, and nothing is changed."""
    site = current_site()
    try:
        with site.sessions.begin() as session:
            words = work(session, site.clock.now())
    except UserError as error:
        flash(error_sentence(error), "danger")
    else:
        flash(words, "success")
    return redirect(target)


def _file(text: str, kind: str, name: str) -> Response:
    made = Response(text, content_type=f"{kind}; charset=utf-8")
    made.headers.set("Content-Disposition", "attachment", filename=name)
    return made
