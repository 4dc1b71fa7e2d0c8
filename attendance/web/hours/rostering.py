"""Shifts and rosters to edit, leave and holidays to enter and decide.

In: a request.  Out: pages; changed plans.
Does not know: what a shift's rules do to a day.
Main choice: plain forms that work without a script; a shift is one page with all its rules, each with
its unit, because a rule that is hidden is a rule that nobody can explain to an employee.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.domain.hours import shift as shifts
from attendance.domain.hours.shift import BadShift, Break, Forgotten, Half, Kind, Mode, Rounding, Shift, Tier, span_from
from attendance.errors import UserError
from attendance.service.hours import planning
from attendance.store.hours import rosters
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, is_id, span_of, today, whole
from attendance.web.security import admin_required
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("rostering", __name__, url_prefix="/attendance")

SPANS = 3
BREAKS = 2
TIERS = 2
STEPS = (5, 6, 10, 12, 15, 20, 30)


@blueprint.get("/rosters")
def index() -> ResponseReturnValue:
    site = current_site()
    department = clean_line(request.args.get("department", ""))[:200] or None
    with site.sessions() as session:
        known = rosters.list_shifts(session, active=None)
        everybody = rosters.list_staff(session, department=department)
        found = rosters.rosters_of(session, [one.id for one in everybody])
        departments = rosters.departments(session)
    parsed = {row.id: shifts.from_json(row.rules) for row in known}
    by_person: dict[int, list[Any]] = {}
    for row in found:
        by_person.setdefault(row.person_id, []).append(row)
    return render_template(
        "hours/rosters.html",
        shifts=known,
        parsed=parsed,
        everybody=everybody,
        rosters=by_person,
        departments=departments,
        department=department,
        today=today(),
        columns=",".join(planning.ROSTER_COLUMNS),
    )


@blueprint.post("/rosters")
def assign() -> ResponseReturnValue:
    """Roster the people that were ticked, in weeks of seven days."""
    form = request.form
    person_ids = [int(one) for one in form.getlist("person") if is_id(one)]
    pattern = [int(one) if is_id(one) else None for one in form.getlist("day")]

    def work(session: Any, now: Any) -> str:
        last = day_from(form["last"]) if form.get("last") else None
        while len(pattern) > 7 and len(pattern) % 7 == 0 and not any(pattern[-7:]):
            del pattern[-7:]  # a further week that was left empty
        made = planning.assign(
            session, person_ids, day_from(form.get("first", "")), last, pattern, now=now, by=current_user.username
        )
        return f"{len(made)} {'person is' if len(made) == 1 else 'people are'} rostered."

    return _done(work, url_for("rostering.index", department=form.get("department") or None))


@blueprint.post("/rosters/import")
def import_csv() -> ResponseReturnValue:
    file = request.files.get("file")

    def work(session: Any, now: Any) -> str:
        if file is None or not file.filename:
            raise UserError("choose a CSV file")
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError("the file is not UTF-8: save it as CSV UTF-8") from error
        return f"{planning.import_rosters(session, text, now=now, by=current_user.username)} rosters were imported."

    return _done(work, url_for("rostering.index"))


@blueprint.route("/shifts/new", methods=["GET", "POST"])
@blueprint.route("/shifts/<int:shift_id>", methods=["GET", "POST"])
@admin_required
def shift(shift_id: int | None = None) -> ResponseReturnValue:
    site, error = current_site(), ""
    if request.method == "POST":
        try:
            with site.sessions.begin() as session:
                row = planning.save_shift(session, shift_of(request.form), now=site.clock.now(), shift_id=shift_id)
        except (UserError, BadShift) as found:
            error = error_sentence(found)
        else:
            log.info("%s saved the shift %s", current_user.username, row.name)
            flash(f"The shift {row.name} is saved.", "success")
            return redirect(url_for("rostering.index"))
    with site.sessions() as session:
        known = rosters.get_shift(session, shift_id) if shift_id is not None else None
    values = request.form if request.method == "POST" else fields_of(shifts.from_json(known.rules) if known else None)
    page = render_template(
        "hours/shift.html", known=known, values=values, error=error, modes=Mode, steps=STEPS,
        spans=SPANS, breaks=BREAKS, tiers=TIERS,
    )  # fmt: skip
    return page, 400 if error else 200


@blueprint.post("/shifts/<int:shift_id>/active")
def set_active(shift_id: int) -> ResponseReturnValue:
    active = request.form.get("active") == "yes"

    def work(session: Any, now: Any) -> str:
        row = planning.set_shift_active(session, shift_id, active, now=now)
        return f"{row.name} can be rostered again." if active else f"{row.name} cannot be rostered any more."

    return _done(work, url_for("rostering.index"))


def shift_of(form: Mapping[str, str]) -> Shift:
    """The shift that an editor's fields describe; BadShift or UserError for what cannot be."""

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
        required=number("required", "required minutes"),
        grace_in=number("grace_in", "grace"),
        grace_out=number("grace_out", "grace"),
        breaks=tuple(breaks),
        rounding=Rounding(number("step", "step") if mode is not Mode.NONE else 0, mode),
        window_before=number("window_before", "minutes before"),
        window_after=number("window_after", "minutes after"),
        half_below=number("half_below", "half day"),
        absent_below=number("absent_below", "absent"),
        clip_early=form.get("clip_early") == "yes",
        forgotten=Forgotten.NOTHING if form.get("forgotten") == "nothing" else Forgotten.SHIFT_END,
        tiers=_tiers(form, "tier"),
        weekly=_tiers(form, "week"),
    )


