"""Leave: asked for, entered and decided; the calendar of a department; balances, rules and kinds.

In: a request.  Out: pages; changed leave.
Does not know: what leave does to a day, how a balance is computed.
Main choice: every form carries the page's filter, so that a decision leads back to where it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.domain.hours.entitlement import LeaveRules, Personal
from attendance.domain.hours.shift import Half
from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.hours.leave import balances, requests
from attendance.store.hours import calendars, leave_rules, rosters
from attendance.store.hours import leave as leave_rows
from attendance.store.hours.rosters import StaffMember
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import Span, day_from, department_from, is_id, month_of, next_month, span_of, today
from attendance.web.hours.date_range import whole as whole_number
from attendance.web.hours.staff import STAFF_COLUMNS, staff_texts
from attendance.web.listing import Column, by_name, listing_of
from attendance.web.security import permission, record_act
from attendance.web.site import current_site

blueprint = Blueprint("leave", __name__, url_prefix="/attendance/leave")

ORDER = {"requested": 0, "approved": 1}
DECISIONS = {
    "approved": (Action.APPROVE_LEAVE, N_("The leave is approved.")),
    "refused": (Action.REFUSE_LEAVE, N_("The leave is refused.")),
    "withdrawn": (Action.WITHDRAW_LEAVE, N_("The leave is withdrawn.")),
}
_BACK = "back_"


@blueprint.app_template_filter("days_number")
def days_number(days: float) -> str:
    """Return days of leave without needless zeros: 4 or 4.5, and a true minus sign."""
    return f"{days:g}".replace("-", "−")


@blueprint.app_context_processor
def _tab() -> dict[str, Any]:
    """Give the tab the number of waiting requests; it is read only if it is shown."""

    def waiting() -> int:
        with current_site().sessions() as session:
            return leave_rows.count_requested(session)

    return {"waiting_leave": waiting}


@blueprint.get("")
@permission("read_leave")
def index() -> ResponseReturnValue:
    site, span = current_site(), span_of(request.args)
    with site.sessions() as session:
        staff = {person.id: person for person in rosters.list_staff(session, active=None)}
        rows = [
            row
            for row in leave_rows.leave_between(session, span.first, span.last, states=leave_rows.STATES)
            if _in_filter(staff.get(row.person_id), span)
        ]
        rows.sort(key=lambda row: (ORDER.get(row.state, 2), row.first))
        columns = (
            Column[Any]("person", N_("Person"), lambda row: by_name(staff, row.person_id)),
            Column[Any]("days", N_("Days"), lambda row: row.first),
            Column[Any]("kind", N_("Kind"), lambda row: row.kind),
            Column[Any]("state", N_("State"), lambda row: ORDER.get(row.state, 2)),
        )
        listing = listing_of(rows, columns, _texts(staff))
        days = balances.days_of_leave(session, listing.rows)
        kinds = leave_rules.list_kinds(session)
        left = _left_after(session, listing.rows, days)
        everybody = rosters.list_staff(session)
        departments = rosters.departments(session)
        holidays = calendars.holidays_between(
            session, span.first.replace(month=1, day=1), span.last.replace(month=12, day=31)
        )
    return render_template(
        "hours/leave.html", listing=listing, staff=staff, everybody=everybody, departments=departments, kinds=kinds,
        holidays=holidays, days=days, left=left, span=span, year=span.first.year, today=today(), back=_back_of(span),
    )  # fmt: skip


def _in_filter(person: StaffMember | None, span: Span) -> bool:
    if span.person_id is not None and (person is None or person.id != span.person_id):
        return False
    return span.department is None or (person is not None and person.department == span.department)


def _texts(staff: Mapping[int, StaffMember]) -> Callable[[Any], tuple[str, ...]]:
    """Return what the search looks at in a leave."""

    def texts(row: Any) -> tuple[str, ...]:
        person = staff.get(row.person_id)
        return (*(staff_texts(person) if person else ()), row.kind, row.note, row.first.isoformat())

    return texts


def _left_after(session: Any, rows: Any, days: Mapping[int, float]) -> dict[int, float]:
    """Return what is left of the year after each request that waits, by the leave's id, if its kind counts."""
    counting = {kind.name for kind in leave_rules.list_kinds(session, active=None) if kind.counts}
    waiting = [row for row in rows if row.state == "requested" and row.kind in counting]
    left = {}
    for year in {row.first.year for row in waiting}:
        ids = sorted({row.person_id for row in waiting if row.first.year == year})
        known = balances.balances(session, ids, date(year, 12, 31))
        for row in waiting:
            if row.first.year == year and row.person_id in known:
                left[row.id] = known[row.person_id].at_year_end - days[row.id]
    return left


