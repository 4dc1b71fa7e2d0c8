"""Public holidays: calendars, their days, and for which department or person each holds.

In: a request.  Out: a page; changed calendars.
Does not know: how a holiday changes a day.
Main choice: one page for a calendar and a year, with everybody for whom it was chosen; the site's calendar can be
changed beside leave, too, since most sites have no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.hours import planning
from attendance.store.hours import calendars, rosters
from attendance.store.people.departments import list_departments
from attendance.texts import gettext as _
from attendance.texts import ngettext
from attendance.web.acts import done
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, is_id, today, whole
from attendance.web.hours.leave import target as leave_list
from attendance.web.security import permission, record_act
from attendance.web.site import current_site

blueprint = Blueprint("holidays", __name__, url_prefix="/attendance/holidays")


@blueprint.get("")
@permission("read_roster")
def page() -> ResponseReturnValue:
    """Show a calendar's year, and which calendar holds for whom."""
    wanted, asked = request.args.get("calendar", ""), request.args.get("year", "")
    year = int(asked) if asked.isdecimal() and 1970 <= int(asked) <= 2100 else today().year
    with current_site().sessions() as session:
        known = calendars.list_calendars(session)
        shown = next((row for row in known if str(row.id) == wanted), known[0])
        days = calendars.holidays_between(session, date(year, 1, 1), date(year, 12, 31), shown.id)
        people = rosters.list_staff(session)
        departments = [one.name for one in list_departments(session)]
        names = {person.id: person.name for person in rosters.list_staff(session, active=None)}
        chosen = _chosen(session, names)
    return render_template(
        "hours/holidays.html", calendars=known, shown=shown, year=year, holidays=days, everybody=people,
        departments=departments, chosen=chosen, names={row.id: row.name for row in known}, today=today(),
    )  # fmt: skip


def _chosen(session: Session, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return every choice to show: of departments, then of people, each by name and day."""
    of_departments = sorted(calendars.department_choices(session).items())
    of_people = sorted(calendars.person_choices(session).items(), key=lambda one: names.get(one[0], ""))
    return [
        {"who": who, "first": first, "calendar": calendar, "person": person, "beginning": first == calendars.BEGINNING}
        for who, person, choices in (
            *((name, False, choices) for name, choices in of_departments),
            *((names.get(key, "?"), True, choices) for key, choices in of_people),
        )
        for first, calendar in choices
    ]


@blueprint.post("")
@permission("edit_holiday")
def save() -> ResponseReturnValue:
    """Make a calendar, choose one, import a year of holidays, add one, or remove one."""
    form = request.form
    calendar_id = int(form["calendar"]) if is_id(form.get("calendar", "")) else None
    act = {"create": _create, "choose": _choose, "import": _import, "remove": _remove}.get(form.get("what", ""), _add)
    target = leave_list()
    if "calendar" in form:
        target = url_for("holidays.page", calendar=calendar_id, year=form.get("shown_year") or None)
    return done(lambda session, now: act(session, form, calendar_id, now), target)


def _create(session: Session, form: Mapping[str, str], _calendar: int | None, _now: datetime) -> str:
    row = calendars.add_calendar(session, clean_line(form.get("name", "")))
    record_act(session, Action.CHANGE_HOLIDAYS, Subject("calendar", row.id), what="create")
    return _("The calendar %(name)s is made. Import its holidays, then choose for whom it holds.", name=row.name)


def _choose(session: Session, form: Mapping[str, str], _calendar: int | None, now: datetime) -> str:
    chosen = int(form["chosen"]) if is_id(form.get("chosen", "")) else None
    first = day_from(form["first"]) if form.get("first") else calendars.BEGINNING
    department, person = form.get("department") or None, form.get("person", "")
    person_id = int(person) if is_id(person) else None
    if department and person_id is not None:
        raise UserError("choose a department or a person, not both")
    planning.choose_calendar(session, chosen, first, now=now, department=department, person_id=person_id)
    record_act(
        session, Action.CHOOSE_CALENDAR,
        Subject("person", person_id) if person_id is not None else Subject("department", (department or "")[:36]),
        calendar=chosen, first=first.isoformat(),
    )  # fmt: skip
    return _("The calendar is chosen.")


def _import(session: Session, form: Mapping[str, str], calendar_id: int | None, now: datetime) -> str:
    year = whole(form.get("year", ""), _("year"), 1970, 2100)
    row = _calendar_of(session, calendar_id)
    country, region = form.get("country", ""), form.get("region", "")
    count = planning.import_holidays(session, country, region, year, now=now, calendar_id=row)
    record_act(session, Action.CHANGE_HOLIDAYS, Subject("calendar", row), what="import", year=year)
    words = _("%(count)s holidays of %(year)s are entered.", count=count.entered, year=year)
    if count.closed:
        words += " " + ngettext(
            "%(number)s is left out, because its period is closed.",
            "%(number)s are left out, because their period is closed.",
            count.closed,
        )
    return words


def _remove(session: Session, form: Mapping[str, str], calendar_id: int | None, now: datetime) -> str:
    day, row = day_from(form.get("day", "")), _calendar_of(session, calendar_id)
    planning.remove_holiday(session, day, now=now, calendar_id=row)
    record_act(session, Action.CHANGE_HOLIDAYS, Subject("calendar", row), what="remove", day=day.isoformat())
    return _("%(day)s is a working day again.", day=day)


def _add(session: Session, form: Mapping[str, str], calendar_id: int | None, now: datetime) -> str:
    day, row = day_from(form.get("day", "")), _calendar_of(session, calendar_id)
    planning.add_holiday(session, day, clean_line(form.get("name", "")), now=now, calendar_id=row)
    record_act(session, Action.CHANGE_HOLIDAYS, Subject("calendar", row), what="add", day=day.isoformat())
    return _("%(day)s is a holiday.", day=day)


def _calendar_of(session: Session, calendar_id: int | None) -> int:
    """Return the calendar of the form; the site's if it names none."""
    if calendar_id is None:
        return calendars.site_calendar(session).id
    return calendars.get_calendar(session, calendar_id).id
