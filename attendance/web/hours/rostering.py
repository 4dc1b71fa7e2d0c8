"""Shifts and rosters to edit.

In: a request.  Out: pages; changed plans.
Does not know: what a shift's rules do to a day.
Main choice: plain forms that work without a script; a shift is one page with all its rules, each with
its unit, because nobody can explain a hidden rule to an employee.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.domain.hours import shift as shifts
from attendance.domain.hours.shift import (
    Break,
    Counting,
    Forgotten,
    Kind,
    Mode,
    Rounding,
    Shift,
    Tier,
    span_from,
)
from attendance.errors import UserError
from attendance.service.hours import planning
from attendance.service.hours.imports.rosters import ROSTER_COLUMNS, import_rosters
from attendance.store.hours import rosters
from attendance.store.hours.rosters import StaffMember
from attendance.texts import N_, ngettext
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, department_from, is_id, today, whole
from attendance.web.hours.staff import STAFF_COLUMNS, staff_texts
from attendance.web.listing import Column, chosen_of, listed, listing_of
from attendance.web.security import permission
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("rostering", __name__, url_prefix="/attendance")

SPANS = 3
BREAKS = 2
TIERS = 2
STEPS = (5, 6, 10, 12, 15, 20, 30)


@blueprint.get("/rosters")
@permission("read_roster")
def index() -> ResponseReturnValue:
    site = current_site()
    department = department_from(request.args)
    with site.sessions() as session:
        known = rosters.list_shifts(session, active=None)
        everybody = rosters.list_staff(session, department=department)
        rows = rosters.rosters_of(session, [person.id for person in everybody])
        departments = rosters.departments(session)
    parsed = {row.id: shifts.from_json(row.rules) for row in known}
    by_person: dict[int, list[Any]] = {}
    for row in rows:
        by_person.setdefault(row.person_id, []).append(row)
    day = today()
    in_force = {key: [one for one in rows if one.last is None or one.last >= day] for key, rows in by_person.items()}
    columns = (
        *STAFF_COLUMNS,
        Column[StaffMember]("roster", N_("Roster"), lambda one: _first_shift(in_force.get(one.id, ()), parsed)),
    )
    return render_template(
        "hours/rosters.html",
        shifts=known,
        parsed=parsed,
        listing=listing_of(everybody, columns, staff_texts, sort="person"),
        rosters=in_force,
        departments=departments,
        department=department,
        today=day,
        columns=",".join(ROSTER_COLUMNS),
    )


def _first_shift(rows: Sequence[Any], parsed: Mapping[int, Shift]) -> str | None:
    """Return the name to sort a person's rosters by: the first shift of the pattern; None without a roster."""
    return next((parsed[shift_id].name for row in rows for shift_id in row.pattern if shift_id is not None), None)


@blueprint.post("/rosters")
@permission("edit_roster")
def assign() -> ResponseReturnValue:
    """Roster the chosen people, in weeks of seven days."""
    form = request.form
    department = department_from(form)
    pattern = [int(text) if is_id(text) else None for text in form.getlist("day")]

    site, target = current_site(), url_for("rostering.index", department=department)
    while len(pattern) > 7 and len(pattern) % 7 == 0 and not any(pattern[-7:]):
        del pattern[-7:]  # a further week that was left empty
    with site.sessions() as session:
        everybody = rosters.list_staff(session, department=department if form.get("every") == "yes" else None)
    person_ids = chosen_of(form, everybody, staff_texts, lambda one: one.id)
    try:
        first, last = day_from(form.get("first", "")), day_from(form["last"]) if form.get("last") else None
        count = planning.assign_in_steps(
            site.sessions, person_ids, first, last, pattern, now=site.clock.now(), by=current_user.username
        )
    except UserError as error:
        flash(error_sentence(error), "danger")
    else:
        log.info("%s rostered %d people", current_user.username, count)
        flash(ngettext("%(number)s person is rostered.", "%(number)s people are rostered.", count), "success")
    return redirect(listed(target))


@blueprint.post("/rosters/import")
@permission("edit_roster")
def import_csv() -> ResponseReturnValue:
    file = request.files.get("file")

    def work(session: Any, now: Any) -> str:
        if file is None or not file.filename:
            raise UserError("choose a CSV file")
        count = import_rosters(
            session, file.read(), now=now, by=current_user.username, where=clean_line(file.filename)[:100]
        )
        return ngettext("%(number)s roster was imported.", "%(number)s rosters were imported.", count)

    return done(work, url_for("rostering.index"))