def _tiers(form: Mapping[str, str], prefix: str) -> tuple[Tier, ...]:
    found = []
    for number in range(TIERS):
        if form.get(f"{prefix}{number}"):
            rate = form.get(f"{prefix}_rate{number}", "").strip().replace(",", ".")
            try:
                found.append(Tier(whole(form[f"{prefix}{number}"], "overtime after", 0, 10080), float(rate)))
            except ValueError as error:
                raise UserError("overtime: write how many times the wage, such as 1.25") from error
    return tuple(found)


def fields_of(known: Shift | None) -> dict[str, Any]:
    """An editor's fields of a shift, or of a plain office day."""
    one = known or Shift("Office", (shifts.Span(540, 1050),), breaks=(Break(30, 360),))
    found: dict[str, Any] = {
        "name": one.name, "kind": one.kind.value, "required": one.required or "", "grace_in": one.grace_in,
        "grace_out": one.grace_out, "rounding": one.rounding.mode.value, "step": one.rounding.step,
        "window_before": one.window_before, "window_after": one.window_after, "half_below": one.half_below or "",
        "absent_below": one.absent_below or "", "clip_early": "yes" if one.clip_early else "",
        "forgotten": one.forgotten.value,
    }  # fmt: skip
    for number, span in enumerate(one.spans):
        found[f"start{number}"] = shifts.hhmm(span.start % shifts.DAY)
        found[f"end{number}"] = shifts.hhmm(span.end % shifts.DAY)
    for number, rest in enumerate(one.breaks):
        found |= {f"break{number}": rest.minutes, f"break_after{number}": rest.after}
        found[f"break_paid{number}"] = "yes" if rest.paid else ""
    for prefix, tiers in (("tier", one.tiers), ("week", one.weekly)):
        for number, tier in enumerate(tiers):
            found |= {f"{prefix}{number}": tier.after, f"{prefix}_rate{number}": f"{tier.rate:g}"}
    return found


@blueprint.get("/leave")
def leave() -> ResponseReturnValue:
    site, span = current_site(), span_of(request.args)
    year = span.first.year
    with site.sessions() as session:
        states = ("requested", "approved", "refused", "withdrawn")
        found = rosters.leave_between(session, span.first, span.last, states=states)
        everybody = rosters.list_staff(session)
        names = {one.id: one for one in rosters.list_staff(session, active=None)}
        holidays = rosters.holidays_between(
            session, span.first.replace(month=1, day=1), span.last.replace(month=12, day=31)
        )
    if span.department is not None:
        found = [one for one in found if one.person_id in names and names[one.person_id].department == span.department]
    order = {"requested": 0, "approved": 1}
    return render_template(
        "hours/leave.html",
        found=sorted(found, key=lambda one: (order.get(one.state, 2), one.first)),
        names=names,
        everybody=everybody,
        holidays=holidays,
        kinds=planning.LEAVE_KINDS,
        span=span,
        year=year,
        today=today(),
    )


@blueprint.post("/leave")
def add_leave() -> ResponseReturnValue:
    form = request.form

    def work(session: Any, now: Any) -> str:
        if not is_id(form.get("person", "")):
            raise UserError("choose a person")
        row = planning.add_leave(
            session,
            person_id=int(form["person"]),
            kind=form.get("kind", ""),
            first=day_from(form.get("first", "")),
            last=day_from(form.get("last", "") or form.get("first", "")),
            half=Half(form["half"]) if form.get("half") in set(Half) else Half.WHOLE,
            paid=form.get("paid") == "yes",
            note=clean_line(form.get("note", "")),
            now=now,
            by=current_user.username,
            approved=True,
        )
        return f"Leave from {row.first} to {row.last} is entered."

    return _done(work, url_for("rostering.leave"))


@blueprint.post("/leave/<int:leave_id>")
def decide_leave(leave_id: int) -> ResponseReturnValue:
    state = request.form.get("state", "")

    def work(session: Any, now: Any) -> str:
        planning.decide_leave(session, leave_id, state, now=now, by=current_user.username)
        return f"The leave is {state}."

    return _done(work, url_for("rostering.leave"))


@blueprint.post("/holidays")
def holidays() -> ResponseReturnValue:
    """Import a year's, add one, or remove one."""
    form = request.form

    def work(session: Any, now: Any) -> str:
        if form.get("what") == "import":
            year = whole(form.get("year", ""), "year", 1970, 2100)
            count = planning.import_holidays(session, form.get("country", ""), form.get("region", ""), year, now=now)
            return f"{count} holidays of {year} are entered."
        day = day_from(form.get("day", ""))
        if form.get("what") == "remove":
            planning.remove_holiday(session, day, now=now)
            return f"{day} is no holiday any more."
        planning.add_holiday(session, day, clean_line(form.get("name", "")), now=now)
        return f"{day} is a holiday."

    return _done(work, url_for("rostering.leave"))


def _done(work: Callable[[Any, Any], str], target: str) -> ResponseReturnValue:
    """Do `work` in one transaction and go on; what the user can mend is said there, and nothing is changed."""
    site = current_site()
    try:
        with site.sessions.begin() as session:
            words = work(session, site.clock.now())
    except (UserError, BadShift) as error:
        flash(error_sentence(error), "danger")
    else:
        log.info("%s: %s", current_user.username, words)
        flash(words, "success")
    return redirect(target)
