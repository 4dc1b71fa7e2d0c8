"""Schedules: a week at a glance, changed by drawing or by typing, and special days.

In: forms.  Out: pages; changed schedules; what a change would do before it is saved.
Does not know: what a schedule is used for.
Main choice: the seven text fields are the schedule; the drawing only writes into them, so that everything works without
scripts and by keyboard, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from attendance.domain.access.rules.schedule import Schedule, Week
from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.service.access.policy import editing, week_texts, what_if
from attendance.service.access.reason_texts import reason_words
from attendance.service.audit.audit import Action, Subject
from attendance.store.access import policies
from attendance.store.hours import calendars
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.errors import error_sentence
from attendance.web.formats import local_forms
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, today
from attendance.web.security import permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("schedules", __name__, url_prefix="/doors/schedules")
# What a form of the page may do; the audit names a change by this word.
CHANGES = ("week", "try", "special", "ordinary", "holidays", "delete")


@blueprint.get("")
@permission("read_access")
def index() -> ResponseReturnValue:
    with current_site().sessions() as session:
        found = policies.load_rules(session, current_site().zone).schedules.values()
    return render_template(
        "access/schedules.html", schedules=sorted(found, key=lambda one: sort_key(one.name)), **_weekdays()
    )


@blueprint.get("/<int:schedule_id>")
@permission("read_access")
def show(schedule_id: int) -> ResponseReturnValue:
    return _page(_schedule(schedule_id))


@blueprint.post("/add")
@permission("edit_access")
@sudo()
def add() -> ResponseReturnValue:
    """Make a schedule that is closed on every day; its page opens, where it is filled."""
    site, name, made = current_site(), clean_line(request.form.get("name", ""))[:100], []
    try:
        with site.sessions.begin() as session:
            made.append(editing.save_schedule(session, None, name, ((),) * 7, site.clock.now()))
            record_act(session, Action.CHANGE_DOOR_RULES, Subject("schedule", made[0]), what="add")
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("schedules.index"))
    return redirect(url_for("schedules.show", schedule_id=made[0]))


@blueprint.post("/<int:schedule_id>")
@permission("edit_access")
@sudo()
def save(schedule_id: int) -> ResponseReturnValue:
    """Save the week, show what it would change, set or clear a special day, or delete the schedule."""
    form, what = request.form, request.form.get("what", "week")
    if what not in CHANGES:
        abort(400)
    if what == "try":
        return _try(schedule_id, form)
    target = url_for("schedules.index") if what == "delete" else url_for("schedules.show", schedule_id=schedule_id)
    if what == "week":
        try:
            _week(form)
        except UserError as error:  # show what was typed, so that it can be mended
            flash(error_sentence(error), "danger")
            return _page(_schedule(schedule_id), form), 400

    def work(session: Session, now: datetime) -> str:
        if what == "delete":
            editing.delete_schedule(session, schedule_id, now)
            words = _("The schedule is deleted.")
        elif what in ("special", "ordinary"):
            on = day_from(form.get("day", ""))
            windows = week_texts.day_of(form.get("windows", "")) if what == "special" else None
            editing.set_special_day(session, schedule_id, on, windows, now)
            words = _("Saved.")
        elif what == "holidays":
            for day in _holidays(session, schedule_id):
                editing.set_special_day(session, schedule_id, day, (), now)
            words = _("Closed on these holidays. Change a day if the door opens then.")
        else:
            editing.save_schedule(session, schedule_id, clean_line(form.get("name", "")), _week(form), now)
            words = _("Saved. Doors decide by it from now on.")
        record_act(session, Action.CHANGE_DOOR_RULES, Subject("schedule", schedule_id), what=what)
        return words

    return done(work, target)


def _try(schedule_id: int, form: Mapping[str, str]) -> ResponseReturnValue:
    site, schedule = current_site(), _schedule(schedule_id)
    try:
        week = _week(form)
    except UserError as error:
        flash(error_sentence(error), "danger")
        return _page(schedule, form), 400
    with site.sessions() as session:
        found = what_if.compare(session, site.zone, what_if.with_week(schedule_id, week), site.clock.now())
    return _page(schedule, form, found)


def _page(schedule: Schedule, typed: Mapping[str, str] | None = None, found: what_if.Comparison | None = None) -> str:
    lines = [week_texts.text_of(day) for day in schedule.week]
    if typed is not None:
        lines = [typed.get(f"day-{number}", "")[: week_texts.LONGEST] for number in range(7)]
    special = sorted(schedule.special_days.items())
    with current_site().sessions() as session:
        holidays = len(_holidays(session, schedule.id))
    return render_template(
        "access/schedule.html", schedule=schedule, lines=lines, week=_drawn(lines, schedule.week), found=found,
        holidays=holidays,
        name=schedule.name if typed is None else clean_line(typed.get("name", "")),
        special=[(on, week_texts.text_of(day)) for on, day in special], today=today(), reason_words=reason_words,
        **_weekdays(),
    )  # fmt: skip


def _drawn(lines: list[str], stored: Week) -> Week:
    try:
        return week_texts.week_of(lines)
    except UserError:
        return stored


def _week(form: Mapping[str, str]) -> Week:
    """Return the week of a form; UserError names the day that cannot be read."""
    lines = [form.get(f"day-{number}", "") for number in range(7)]
    for name, line in zip(_weekdays()["weekdays"], lines, strict=True):
        try:
            week_texts.spans(line)
        except UserError as error:
            raise UserError("%(day)s: %(why)s", day=name, why=str(error)) from error
    return week_texts.week_of(lines)


def _holidays(session: Session, schedule_id: int) -> list[date]:
    """Return the site's holidays of the coming year on which this schedule has no special day yet."""
    schedule = policies.load_rules(session, current_site().zone).schedules.get(schedule_id)
    known = {} if schedule is None else schedule.special_days
    coming = calendars.holidays_between(session, today(), today() + timedelta(days=365))
    return [holiday.day for holiday in coming if holiday.day not in known]


def _weekdays() -> dict[str, Any]:
    monday = date(2024, 1, 1)
    names = [local_forms().weekday(monday.replace(day=1 + number)) for number in range(7)]
    return {"weekdays": names, "clock": week_texts.clock, "text_of": week_texts.text_of}


def _schedule(schedule_id: int) -> Schedule:
    with current_site().sessions() as session:
        found = policies.load_rules(session, current_site().zone).schedules.get(schedule_id)
    if found is None:
        abort(404)
    return found
