"""Employees' own pages: sign in by number and PIN or by a link; days, corrections, leave, data, consent.

In: forms of people who are no operators.  Out: pages and files about the one person who is signed in.
Does not know: how a PIN is kept, how a day is computed, what an administrator sees.
Main choice: no address of these pages names a person; whose data is shown follows from the cookie alone,
so that there is no number to try.  A link is used up by a button and not by opening it: programs that
look into mails open every link.  Its token stands behind #, where no server and no log sees it; the price is that
a link needs JavaScript.
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
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours import days as attendance
from attendance.service.hours import own_days
from attendance.service.hours.exports import to_csv
from attendance.service.hours.report_tables import timesheet
from attendance.service.privacy import own_data
from attendance.store.access import events
from attendance.store.hours import corrections, periods, rosters
from attendance.store.people import credentials, people, templates
from attendance.store.privacy import consent
from attendance.store.session import DatabaseError
from attendance.web.errors import answer, error_sentence
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, instant_from, next_month, today
from attendance.web.me import employee
from attendance.web.me.employee import Employee
from attendance.web.security import limiter
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("me", __name__, url_prefix=employee.PATH)

# Reachable without being signed in; everything else in this room is closed.
OPEN = {"me.sign_in_page", "me.sign_in", "me.link", "me.look_at_link", "me.use_link"}
DIRECTIONS = {"in": Direction.IN, "out": Direction.OUT}
SHOWN_PASSAGES = 30
LOCKED = "Too many wrong PINs for this number. Wait some minutes, then try again."


def _wrong(response: Response) -> bool:
    return response.status_code == 401


def _by_person() -> str:
    """Whose tries are counted: a whole firm may come from one address."""
    who = employee.signed_in()
    return get_remote_address() if who is None else f"person {who.id}"


@blueprint.before_request
def _require_somebody() -> ResponseReturnValue | None:
    who = employee.signed_in()
    if who is not None:
        g.me = who
    elif request.endpoint not in OPEN:
        return redirect(url_for("me.sign_in_page"))
    return None


@blueprint.context_processor
def _me() -> dict[str, Any]:
    return {"me": g.get("me")}


def _who() -> Employee:
    who = g.me
    assert isinstance(who, Employee)
    return who


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
    """Staff number or badge, and PIN.  The answer to a wrong one is the same whether the number exists."""
    site, number, pin = current_site(), clean_line(request.form.get("number", "")), request.form.get("pin", "").strip()
    with site.sessions.begin() as session:
        who = number
        if credentials.is_badge(number) and (holder := credentials.person_of_badge(session, number)) is not None:
            who = holder.staff_number or number
        tried = credentials.try_pin(session, who, pin, at=site.clock.now())
    if tried.person is None:
        log.warning("a sign-in to the own pages from %s failed: %s", request.remote_addr, tried.outcome.value)
        words = "Number or PIN is wrong."
        if tried.outcome is credentials.Tried.LOCKED:
            words = LOCKED
        shown = "" if credentials.is_badge(number) else number
        return render_template("me/sign_in.html", number=shown, problem=words), 401
    return employee.begin(_redirect("me.days"), tried.person.id, "pin")


@blueprint.get("/link")
def link() -> ResponseReturnValue:
    """Only a button, to which the page's script gives the token: opening the address changes nothing."""
    return render_template("me/link.html", good=True)


@blueprint.post("/link/look")
@limiter.limit("60/minute")
def look_at_link() -> ResponseReturnValue:
    """Whether the link can be used, for the script, which says so before anybody presses the button."""
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
    log.info("person %d signed in to the own pages by a link", person.id)
    target = "me.pin" if person.staff_number else "me.days"
    return employee.begin(_redirect(target), person.id, "link")


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    flash("You are signed out.", "success")
    return employee.end(_redirect("me.sign_in_page"))


