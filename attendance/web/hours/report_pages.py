"""The reports as pages and as files, with the same filters in the same address.

In: a request.  Out: a page, CSV, XLSX, PDF or iCalendar.
Does not know: what a report counts, or how a file is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from attendance.service.hours import days as working_days
from attendance.service.hours import exports, pdf, report_lists, report_tables
from attendance.service.hours.day_words import STATUS_LETTERS
from attendance.service.hours.days import PersonDays
from attendance.service.hours.report_tables import Form, Table
from attendance.store.hours import rosters
from attendance.store.hours.rosters import StaffMember
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.formats import local_forms
from attendance.web.hours.date_range import Span, span_of, today
from attendance.web.listing import Column, Listing, listing_of
from attendance.web.security import permission
from attendance.web.site import current_site

blueprint = Blueprint("report_pages", __name__, url_prefix="/attendance/reports")
# A page of the table; files have all rows.
ROWS = 50
# Above this many people, the timesheets' PDF has one line a person: sheets take seconds and paper.
MOST_SHEETS = 50
# Above this many people, the workbook has one sheet with everybody's days.
MOST_SHEETS_XLSX = 250


@dataclass(frozen=True)
class Report:
    """A report in the list.  `one_day`: it has one date.  `ical`: it can be read as a calendar."""

    title: str
    words: str
    one_day: bool = False
    ical: bool = False


REPORTS: Mapping[str, Report] = {
    "daily": Report(N_("Daily"), N_("Everybody on one day: in, out, late, worked, with remarks."), one_day=True),
    "register": Report(
        N_("Monthly register"), N_("A mark for each day and person, with totals; the PDF has lines to sign on.")
    ),
    "timesheet": Report(
        N_("Timesheets"), N_("Each day of one person; of everybody, one line and one sheet a person."), ical=True
    ),
    "lateness": Report(N_("Late and early"), N_("Who came late or left early, and on which weekdays.")),
    "absence": Report(N_("Absence and leave"), N_("Days without work and why."), ical=True),
    "overtime": Report(
        N_("Overtime and premium hours"),
        N_("What is paid extra: overtime by rate, day and week; night, Sunday and holiday hours."),
    ),
    "presence": Report(N_("Who is in the building"), N_("For an evacuation: names to tick."), one_day=True),
}
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "ics": "text/calendar; charset=utf-8",
}


@blueprint.get("")
@permission("read_report")
def index() -> ResponseReturnValue:
    return render_template("hours/reports.html", reports=REPORTS, span=span_of({}))


@blueprint.get("/<name>")
@permission("read_report")
def page(name: str) -> ResponseReturnValue:
    report, span = _wanted(name)
    people, table = _made(name, span)
    site = current_site()
    with site.sessions() as session:
        departments, everybody = rosters.departments(session), rosters.list_staff(session)
    listing = _listed(name, table)
    found = [row for _person, row in listing.found]
    return render_template(
        "hours/report.html",
        name=name,
        report=report,
        reports=REPORTS,
        table=table,
        listing=listing,
        foot=report_tables.total(table.columns, found) if listing.text and table.foot else table.foot,
        span=span,
        departments=departments,
        everybody=everybody,
        people=people,
        most=max((bar.value for bar in table.bars), default=0) or 1,
        text_of=pdf.text_of,
        local=local_forms(),
        mark_status={letter: status.value for status, letter in STATUS_LETTERS.items()},
        form=Form,
        ical=report.ical and (name != "timesheet" or span.person_id is not None),
        at=site.clock.now(),
    )


_Line = tuple[int | None, tuple[Any, ...]]


def _listed(name: str, table: Table) -> Listing[_Line]:
    """Return the page's rows, each with its person; the marks of a register's days do not sort."""
    rows: list[_Line] = list(zip(table.people or [None] * len(table.rows), table.rows, strict=True))
    columns = [
        Column[_Line](column.key, column.title, _cell(number), column.form in (Form.SPAN, Form.COUNT))
        for number, column in enumerate(table.columns)
        if column.form is not Form.MARK
    ]
    texts = [number for number, column in enumerate(table.columns) if column.form is Form.TEXT]
    # A list of who is in the building is never cut: it may be printed, and somebody would be missing.
    size = len(rows) + 1 if name == "presence" else ROWS
    return listing_of(rows, columns, lambda line: [str(line[1][number]) for number in texts], size=size)


def _cell(number: int) -> Callable[[_Line], Any]:
    return lambda line: None if line[1][number] == "" else line[1][number]


@blueprint.get("/<name>.<kind>")
@permission("export_report")
def file(name: str, kind: str) -> ResponseReturnValue:
    report, span = _wanted(name)
    if kind not in TYPES or (kind == "ics" and not report.ical):
        abort(404)
    content = _WRITERS[kind](name, span, current_site().clock.now())
    answer = Response(content if isinstance(content, bytes) else stream_with_context(content), content_type=TYPES[kind])
    days = f"{span.first}" if report.one_day else f"{span.first} to {span.last}"
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name} {days}.{kind}")
    return answer


@blueprint.get("/check-ins-<form>.csv")
@permission("export_report")
def check_ins(form: str) -> ResponseReturnValue:
    """Send the check-ins that counted, as other programs import them."""
    writers = {"frappe": exports.frappe_csv, "zk": exports.zk_csv}
    if form not in writers:
        abort(404)
    span, site = span_of(request.args), current_site()
    lines = writers[form](_rows(span), site.zone)
    answer = Response(stream_with_context(lines), content_type=TYPES["csv"])
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


def _rows(span: Span) -> Iterator[PersonDays]:
    """Yield the people's days as they are computed, in blocks of people."""
    site = current_site()
    with site.sessions() as session:
        yield from working_days.sheets(
            session, span.first, span.last, site.zone, site.clock.now(),
            department=span.department, person_id=span.person_id,
        )  # fmt: skip


