"""The reports as pages and as files, with the same filters in the same address.

In: a request.  Out: a page, CSV, XLSX, PDF or iCalendar.
Does not know: what a report counts, or how a file is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from attendance.service.hours import days as attendance
from attendance.service.hours import exports, pdf, report_lists, report_tables
from attendance.service.hours.days import PersonDays
from attendance.service.hours.report_tables import Form, Table
from attendance.store.hours import rosters
from attendance.web.hours.date_range import Span, span_of, today
from attendance.web.site import current_site

blueprint = Blueprint("report_pages", __name__, url_prefix="/attendance/reports")
# So many rows are shown; files have all.
MOST_ROWS = 2000
# Of more people the timesheets' PDF is a line each: it takes seconds and paper.
MOST_SHEETS = 50


@dataclass(frozen=True)
class Report:
    title: str
    words: str
    one_day: bool = False
    ical: bool = False


REPORTS: Mapping[str, Report] = {
    "daily": Report("Daily", "Everybody on one day: in, out, late, worked, with remarks.", one_day=True),
    "register": Report(
        "Monthly register", "A mark for each day and person, with totals; the PDF has lines to sign on."
    ),
    "timesheet": Report("Timesheets", "Each day of a person; of everybody, a line each and a sheet each.", ical=True),
    "lateness": Report("Late and early", "Who came late or left early, and on which weekdays."),
    "absence": Report("Absence and leave", "Days without work and why.", ical=True),
    "overtime": Report("Overtime", "Time beyond the plain wage, by rate, by day and by week."),
    "presence": Report("Who is in the building", "For an evacuation: names to tick.", one_day=True),
}
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "ics": "text/calendar; charset=utf-8",
}


@blueprint.get("")
def index() -> ResponseReturnValue:
    return render_template("hours/reports.html", reports=REPORTS, span=span_of({}))


@blueprint.get("/<name>")
def page(name: str) -> ResponseReturnValue:
    report, span = _wanted(name)
    sheet, table = _made(name, span)
    site = current_site()
    with site.sessions() as session:
        departments, everybody = rosters.departments(session), rosters.list_staff(session)
    return render_template(
        "hours/report.html",
        name=name,
        report=report,
        reports=REPORTS,
        table=table,
        rows=table.rows[:MOST_ROWS],
        more=max(0, len(table.rows) - MOST_ROWS),
        span=span,
        departments=departments,
        everybody=everybody,
        people=len(sheet),
        most=max((one.value for one in table.bars), default=0) or 1,
        text_of=pdf.text_of,
        zone=site.zone,
        form=Form,
        ical=report.ical and (name != "timesheet" or span.person_id is not None),
        at=site.clock.now(),
    )


@blueprint.get("/<name>.<kind>")
def file(name: str, kind: str) -> ResponseReturnValue:
    report, span = _wanted(name)
    if kind not in TYPES or (kind == "ics" and not report.ical):
        abort(404)
    sheet, table = _made(name, span)
    now = current_site().clock.now()
    content = _WRITERS[kind](name, sheet, table, span, now)
    answer = Response(content, content_type=TYPES[kind])
    days = f"{span.first}" if report.one_day else f"{span.first} to {span.last}"
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name} {days}.{kind}")
    return answer


@blueprint.get("/check-ins-<form>.csv")
def check_ins(form: str) -> ResponseReturnValue:
    """What other programs import: the check-ins that counted."""
    writers = {"frappe": exports.frappe_csv, "zk": exports.zk_csv}
    if form not in writers:
        abort(404)
    span, site = span_of(request.args), current_site()
    answer = Response(writers[form](_sheet(span), site.zone), content_type=TYPES["csv"])
    answer.headers.set(
        "Content-Disposition", "attachment", filename=f"check-ins {form} {span.first} to {span.last}.csv"
    )
    return answer


def _wanted(name: str) -> tuple[Report, Span]:
    report = REPORTS.get(name)
    if report is None:
        abort(404)
    span = span_of(request.args, whole_month=not report.one_day)
    if report.one_day:
        span = Span(span.first, span.first, span.department, span.person_id, span.problems)
    if name == "presence":
        span = Span(today(), today(), span.department)
    return report, span


def _sheet(span: Span) -> list[PersonDays]:
    site = current_site()
    with site.sessions() as session:
        return attendance.sheet(
            session, span.first, span.last, site.zone, site.clock.now(),
            department=span.department, person_id=span.person_id,
        )  # fmt: skip


def _made(name: str, span: Span) -> tuple[list[PersonDays], Table]:
    site, now = current_site(), current_site().clock.now()
    if name == "presence":
        with site.sessions() as session:
            return [], report_lists.presence(attendance.today(session, now, site.zone, span.department), now, site.zone)
    sheet = _sheet(span)
    match name:
        case "daily":
            table = report_tables.daily(sheet, span.first)
        case "register":
            table = report_tables.register(sheet, span.first, span.last)
        case "timesheet" if span.person_id is not None and sheet:
            table = report_tables.timesheet(sheet[0], site.zone)
        case "timesheet":
            table = report_tables.summary(sheet, f"Timesheets, {span.first:%-d %b %Y} to {span.last:%-d %b %Y}")
            if len(sheet) > MOST_SHEETS:
                note = (
                    f"Above {MOST_SHEETS} people, the PDF has one line a person: choose a department for full sheets."
                )
                table = replace(table, notes=(note,))
        case "lateness":
            table = report_lists.lateness(sheet)
        case "absence":
            table = report_lists.absence(sheet)
        case _:
            table = report_lists.overtime_report(sheet)
    return sheet, table


_Writer = Callable[[str, Sequence[PersonDays], Table, Span, datetime], str | bytes]


def _csv(name: str, sheet: Sequence[PersonDays], table: Table, _span: Span, _now: datetime) -> str:
    zone = current_site().zone
    if name == "timesheet":
        return exports.sheets_csv([(one.person, report_tables.timesheet(one, zone)) for one in sheet], zone)
    return exports.to_csv(table, zone)


def _xlsx(name: str, sheet: Sequence[PersonDays], table: Table, span: Span, _now: datetime) -> bytes:
    site = current_site()
    tables = [("Summary" if name == "timesheet" and span.person_id is None else table.title, table)]
    if name == "timesheet" and span.person_id is None:
        tables += [(one.person.name, report_tables.timesheet(one, site.zone)) for one in sheet]
    return exports.to_xlsx(tables, site.zone, site.settings.site.name)


def _pdf(name: str, sheet: Sequence[PersonDays], table: Table, span: Span, now: datetime) -> bytes:
    site = current_site()
    title = site.settings.site.name
    if name == "register":
        return pdf.register_pdf(table, site.zone, title, now)
    if name == "timesheet":
        tables = (
            [report_tables.timesheet(one, site.zone) for one in sheet]
            if span.person_id or len(sheet) <= MOST_SHEETS
            else [table]
        )
        return pdf.to_pdf(tables, site.zone, title, now, ("Date", "Employee", "Supervisor"))
    return pdf.to_pdf([table], site.zone, title, now)


def _ics(name: str, sheet: Sequence[PersonDays], _table: Table, span: Span, now: datetime) -> bytes:
    title = current_site().settings.site.name
    if name == "timesheet":
        if span.person_id is None or not sheet:
            abort(404)
        return exports.days_ical(sheet[0].person, sheet[0].days, current_site().zone, now, title)
    return exports.leave_ical(sheet, now, title)


_WRITERS: Mapping[str, _Writer] = {"csv": _csv, "xlsx": _xlsx, "pdf": _pdf, "ics": _ics}
