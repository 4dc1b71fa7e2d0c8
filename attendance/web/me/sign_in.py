"""Employees' pages: sign in by staff number and PIN or by a link; sign out; choose a PIN.

In: forms of people who are not operators.  Out: pages; a cookie (employee.py).
Does not know: how a PIN is kept, what the other pages show.
Main choice: a button uses a link up, and opening it does not: programs that scan mails open every link.  The
link's token comes after #, where no server and no log sees it.  Trade-off: a link needs JavaScript.
"""

from __future__ import annotations

import logging

from flask import Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject, Value
from attendance.store import slow_hash
from attendance.store.people import credentials, pins
from attendance.store.people.pins import Place, Tried
from attendance.store.session import DatabaseError
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_line
from attendance.web.me import employee
from attendance.web.me.employee import Employee
from attendance.web.me.guard import blueprint, by_person, redirect_to, signed_in_employee
from attendance.web.security import caller_address, limiter
from attendance.web.site import Site, current_site

__all__ = ["blueprint"]

log = logging.getLogger(__name__)
_PROBLEMS = {
    Tried.LOCKED: N_("Too many wrong PINs for this number. Wait some minutes, then try again."),
    Tried.BLOCKED: N_("Too many wrong PINs in a row. Enter your PIN at a tablet once, or ask for a new link."),
}
# Wrong PINs of all numbers and addresses together; a tablet is not slowed down by it.
_SPRAYED = "600/hour;120/minute"


def _wrong(response: Response) -> bool:
    return response.status_code == 401


@blueprint.get("/sign-in")
def sign_in_page() -> ResponseReturnValue:
    return redirect(url_for("me.days")) if "me" in g else render_template("me/sign_in.html", number="", problem="")


@blueprint.post("/sign-in")
@limiter.limit(_SPRAYED, key_func=lambda: "wrong PINs of everybody", deduct_when=_wrong)
@limiter.limit("120/hour;20/minute", deduct_when=_wrong)
@limiter.limit(
    "8/minute",
    key_func=lambda: f"{caller_address()}|{request.form.get('number', '')[:100].strip().casefold()}",
    deduct_when=_wrong,
)
def sign_in() -> ResponseReturnValue:
    """Sign in by staff number or badge, and PIN.  An unknown number gets the same answer as a wrong PIN."""
    site, number, pin = current_site(), clean_line(request.form.get("number", "")), request.form.get("pin", "").strip()
    staff_number = number
    if credentials.is_badge(number):
        with site.sessions() as session:
            holder = credentials.person_of_badge(session, number)
        staff_number = number if holder is None else holder.staff_number or number
    place = Place("web", caller_address())
    tried = pins.try_pin(site.sessions, staff_number, pin, at=site.clock.now(), place=place)
    if tried.person is None:
        log.warning("a sign-in to the employees' pages from %s failed: %s", request.remote_addr, tried.outcome.value)
        words = _(_PROBLEMS.get(tried.outcome, N_("Number or PIN is wrong.")))
        shown = "" if credentials.is_badge(number) else number
        return render_template("me/sign_in.html", number=shown, problem=words), 401
    return employee.begin(redirect_to("me.days"), tried.person.id, "pin")


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
            _record(session, person.id, Action.USE_LINK)
    except UserError as error:
        if isinstance(error, DatabaseError):
            raise
        return render_template("me/link.html", good=False), 410
    log.info("person %d signed in to the employees' pages by a link", person.id)
    target = "me.pin" if person.staff_number else "me.days"
    return employee.begin(redirect_to(target), person.id, "link")


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    flash(_("You are signed out."), "success")
    return employee.end(redirect_to("me.sign_in_page"))


def _keep(site: Site, me: Employee, new: str, duress: bool, may_stay: bool) -> None:
    """Store the new PIN; UserError if it may not be chosen, or is the person's other one."""
    hashed = pins.hashed_pin(new, me.staff_number, slow_hash.SITE)
    if not may_stay and pins.is_taken(site.sessions, me.id, new, slow_hash.SITE):
        raise UserError("choose another PIN: this one is in use")
    with site.sessions.begin() as session:
        if not duress:
            pins.set_pin(session, me.id, hashed, at=site.clock.now())
            _record(session, me.id, Action.ISSUE_CREDENTIAL, credential="PIN")
            return
        pins.set_duress_pin(session, me.id, hashed)
        _record(session, me.id, Action.CHANGE_PERSON_ACCESS, duress_pin=True)


def _record(session: Session, person_id: int, action: Action, **detail: Value) -> None:
    """Note in the audit what a person did on the employees' pages."""
    actor, at = Actor("system", "employees' pages"), current_site().clock.now()
    audit.record(session, actor=actor, action=action, at=at, subject=Subject("person", person_id), detail=detail)


@blueprint.route("/pin", methods=["GET", "POST"])
@limiter.limit("20/hour", methods=["POST"], deduct_when=_wrong, key_func=by_person)
def pin() -> ResponseReturnValue:
    """Choose a PIN: at once after a link, else with the present PIN.  Every other session ends.

    Or choose the PIN for duress beside it, always with the present one.
    """
    me, site, form = signed_in_employee(), current_site(), request.form
    if request.method == "GET":
        return render_template("me/pin.html", problem="", least=pins.MIN_PIN, most=pins.MAX_PIN)
    new, code, problem = form.get("pin", "").strip(), 400, ""
    duress, present = form.get("what") == "duress", form.get("present", "").strip()
    try:
        if duress or me.way != "link":
            place = Place("web", caller_address())
            tried = pins.try_pin(site.sessions, me.staff_number or "", present, at=site.clock.now(), place=place)
            if tried.person is None or tried.person.id != me.id:
                problem, code = _(_PROBLEMS.get(tried.outcome, N_("This is not your present PIN."))), 401
        if not problem and new != form.get("repeat", "").strip():
            problem = _("The two new PINs differ.")
        if not problem:
            _keep(site, me, new, duress, may_stay=not duress and new == present)
    except UserError as error:
        problem = error_sentence(error)
    if problem:
        return render_template("me/pin.html", problem=problem, least=pins.MIN_PIN, most=pins.MAX_PIN), code
    if duress:
        flash(_("Your PIN for duress is set. Keep it to yourself."), "success")
        return redirect_to("me.days")
    log.info("person %d chose a PIN", me.id)
    flash(_("Your new PIN is set. Keep it to yourself."), "success")
    return employee.begin(redirect_to("me.days"), me.id, "pin")