def _back_of(span: Span) -> dict[str, Any]:
    """Return the filter as fields of a form."""
    return {f"{_BACK}{name}": value for name, value in span.args.items()}


def target() -> str:
    """Return the address of the list with the filter that the form carried."""
    args: dict[str, Any] = {}
    for name in ("from", "to", "department", "person"):
        if value := request.form.get(_BACK + name):
            args[name] = clean_line(value)[:200]
    return url_for("leave.index", **args)


def half_from(text: str) -> Half:
    return Half(text) if text in set(Half) else Half.WHOLE


@blueprint.post("")
@permission("decide_leave")
def add() -> ResponseReturnValue:
    """Enter leave as approved."""
    form = request.form

    def work(session: Any, now: Any) -> str:
        if not is_id(form.get("person", "")):
            raise UserError("choose a person")
        row = requests.add_leave(
            session, person_id=int(form["person"]), kind=clean_line(form.get("kind", "")),
            first=day_from(form.get("first", "")), last=day_from(form.get("last", "") or form.get("first", "")),
            half=half_from(form.get("half", "")), last_half=half_from(form.get("last_half", "")),
            note=clean_line(form.get("note", "")), now=now, by=current_user.username, approved=True,
            decider=current_user.person_id,
        )  # fmt: skip
        record_act(session, Action.ENTER_LEAVE, Subject("leave", row.id))
        return _("Leave from %(first)s to %(last)s is entered.", first=row.first, last=row.last)

    return done(work, target())


@blueprint.post("/<int:leave_id>")
@permission("decide_leave")
def decide(leave_id: int) -> ResponseReturnValue:
    state = request.form.get("state", "")

    def work(session: Any, now: Any) -> str:
        requests.decide_leave(
            session, leave_id, state, now=now, by=current_user.username, note=clean_line(request.form.get("note", "")),
            decider=current_user.person_id,
        )  # fmt: skip
        action, words = DECISIONS[state]
        record_act(session, action, Subject("leave", leave_id))
        return _(words)

    return done(work, target())


@blueprint.get("/calendar")
@permission("read_leave")
def calendar() -> ResponseReturnValue:
    """Show who of a department is away on which day of a month: approved and still waiting."""
    site, asked = current_site(), span_of(request.args)
    first = month_of(asked.first)
    last = next_month(first) - timedelta(days=1)
    with site.sessions() as session:
        people = rosters.list_staff(session, department=asked.department)
        plans = rosters.plans(session, [person.id for person in people], first, last)
        waiting: dict[tuple[int, Any], str] = {}
        for row in leave_rows.leave_between(session, first, last, states=("requested",)):
            day = max(first, row.first)
            while day <= min(last, row.last):
                waiting[row.person_id, day] = row.kind
                day += timedelta(days=1)
        departments = rosters.departments(session)
    listing = listing_of(people, STAFF_COLUMNS, staff_texts, sort="person", size=50)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    away = [sum(plans[person.id][day].leave_share for person in listing.found) for day in days]
    span = Span(first, last, asked.department)
    return render_template(
        "hours/leave_calendar.html", listing=listing, plans=plans, waiting=waiting, days=days, away=away, span=span,
        departments=departments, today=today(),
    )  # fmt: skip