@blueprint.route("/pin", methods=["GET", "POST"])
@limiter.limit("20/hour", methods=["POST"], deduct_when=_wrong, key_func=_by_person)
def pin() -> ResponseReturnValue:
    """Choose a PIN: by a link at once, else with the present one.  Every other session ends."""
    who, site, form = _who(), current_site(), request.form
    if request.method == "GET":
        return render_template("me/pin.html", problem="", least=credentials.MIN_PIN, most=credentials.MAX_PIN)
    new, code, problem = form.get("pin", "").strip(), 400, ""
    try:
        with site.sessions.begin() as session:
            if who.way != "link":
                tried = credentials.try_pin(
                    session, who.number or "", form.get("present", "").strip(), at=site.clock.now()
                )
                if tried.person is None or tried.person.id != who.id:
                    locked = tried.outcome is credentials.Tried.LOCKED
                    problem, code = LOCKED if locked else "This is not your present PIN.", 401
            if not problem and new != form.get("repeat", "").strip():
                problem = "The two new PINs differ."
            if not problem:
                credentials.set_pin(session, who.id, new, at=site.clock.now())
    except UserError as error:
        problem = error_sentence(error)
    if problem:
        return render_template(
            "me/pin.html", problem=problem, least=credentials.MIN_PIN, most=credentials.MAX_PIN
        ), code
    log.info("person %d chose a PIN", who.id)
    flash("Your new PIN is set. Keep it to yourself.", "success")
    return employee.begin(_redirect("me.days"), who.id, "pin")


# --- days and corrections --------------------------------------------------------------------------


@blueprint.get("")
def days() -> ResponseReturnValue:
    """A month, the newest day first."""
    site, now, who = current_site(), current_site().clock.now(), _who()
    first, last = own_days.month_of(request.args.get("month", ""), today())
    with site.sessions() as session:
        sheet = attendance.sheet(session, first, last, site.zone, now, person_id=who.id)
    mine = sheet[0] if sheet else None
    past = [one for one in reversed(mine.days) if one.day <= today()] if mine else []
    return render_template(
        "me/days.html",
        first=first,
        sheet=mine,
        past=past,
        ahead=[one for one in mine.days if one.day > today()] if mine else [],
        notes={one.day: own_days.notes(one) for one in past},
        before=(first.replace(day=1) - date.resolution).strftime("%Y-%m"),
        after=next_month(first).strftime("%Y-%m") if next_month(first) <= today() else None,
        today=today(),
    )


@blueprint.get("/days.csv")
def days_csv() -> ResponseReturnValue:
    site, now, who = current_site(), current_site().clock.now(), _who()
    first, last = own_days.month_of(request.args.get("month", ""), today())
    with site.sessions() as session:
        sheet = attendance.sheet(session, first, last, site.zone, now, person_id=who.id)
    if not sheet:
        return answer(404)
    return _file(to_csv(timesheet(sheet[0], site.zone), site.zone), "text/csv", f"my hours {first:%Y-%m}.csv")


@blueprint.get("/day/<day>")
def day(day: str) -> ResponseReturnValue:
    """What the day came to, what each check-in was taken for, and what can be asked for."""
    site, now, who = current_site(), current_site().clock.now(), _who()
    try:
        wanted = day_from(day)
    except UserError:
        return answer(404)
    with site.sessions() as session:
        found = attendance.days_of(session, who.id, wanted, wanted, site.zone, now)[0]
        asked = corrections.corrections(session, person_id=who.id, first=wanted, last=wanted)
        lock = periods.lock_over(session, wanted, wanted, now)
    return render_template(
        "me/day.html",
        one=found,
        notes=own_days.notes(found),
        asked=asked,
        lock=lock,
        before=wanted - date.resolution,
        after=wanted + date.resolution if wanted < today() else None,
        open=wanted <= today() and lock is None,
    )


@blueprint.get("/corrections")
def my_corrections() -> ResponseReturnValue:
    with current_site().sessions() as session:
        found = corrections.corrections(session, person_id=_who().id, limit=100)
    return render_template("me/corrections.html", found=found, today=today(), BY=own_days.BY)