@blueprint.route("/shifts/new", methods=["GET", "POST"])
@blueprint.route("/shifts/<int:shift_id>", methods=["GET", "POST"])
@permission("edit_shift")
def shift(shift_id: int | None = None) -> ResponseReturnValue:
    site, error = current_site(), ""
    if request.method == "POST":
        try:
            with site.sessions.begin() as session:
                row = planning.save_shift(session, shift_of(request.form), now=site.clock.now(), shift_id=shift_id)
        except UserError as problem:
            error = error_sentence(problem)
        else:
            log.info("%s saved the shift %s", current_user.username, row.name)
            flash(_("The shift %(name)s is saved.", name=row.name), "success")
            return redirect(url_for("rostering.index"))
    with site.sessions() as session:
        known = rosters.get_shift(session, shift_id) if shift_id is not None else None
    values = request.form if request.method == "POST" else fields_of(shifts.from_json(known.rules) if known else None)
    page = render_template(
        "hours/shift.html", known=known, values=values, error=error, steps=STEPS,
        spans=SPANS, breaks=BREAKS, tiers=TIERS,
    )  # fmt: skip
    return page, 400 if error else 200


@blueprint.post("/shifts/<int:shift_id>/active")
@permission("edit_shift")
def set_active(shift_id: int) -> ResponseReturnValue:
    active = request.form.get("active") == "yes"

    def work(session: Any, now: Any) -> str:
        row = planning.set_shift_active(session, shift_id, active, now=now)
        if active:
            return _("%(shift)s can be rostered again.", shift=row.name)
        return _("%(shift)s cannot be rostered any more.", shift=row.name)

    return done(work, url_for("rostering.index"))


def shift_of(form: Mapping[str, str]) -> Shift:
    """Return the shift that an editor's fields describe; BadShift or UserError if they are not valid."""

    def number(name: str, label: str) -> int:
        return whole(form.get(name, ""), label, 0, 1440 * 7)

    spans = [
        span_from(form.get(f"start{n}", ""), form.get(f"end{n}", ""))
        for n in range(SPANS)
        if form.get(f"start{n}") or form.get(f"end{n}")
    ]
    breaks = [
        Break(
            number(f"break{n}", "break"), number(f"break_after{n}", "break after"), form.get(f"break_paid{n}") == "yes"
        )
        for n in range(BREAKS)
        if form.get(f"break{n}")
    ]
    mode = Mode(form.get("rounding", "none")) if form.get("rounding") in set(Mode) else Mode.NONE
    return Shift(
        name=clean_line(form.get("name", "")),
        spans=tuple(spans),
        kind=Kind.FLEXIBLE if form.get("kind") == "flexible" else Kind.FIXED,
        required=number("required", _("required minutes")),
        grace_in=number("grace_in", _("grace")),
        grace_out=number("grace_out", _("grace")),
        breaks=tuple(breaks),
        rounding=Rounding(number("step", _("step")) if mode is not Mode.NONE else 0, mode),
        window_before=number("window_before", _("minutes before")),
        window_after=number("window_after", _("minutes after")),
        half_below=number("half_below", _("half day")),
        absent_below=number("absent_below", _("absent")),
        clip_early=form.get("clip_early") == "yes",
        forgotten=Forgotten.NOTHING if form.get("forgotten") == "nothing" else Forgotten.SHIFT_END,
        counting=Counting.FIRST_LAST if form.get("counting") == "first_last" else Counting.PAIRS,
        tiers=_tiers(form, "tier"),
        weekly=_tiers(form, "week"),
    )


def _tiers(form: Mapping[str, str], prefix: str) -> tuple[Tier, ...]:
    tiers = []
    for number in range(TIERS):
        if form.get(f"{prefix}{number}"):
            rate = form.get(f"{prefix}_rate{number}", "").strip().replace(",", ".")
            try:
                tiers.append(Tier(whole(form[f"{prefix}{number}"], _("overtime after"), 0, 10080), float(rate)))
            except ValueError as error:
                raise UserError("overtime: write how many times the wage, such as 1.25") from error
    return tuple(tiers)


def fields_of(known: Shift | None) -> dict[str, Any]:
    """Return an editor's fields of a shift, or of a plain office day."""
    shift = known or Shift("Office", (shifts.Span(540, 1050),), breaks=(Break(30, 360),))
    fields: dict[str, Any] = {
        "name": shift.name, "kind": shift.kind.value, "required": shift.required or "", "grace_in": shift.grace_in,
        "grace_out": shift.grace_out, "rounding": shift.rounding.mode.value, "step": shift.rounding.step,
        "window_before": shift.window_before, "window_after": shift.window_after, "half_below": shift.half_below or "",
        "absent_below": shift.absent_below or "", "clip_early": "yes" if shift.clip_early else "",
        "forgotten": shift.forgotten.value, "counting": shift.counting.value,
    }  # fmt: skip
    for number, span in enumerate(shift.spans):
        fields[f"start{number}"] = shifts.hhmm(span.start % shifts.DAY)
        fields[f"end{number}"] = shifts.hhmm(span.end % shifts.DAY)
    for number, pause in enumerate(shift.breaks):
        fields |= {f"break{number}": pause.minutes, f"break_after{number}": pause.after}
        fields[f"break_paid{number}"] = "yes" if pause.paid else ""
    for prefix, tiers in (("tier", shift.tiers), ("week", shift.weekly)):
        for number, tier in enumerate(tiers):
            fields |= {f"{prefix}{number}": tier.after, f"{prefix}_rate{number}": f"{tier.rate:g}"}
    return fields
