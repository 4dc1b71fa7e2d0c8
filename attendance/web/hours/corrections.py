"""The inbox of corrections, and closing periods.

In: a request.  Out: pages; decisions.
Does not know: how a correction changes a day.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.errors import UserError, sentence
from attendance.service.audit.audit import Action, Subject
from attendance.service.hours import corrections, periods
from attendance.service.hours.days import PersonDays
from attendance.store.hours import corrections as correction_rows
from attendance.store.hours import rosters
from attendance.store.hours.periods import locks as list_locks
from attendance.store.hours.rosters import StaffMember
from attendance.texts import N_, ngettext, translated
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.errors import error_sentence
from attendance.web.hours.date_range import day_from, month_of, today, whole
from attendance.web.hours.staff import staff_texts
from attendance.web.listing import Column, by_name, chosen_of, listed, listing_of
from attendance.web.security import permission, record_act
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("corrections", __name__, url_prefix="/attendance")

MOST_SHOWN = 5000
# Written in one transaction.
MOST_AT_ONCE = 100
MOST_GRACE = 60
PREVIEW_COLUMNS = (
    Column[PersonDays]("person", N_("Person"), lambda row: row.person.name),
    Column[PersonDays]("department", N_("Department"), lambda row: row.person.department or None),
    Column[PersonDays]("worked", N_("Worked"), lambda row: row.worked, numeric=True),
    Column[PersonDays]("expected", N_("Expected"), lambda row: row.expected, numeric=True),
    Column[PersonDays]("balance", N_("Balance"), lambda row: row.balance, numeric=True),
    Column[PersonDays]("overtime", N_("Overtime"), lambda row: row.overtime, numeric=True),
    Column[PersonDays]("look_at", N_("Days to look at"), lambda row: row.days_to_look_at, numeric=True),
)
STATES = {
    "requested": N_("Waiting"),
    "approved": N_("Approved"),
    "refused": N_("Refused"),
    "withdrawn": N_("Withdrawn"),
    "all": N_("All"),
}
DONE = {"approve": N_("Approved: it counts now."), "refuse": N_("Refused."), "withdraw": N_("Withdrawn.")}


@blueprint.get("/corrections")
@permission("read_correction")
def inbox() -> ResponseReturnValue:
    site = current_site()
    state = request.args.get("state", "requested")
    state = state if state in STATES else "requested"
    with site.sessions() as session:
        rows = correction_rows.corrections(session, state=None if state == "all" else state, limit=MOST_SHOWN)
        staff = {person.id: person for person in rosters.list_staff(session, active=None)}
    columns = (
        Column[Any]("person", N_("Person"), lambda row: by_name(staff, row.person_id)),
        Column[Any]("day", N_("Day"), lambda row: row.day),
        Column[Any]("asked", N_("Asked"), lambda row: row.requested_at),
    )
    listing = listing_of(rows, columns, _texts(staff), sort="-asked")
    return render_template("hours/corrections.html", listing=listing, staff=staff, state=state, states=STATES)


def _texts(staff: Mapping[int, StaffMember]) -> Callable[[Any], tuple[str, ...]]:
    """Return what the search looks at in a correction."""

    def texts(row: Any) -> tuple[str, ...]:
        person = staff.get(row.person_id)
        return (*(staff_texts(person) if person else ()), row.reason, row.requested_by, row.day.isoformat())

    return texts


_ACTIONS = {
    "approve": Action.APPROVE_CORRECTION,
    "refuse": Action.REFUSE_CORRECTION,
    "withdraw": Action.WITHDRAW_CORRECTION,
}


@blueprint.post("/corrections/<correction_id>")
@permission("decide_correction")
def decide(correction_id: str) -> ResponseReturnValue:
    what = request.form.get("what", "")

    def work(session: Session, now: datetime) -> str:
        if what == "withdraw":
            corrections.withdraw_correction(
                session, correction_id, by=current_user.username, now=now, decider=current_user.person_id
            )
        elif what in ("approve", "refuse"):
            corrections.decide_correction(
                session, correction_id, approve=what == "approve", by=current_user.username, now=now,
                note=request.form.get("note", ""), decider=current_user.person_id,
            )  # fmt: skip
        else:
            raise UserError("approve, refuse or withdraw it")
        record_act(session, _ACTIONS[what], Subject("correction", correction_id))
        return _(DONE[what])

    return done(work, url_for("corrections.inbox", state=request.form.get("state") or None))


@blueprint.post("/corrections")
@permission("decide_correction")
def decide_chosen() -> ResponseReturnValue:
    """Approve or refuse the corrections that were ticked, or all that the search found."""
    site, form, what = current_site(), request.form, request.form.get("what", "")
    if what not in ("approve", "refuse"):
        flash(_("Approve or refuse them."), "danger")
        return redirect(listed(url_for("corrections.inbox")))
    with site.sessions() as session:
        rows = correction_rows.corrections(session, state="requested", limit=MOST_SHOWN)
        staff = {person.id: person for person in rosters.list_staff(session, active=None)}
    person_of = {row.id: row.person_id for row in rows}
    chosen = chosen_of(form, rows, _texts(staff), lambda row: str(row.id), "correction")
    done, kept = 0, dict[str, list[str]]()
    for start in range(0, len(chosen), MOST_AT_ONCE):
        with site.sessions.begin() as session:
            decided = corrections.decide_corrections(
                session, chosen[start : start + MOST_AT_ONCE], approve=what == "approve", by=current_user.username,
                now=site.clock.now(), note=form.get("note", ""), decider=current_user.person_id,
            )  # fmt: skip
            for correction_id in decided.done:
                record_act(session, _ACTIONS[what], Subject("correction", correction_id))
        done += len(decided.done)
        for correction_id, why in decided.kept:
            kept.setdefault(why, []).append(by_name(staff, person_of[correction_id]))
    if not chosen:
        flash(_("Choose at least one correction."), "danger")
    if done:
        log.info("%s: %s %d corrections", current_user.username, what, done)
        words = ngettext("%(number)s correction is approved.", "%(number)s corrections are approved.", done)
        if what == "refuse":
            words = ngettext("%(number)s correction is refused.", "%(number)s corrections are refused.", done)
        flash(words, "success")
    for why, names in kept.items():
        people = ", ".join(dict.fromkeys(names))
        flash(_("Not decided for %(people)s: %(why)s", people=people, why=sentence(translated(why))), "warning")
    return redirect(listed(url_for("corrections.inbox")))


@blueprint.get("/periods")
@permission("read_period")
def periods_page() -> ResponseReturnValue:
    site, now = current_site(), current_site().clock.now()
    with site.sessions() as session:
        locks = list_locks(session)
        changed = {
            lock.id: periods.changes(session, lock, site.zone, now) for lock in locks[:3] if lock.reopened_at is None
        }
        waiting = correction_rows.count_requested(session)
    first = month_of(month_of(today()) - timedelta(days=1))
    return render_template(
        "hours/periods.html",
        locks=locks,
        changed=changed,
        waiting=waiting,
        now=now,
        first=first,
        last=month_of(today()) - timedelta(days=1),
    )


@blueprint.get("/periods/preview")
@permission("close_period")
def preview_period() -> ResponseReturnValue:
    """Show what closing a period would write down, and what waits in it, before anything is closed."""
    site, now, args = current_site(), current_site().clock.now(), request.args
    try:
        first, last = day_from(args.get("from", "")), day_from(args.get("to", ""))
        grace = whole(args.get("grace", ""), _("days of grace"), 0, MOST_GRACE)
        with site.sessions() as session:
            preview = periods.preview(session, first, last, now=now, zone=site.zone)
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("corrections.periods_page"))
    return render_template(
        "hours/period_preview.html",
        preview=preview,
        listing=listing_of(preview.rows, PREVIEW_COLUMNS, lambda row: staff_texts(row.person), sort="person"),
        first=first,
        last=last,
        grace=grace,
        at=now,
    )


@blueprint.post("/periods")
@permission("close_period")
def close_period() -> ResponseReturnValue:
    """Close a period that was looked at; without the confirmation, show it first."""
    form = request.form
    if form.get("confirm") != "yes":
        seen: dict[str, Any] = {name: form.get(name, "") for name in ("from", "to", "grace")}
        return redirect(url_for("corrections.preview_period", **seen))

    site, target = current_site(), url_for("corrections.periods_page")
    try:
        grace = timedelta(days=whole(form.get("grace", ""), _("days of grace"), 0, MOST_GRACE))
        first, last = day_from(form.get("from", "")), day_from(form.get("to", ""))
        written = periods.write_down(site.sessions, first, last, now=site.clock.now(), zone=site.zone)
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(target)

    def work(session: Session, now: datetime) -> str:
        lock = periods.close(
            session, first, last, grace=grace, now=now, zone=site.zone, by=current_user.username, written=written
        )
        record_act(session, Action.CLOSE_PERIOD, Subject("period", lock.id))
        return _(
            "The period %(first)s to %(last)s is closed, and its totals are written down.",
            first=lock.first, last=lock.last,
        )  # fmt: skip

    answer = done(work, target)
    periods.settle(site.sessions, written, first, last, now=site.clock.now(), zone=site.zone)
    return answer


@blueprint.post("/periods/<int:lock_id>/reopen")
@permission("close_period")
def reopen_period(lock_id: int) -> ResponseReturnValue:
    def work(session: Session, now: datetime) -> str:
        periods.reopen(session, lock_id, now=now, by=current_user.username)
        record_act(session, Action.REOPEN_PERIOD, Subject("period", lock_id))
        return _("The period is open again.")

    return done(work, url_for("corrections.periods_page"))