@blueprint.get("/balances")
@permission("read_leave")
def balances_page() -> ResponseReturnValue:
    """Show everybody's days of leave as of a day; administrators change rules, kinds and entitlements here."""
    site = current_site()
    try:
        as_of = day_from(request.args["on"]) if request.args.get("on") else today()
    except UserError:
        as_of = today()
    department = department_from(request.args)
    with site.sessions() as session:
        everybody = rosters.list_staff(session, department=department)
        listing = listing_of(everybody, STAFF_COLUMNS, staff_texts, sort="person")
        found = balances.balances(session, [person.id for person in listing.rows], as_of)
        personal = leave_rules.personal_by_year(session, [person.id for person in listing.rows])
        rules = leave_rules.rules_by_year(session)
        kinds = leave_rules.list_kinds(session, active=None)
        departments = rosters.departments(session)
    return render_template(
        "hours/leave_balances.html", listing=listing, balances=found, personal=personal, rules=rules, kinds=kinds,
        departments=departments, department=department, everybody=everybody, as_of=as_of, year=as_of.year,
    )  # fmt: skip


@blueprint.post("/rules")
@permission("edit_leave_rules")
def save_rules() -> ResponseReturnValue:
    form = request.form

    def work(session: Any, _now: Any) -> str:
        year = whole_number(form.get("year", ""), _("year"), 1970, 2100)
        most = form.get("carry_most", "").strip()
        rules = LeaveRules(
            _days(form.get("days", "")), form.get("monthly") == "yes", _days(most) if most else None,
            _month_and_day(form.get("carry_until", "")),
        )  # fmt: skip
        balances.save_rules(session, year, rules)
        record_act(session, Action.CHANGE_LEAVE_RULES, Subject("rules", year))
        return _("The rules hold from %(year)s on.", year=year)

    return done(work, url_for("leave.balances_page"))


@blueprint.post("/kinds")
@permission("edit_leave_rules")
def save_kind() -> ResponseReturnValue:
    form = request.form

    def work(session: Any, _now: Any) -> str:
        name = clean_line(form.get("name", ""))
        active = form.get("active") != "no"
        balances.save_kind(
            session, name, paid=form.get("paid") == "yes", counts=form.get("counts") == "yes", active=active
        )
        record_act(session, Action.CHANGE_LEAVE_RULES, Subject("rules", "kinds"))
        return _("The kind of leave %(name)s is saved.", name=_(name))

    return done(work, url_for("leave.balances_page"))


@blueprint.post("/entitlements")
@permission("edit_leave_rules")
def save_entitlement() -> ResponseReturnValue:
    form = request.form

    def work(session: Any, _now: Any) -> str:
        if not is_id(form.get("person", "")):
            raise UserError("choose a person")
        year = whole_number(form.get("year", ""), _("year"), 1970, 2100)
        days, brought = form.get("days", "").strip(), form.get("brought", "").strip()
        personal = Personal(_days(days) if days else None, _days(brought) if brought else None)
        balances.save_personal(session, int(form["person"]), year, personal)
        record_act(session, Action.CHANGE_ENTITLEMENT, Subject("person", int(form["person"])), year=year)
        return _("The entitlement is saved.")

    return done(work, url_for("leave.balances_page", department=form.get("department") or None))


def _days(text: str) -> float:
    try:
        return float(text.strip().replace(",", ".").replace("−", "-"))
    except ValueError as error:
        raise UserError("days of leave are a number in steps of a half, such as 27.5") from error


def _month_and_day(text: str) -> tuple[int, int] | None:
    if not text.strip():
        return None
    month, _dash, day = text.strip().partition("-")
    if not (month.isascii() and month.isdigit() and day.isascii() and day.isdigit()):
        raise UserError("carried days lapse on a day of the year: write it as 03-31")
    return int(month), int(day)