@blueprint.post("/corrections")
@limiter.limit("60/hour", key_func=_by_person)
def ask() -> ResponseReturnValue:
    """A check-in that is missing, or one that is wrong."""
    form, site, who = request.form, current_site(), _who()

    def work(session: Session, now: datetime) -> str:
        at = None
        if form.get("action") == "add":
            at = instant_from(day_from(form.get("day", "")), form.get("at", "")).astimezone(UTC)
        row = own_days.ask(
            session, who.id, action=form.get("action", ""), reason=clean_line(form.get("reason", "")), now=now,
            zone=site.zone, at=at, direction=DIRECTIONS.get(form.get("direction", ""), Direction.UNKNOWN),
            passage_id=clean_line(form.get("passage_id", "")),
        )  # fmt: skip
        log.info("person %d asked for the correction %s", who.id, row.id)
        return "Your request is noted. It counts once somebody has approved it."

    return _done(work, _back(form.get("back", "")))


@blueprint.post("/corrections/<correction_id>/withdraw")
def withdraw(correction_id: str) -> ResponseReturnValue:
    """What still waits; a decision stays."""
    who = _who()

    def work(session: Session, now: datetime) -> str:
        stored_corrections.withdraw_own_request(session, clean_line(correction_id), who.id, by=own_days.BY, now=now)
        return "Your request is withdrawn."

    return _done(work, url_for("me.my_corrections"))


@blueprint.get("/leave")
def leave() -> ResponseReturnValue:
    """Of this year and the next; seen, and changed by whoever plans."""
    now = today()
    first, last = now.replace(month=1, day=1), date(now.year + 1, 12, 31)
    states = ("requested", "approved", "refused", "withdrawn")
    with current_site().sessions() as session:
        found = rosters.leave_between(session, first, last, person_id=_who().id, states=states)
        holidays = list(rosters.holidays_between(session, now, last))[:12]
    return render_template("me/leave.html", found=list(reversed(found)), holidays=holidays, today=now)


# --- data ------------------------------------------------------------------------------------------


@blueprint.get("/data")
def data() -> ResponseReturnValue:
    """What is stored, as a page; consent, and taking it back."""
    return render_template("me/data.html", **_data())


@blueprint.get("/data.json")
def data_json() -> ResponseReturnValue:
    with current_site().sessions() as session:
        told = own_data.everything_about(session, _who().id, current_site().clock.now())
    return _file(json.dumps(told, indent=2, ensure_ascii=False), "application/json", "my data.json")


@blueprint.get("/check-ins.csv")
def check_ins_csv() -> ResponseReturnValue:
    site, who = current_site(), _who()
    with site.sessions() as session:
        text = "".join(passages_csv(all_passages(session, person_id=who.id), site.zone))
    return _file("\ufeff" + text, "text/csv", "my check-ins.csv")


@blueprint.post("/consent/withdraw")
@limiter.limit("10/hour", key_func=_by_person)
def withdraw_consent() -> ResponseReturnValue:
    """At once, as it was given; the templates are gone."""
    who, site = _who(), current_site()
    if request.form.get("sure") != "yes":
        return render_template("me/data.html", problem="Tick the box if you are sure.", **_data()), 400
    with site.sessions.begin() as session:
        consent.withdraw_consent(session, who.id, at=site.clock.now())
    log.info("person %d took the consent back on the own pages", who.id)
    flash("Your consent is taken back, and the templates of your face are erased.", "success")
    return redirect(url_for("me.data"))


def _data() -> dict[str, Any]:
    who = _who()
    with current_site().sessions() as session:
        return {
            "person": people.get_person(session, who.id),
            "templates": templates.list_templates(session, who.id),
            "secret": credentials.secret_of(session, who.id),
            "passages": events.list_passages(session, person_id=who.id, limit=SHOWN_PASSAGES),
        }


# --- helpers ---------------------------------------------------------------------------------------


def _redirect(endpoint: str) -> Response:
    # `redirect` is typed as Werkzeug's own response; Flask makes it this one.
    made = redirect(url_for(endpoint))
    assert isinstance(made, Response)
    return made


def _back(text: str) -> str:
    """The page of the day from which somebody asked, else the list."""
    try:
        return url_for("me.day", day=day_from(text).isoformat())
    except UserError:
        return url_for("me.my_corrections")


def _done(work: Callable[[Session, datetime], str], target: str) -> ResponseReturnValue:
    """Do `work` in one transaction and go on; what the person can mend is said there, and nothing is changed."""
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