def _made(name: str, span: Span) -> tuple[int, Table]:
    """Return how many people a report is about, and its table."""
    site, now, local = current_site(), current_site().clock.now(), local_forms()
    if name == "presence":
        with site.sessions() as session:
            present = working_days.today(session, now, site.zone, span.department)
        return 0, report_lists.presence(present, now, local)
    rows = _Counted(_rows(span))
    match name:
        case "daily":
            table = report_tables.daily(rows, span.first, local)
        case "register":
            table = report_tables.register(rows, span.first, span.last, local)
        case "timesheet" if span.person_id is not None and (own := next(iter(rows), None)) is not None:
            table = report_tables.timesheet(own, local)
        case "timesheet":
            first, last = local.medium_date(span.first), local.medium_date(span.last)
            table = report_tables.summary(rows, _("Timesheets, %(first)s to %(last)s", first=first, last=last))
            if rows.number > MOST_SHEETS:
                note = _(
                    "Above %(most)s people, the PDF has one line a person: choose a department for full sheets.",
                    most=MOST_SHEETS,
                )
                table = replace(table, notes=(note,))
        case "lateness":
            table = report_lists.lateness(rows, local)
        case "absence":
            table = report_lists.absence(rows)
        case _:
            table = report_lists.overtime_report(list(rows))
    return rows.number, table


class _Counted:
    """Rows that are read once, and how many there were so far."""

    def __init__(self, rows: Iterator[PersonDays]) -> None:
        self._rows, self.number = rows, 0

    def __iter__(self) -> Iterator[PersonDays]:
        for row in self._rows:
            self.number += 1
            yield row


_Writer = Callable[[str, Span, datetime], Iterator[str] | bytes]


def _sheets(span: Span) -> Iterator[tuple[StaffMember, Table]]:
    local = local_forms()
    return ((row.person, report_tables.timesheet(row, local)) for row in _rows(span))


def _csv(name: str, span: Span, _now: datetime) -> Iterator[str]:
    zone = current_site().zone
    return (
        exports.sheets_csv(_sheets(span), zone) if name == "timesheet" else exports.to_csv(_made(name, span)[1], zone)
    )


def _xlsx(name: str, span: Span, _now: datetime) -> bytes:
    site = current_site()
    people, table = _made(name, span)
    everybody = name == "timesheet" and span.person_id is None
    tables: Iterable[tuple[str, Table]] = [("Summary" if everybody else table.title, table)]
    if everybody and people > MOST_SHEETS_XLSX:
        # Nobody leafs through so many sheets, and each is an open file while the workbook is written.
        tables = chain(tables, [("Days", exports.below_each_other(_sheets(span), table.title))])
    elif everybody:
        tables = chain(tables, ((person.name, one) for person, one in _sheets(span)))
    return exports.to_xlsx(tables, site.zone, site.settings.site.name)


def _pdf(name: str, span: Span, now: datetime) -> bytes:
    people, table = _made(name, span)
    local, title, tables = local_forms(), current_site().settings.site.name, [table]
    signatures: Sequence[str] = ()
    if name == "register":
        signatures = pdf.REGISTER_SIGNATURES
    elif name == "timesheet":
        signatures = pdf.TIMESHEET_SIGNATURES
        if span.person_id is None and people <= MOST_SHEETS:
            tables = [one for _person, one in _sheets(span)]
    return pdf.to_pdf(tables, local.zone, title, now, signatures, local.locale)


def _ics(name: str, span: Span, now: datetime) -> bytes:
    title = current_site().settings.site.name
    if name == "timesheet":
        row = next(_rows(span), None) if span.person_id is not None else None
        if row is None:
            abort(404)
        return exports.days_ical(row.person, row.days, current_site().zone, now, title)
    return exports.leave_ical(_rows(span), now, title)


_WRITERS: Mapping[str, _Writer] = {"csv": _csv, "xlsx": _xlsx, "pdf": _pdf, "ics": _ics}
