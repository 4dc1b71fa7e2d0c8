"""Employees' page of leave: balance, requests, asking and withdrawing.

In: forms of people who are not operators.  Out: a page about the one person who is signed in.
Does not know: who decides, how a balance is computed.
"""

from __future__ import annotations

from datetime import date, datetime

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.hours.leave import balances, requests
from attendance.service.people.own_requests import BY
from attendance.store.hours import leave as leave_rows
from attendance.store.hours import leave_rules, rosters
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, today
from attendance.web.hours.leave import half_from
from attendance.web.me.guard import blueprint, by_person, signed_in_as, signed_in_employee
from attendance.web.security import limiter
from attendance.web.site import current_site

__all__ = ["blueprint"]


@blueprint.get("/leave")
def leave() -> ResponseReturnValue:
    """Show leave of this year and the next, the days that are left, and a form to ask."""
    now, me = today(), signed_in_employee()
    first, last = now.replace(month=1, day=1), date(now.year + 1, 12, 31)
    with current_site().sessions() as session:
        rows = leave_rows.leave_between(session, first, last, person_id=me.id, states=leave_rows.STATES)
        plans = rosters.plans(session, [me.id], now, last)[me.id]
        return render_template(
            "me/leave.html",
            rows=list(reversed(rows)),
            days=balances.days_of_leave(session, rows),
            balance=balances.balances(session, [me.id], now).get(me.id),
            kinds=leave_rules.list_kinds(session),
            holidays=[plan for plan in plans.values() if plan.holiday][:12],
            today=now,
        )


@blueprint.post("/leave")
@limiter.limit("60/hour", key_func=by_person)
def ask_for_leave() -> ResponseReturnValue:
    """Ask for leave; it counts once it is approved."""
    form, me = request.form, signed_in_employee()

    def work(session: Session, now: datetime) -> str:
        row = requests.ask_for_leave(
            session, me.id, kind=clean_line(form.get("kind", "")), first=day_from(form.get("first", "")),
            last=day_from(form.get("last", "") or form.get("first", "")), half=half_from(form.get("half", "")),
            last_half=half_from(form.get("last_half", "")), note=clean_line(form.get("note", "")), now=now,
        )  # fmt: skip
        _record(session, Action.REQUEST_LEAVE, row.id, now)
        return _("Your request is noted. It counts once it is approved.")

    return done(work, url_for("me.leave"), by=signed_in_as())


@blueprint.post("/leave/<int:leave_id>/withdraw")
def withdraw_leave(leave_id: int) -> ResponseReturnValue:
    """Withdraw a request that still waits; a decision stays."""
    me = signed_in_employee()

    def work(session: Session, now: datetime) -> str:
        requests.withdraw_own_request(session, leave_id, me.id, now=now)
        _record(session, Action.WITHDRAW_LEAVE, leave_id, now)
        return _("Your request is withdrawn.")

    return done(work, url_for("me.leave"), by=signed_in_as())


def _record(session: Session, action: Action, leave_id: int, at: datetime) -> None:
    actor = Actor("system", BY)
    audit.record(session, actor=actor, action=action, subject=Subject("leave", leave_id), at=at)
