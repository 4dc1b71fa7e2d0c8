"""Pages of working time: who is here today, the calendar of a department or a person, one day in full.

In: a request.  Out: pages; requests for corrections and changed shifts of one day.
Does not know: how a day is computed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.domain.hours.day import Day, Flag, Inference, Spell
from attendance.domain.hours.shift import Half, hhmm
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.hours import corrections, day_words, planning
from attendance.service.hours import days as working_days
from attendance.service.hours.days import PersonDay, PersonDays, Today
from attendance.service.hours.reports.report_tables import Bar
from attendance.store.access import late
from attendance.store.hours import corrections as correction_rows
from attendance.store.hours import rosters
from attendance.store.hours.periods import lock_over
from attendance.store.people import people
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.errors import answer, error_sentence
from attendance.web.formats import local_forms
from attendance.web.hours.date_range import day_from, department_from, instant_from, is_id, repeats_between, span_of
from attendance.web.hours.staff import staff_texts
from attendance.web.listing import Column, listing_of
from attendance.web.security import permission, record_act
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("working_time", __name__, url_prefix="/attendance")
blueprint.add_app_template_filter(day_words.hours, "hours")
blueprint.add_app_template_filter(day_words.shift_words, "shift_words")
blueprint.add_app_template_filter(day_words.shift_times, "shift_times")
blueprint.add_app_template_filter(day_words.mark, "mark")
blueprint.add_app_template_filter(day_words.status_words, "status_words")
blueprint.add_app_template_filter(day_words.note_words, "note_words")
blueprint.add_app_template_filter(day_words.leave_words, "leave_words")
blueprint.add_app_template_filter(_, "translated")

SHOWS = ("here", "late", "absent", "gone", "away", "all")
TODAY_COLUMNS = (
    Column[PersonDay]("person", N_("Person"), lambda row: row.person.name),
    Column[PersonDay]("department", N_("Department"), lambda row: row.person.department or None),
    Column[PersonDay]("shift", N_("Shift"), lambda row: row.day.plan.shift.name if row.day.plan.shift else None),
    Column[PersonDay]("late", N_("State"), lambda row: row.day.late or None),
    Column[PersonDay]("in", N_("In"), lambda row: row.day.first_in),
    Column[PersonDay]("out", N_("Out"), lambda row: row.day.last_out),
    Column[PersonDay]("worked", N_("Worked"), lambda row: row.day.worked if row.day.spells else None, numeric=True),
)
CALENDAR_COLUMNS = (
    Column[PersonDays]("person", N_("Person"), lambda row: row.person.name),
    Column[PersonDays]("worked", N_("Worked"), lambda row: row.worked, numeric=True),
)
DIRECTIONS = {one.value: one for one in Direction}
# A month of 500 people is one page; nobody reads a year of them.
MOST_CALENDAR_DAYS = 62


@blueprint.app_template_filter("remarks")
def _remarks(day: Day) -> str:
    return day_words.remarks(day, local_forms())


@blueprint.app_template_filter("cause_words")
def _cause_words(inference: Inference) -> str:
    return day_words.cause_words(inference, local_forms())


@blueprint.app_template_filter("rule_words")
def _rule_words(spell: Spell) -> str:
    return day_words.rule_words(spell, local_forms())


@blueprint.app_template_filter("half_words")
def _half_words(half: str) -> str:
    return _(day_words.HALF_WORDS[Half(half)])


@blueprint.app_context_processor
def _tabs() -> dict[str, Any]:
    """Give the tabs the number of waiting corrections; it is read only if they are shown."""

    def waiting() -> int:
        with current_site().sessions() as session:
            return correction_rows.count_requested(session)

    return {"waiting_corrections": waiting}


@blueprint.get("")
@permission("read_working_time")
def today() -> ResponseReturnValue:
    site, now = current_site(), current_site().clock.now()
    department = department_from(request.args)
    show = request.args.get("show", "here")
    show = show if show in SHOWS else "here"
    with site.sessions() as session:
        present = working_days.today(session, now, site.zone, department)
        departments = rosters.departments(session)
        any_roster = bool(rosters.list_shifts(session))
    groups = {
        "here": present.here, "late": present.late, "absent": present.absent, "gone": present.gone,
        "away": present.away, "all": list(present.rows),
    }  # fmt: skip
    return render_template(
        "hours/today.html",
        groups=groups,
        show=show,
        listing=listing_of(groups[show], TODAY_COLUMNS, lambda row: staff_texts(row.person), sort="person"),
        department=department,
        departments=departments,
        at=now,
        any_roster=any_roster,
        arrivals=_arrivals(present),
    )


def _arrivals(present: Today) -> list[Bar]:
    """Return how many people came in each half hour, from the first arrival to the last."""
    site, counts = current_site(), dict[int, int]()
    for row in present.rows:
        if row.day.first_in is not None and _is_today(row, present):
            local = site.local(row.day.first_in)
            slot = local.hour * 2 + local.minute // 30
            counts[slot] = counts.get(slot, 0) + 1
    if not counts:
        return []
    return [
        Bar(hhmm(slot * 30), counts.get(slot, 0), str(counts.get(slot, 0)))
        for slot in range(min(counts), max(counts) + 1)
    ]


def _is_today(row: PersonDay, present: Today) -> bool:
    return row.day.day == max(other.day.day for other in present.rows)


@blueprint.get("/calendar")
@permission("read_working_time")
def calendar() -> ResponseReturnValue:
    """Show a department's month as a grid of marks, or a person's month as a calendar."""
    site, now = current_site(), current_site().clock.now()
    span = span_of(request.args)
    problems = list(span.problems)
    if span.days > MOST_CALENDAR_DAYS:
        problems.append(_("The calendar shows at most %(days)s days.", days=MOST_CALENDAR_DAYS))
    last = min(span.last, span.first + timedelta(days=MOST_CALENDAR_DAYS - 1))
    with site.sessions() as session:
        sheet = working_days.sheet(
            session, span.first, last, site.zone, now, department=span.department, person_id=span.person_id
        )
        departments, everybody = rosters.departments(session), rosters.list_staff(session)
    days = [span.first + timedelta(days=number) for number in range((last - span.first).days + 1)]
    person = sheet[0] if span.person_id is not None and sheet else None
    return render_template(
        "hours/person_calendar.html" if person else "hours/calendar.html",
        sheet=sheet,
        listing=(
            listing := listing_of(sheet, CALENDAR_COLUMNS, lambda row: staff_texts(row.person), sort="person", size=50)
        ),
        # How many of those found were at work on each day, not only those on this page of the table.
        at_work=[sum(bool(row.days[number].spells) for row in listing.found) for number in range(len(days))],
        person=person,
        weeks=_weeks(person.days) if person else (),
        weekdays=local_forms().weekdays(),
        days=days,
        span=span,
        problems=problems,
        departments=departments,
        everybody=everybody,
        letters=day_words.STATUS_LETTERS,
        today=site.local(now).date(),
    )


def _weeks(days: Sequence[Any]) -> list[list[Any]]:
    """Return rows of seven from Monday on, with None before the first and after the last."""
    cells: list[Any] = [None] * days[0].day.weekday() + list(days)
    cells += [None] * (-len(cells) % 7)
    return [cells[number : number + 7] for number in range(0, len(cells), 7)]


@blueprint.get("/person/<int:person_id>/<day>")
@permission("read_working_time")
def day_page(person_id: int, day: str) -> ResponseReturnValue:
    """Show one day: the figures, what each check-in was taken for and why, what can be corrected."""
    site, now = current_site(), current_site().clock.now()
    wanted = _day_or_404(day)
    if wanted is None:
        return answer(404)
    with site.sessions() as session:
        person = people.get_person(session, person_id)
        shown = working_days.days_of(session, person_id, wanted, wanted, site.zone, now)[0]
        asked = correction_rows.corrections(session, person_id=person_id, first=wanted, last=wanted)
        lock = lock_over(session, wanted, wanted, now)
        shifts = rosters.list_shifts(session)
        midnight = datetime.combine(wanted, time(), site.zone)
        came_late = late.late_between(session, person_id, midnight, midnight + timedelta(days=1))
    portions = [(rate, seconds) for rate, seconds in shown.portions if seconds]
    return render_template(
        "hours/day.html",
        person=person,
        day=shown,
        asked=asked,
        late=came_late,
        lock=lock,
        shifts=shifts,
        portions=portions,
        before=wanted - timedelta(days=1),
        after=wanted + timedelta(days=1),
        repeats=repeats_between(wanted, wanted + timedelta(days=1)),
        flag=Flag,
    )


def _day_or_404(text: str) -> date | None:
    try:
        return day_from(text)
    except UserError:
        return None


@blueprint.post("/person/<int:person_id>/<day>/correct")
@permission("request_correction")
def correct(person_id: int, day: str) -> ResponseReturnValue:
    """Ask for a correction; with the tick it is approved at once, and the record holds both."""
    site, now, form = current_site(), current_site().clock.now(), request.form
    back = redirect(url_for("working_time.day_page", person_id=person_id, day=day))
    try:
        wanted = day_from(day)
        with site.sessions.begin() as session:
            at: datetime | None = None
            if form.get("action") == "add":
                shifted = wanted + timedelta(days=1) if form.get("next_day") == "yes" else wanted
                at = instant_from(shifted, form.get("at", ""), form.get("which", ""))
            row = corrections.request_correction(
                session,
                person_id=person_id,
                action=form.get("action", ""),
                passage_id=form.get("passage_id"),
                at=at,
                direction=DIRECTIONS.get(form.get("direction", ""), Direction.UNKNOWN),
                reason=form.get("reason", ""),
                by=current_user.username,
                now=now,
                zone=site.zone,
            )
            if form.get("approve") == "yes":
                corrections.decide_correction(
                    session, row.id, approve=True, by=current_user.username, now=now, decider=current_user.person_id
                )
                record_act(session, Action.APPROVE_CORRECTION, Subject("correction", row.id))
    except UserError as error:
        flash(error_sentence(error), "danger")
        return back
    log.info("%s asked for the correction %s of person %d", current_user.username, row.id, person_id)
    approved = row.state == "approved"
    flash(_("The correction counts now.") if approved else _("The correction waits in the inbox."), "success")
    return back


@blueprint.post("/person/<int:person_id>/<day>/shift")
@permission("edit_roster")
def set_shift(person_id: int, day: str) -> ResponseReturnValue:
    site, text = current_site(), request.form.get("shift", "")
    try:
        with site.sessions.begin() as session:
            planning.set_day(
                session, person_id, day_from(day), int(text) if is_id(text) else None,
                now=site.clock.now(), by=current_user.username,
            )  # fmt: skip
    except UserError as error:
        flash(error_sentence(error), "danger")
    else:
        flash(_("The shift of this day is changed."), "success")
    return redirect(url_for("working_time.day_page", person_id=person_id, day=day))
