"""The reports as pages and as files, with the same filters in the same address.

In: a request.  Out: a page, CSV, XLSX, PDF or iCalendar; of a long file first a page that shows how far it is.
Does not know: what a report counts, or how a file is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.service.hours.day_words import STATUS_LETTERS
from attendance.service.hours.reports import exports, pdf, report_tables
from attendance.service.hours.reports.file_jobs import FileJobs, Making, Progress
from attendance.service.hours.reports.report_tables import Form, Table
from attendance.store.hours import rosters
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.formats import local_forms
from attendance.web.hours.date_range import Span, span_of, today
from attendance.web.hours.report_files import ReportSource
from attendance.web.listing import Column, Listing, listing_of
from attendance.web.security import permission
from attendance.web.site import EXTENSION, current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("report_pages", __name__, url_prefix="/attendance/reports")
# A page of the table; files have all rows.
ROWS = 50
_JOBS = "attendance_long_files"


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
    if name == "presence":
        return redirect(url_for("muster.page", department=span.department))
    people, table = _source(name, span).table()
    site = current_site()
    with site.sessions() as session:
        departments, everybody = rosters.departments(session), rosters.list_staff(session)
    listing = _listed(table)
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


def _listed(table: Table) -> Listing[_Line]:
    """Return the page's rows, each with its person; the marks of a register's days do not sort."""
    rows: list[_Line] = list(zip(table.people or [None] * len(table.rows), table.rows, strict=True))
    columns = [
        Column[_Line](column.key, column.title, _cell(number), column.form in (Form.SPAN, Form.COUNT))
        for number, column in enumerate(table.columns)
        if column.form is not Form.MARK
    ]
    texts = [number for number, column in enumerate(table.columns) if column.form is Form.TEXT]
    return listing_of(rows, columns, lambda line: [str(line[1][number]) for number in texts], size=ROWS)


def _cell(number: int) -> Callable[[_Line], Any]:
    return lambda line: None if line[1][number] == "" else line[1][number]


@blueprint.get("/<name>.<kind>")
@permission("export_report")
@sudo(method="GET", when=lambda: _of_everybody())
def file(name: str, kind: str) -> ResponseReturnValue:
    report, span = _wanted(name)
    if kind not in TYPES or (kind == "ics" and not report.ical):
        abort(404)
    source = _source(name, span)
    days = f"{span.first}" if report.one_day else f"{span.first} to {span.last}"
    filename = f"{name} {days}.{kind}"
    if source.long(kind):
        return redirect(url_for("report_pages.making", key=_begin(source, kind, filename).key))
    if kind == "ics" and name == "timesheet" and (span.person_id is None or not source.people()):
        abort(404)
    return _download(stream_with_context(source.file(kind)), kind, filename)


@blueprint.get("/making/<key>")
@permission("export_report")
def making(key: str) -> ResponseReturnValue:
    """Show how far a long file is, and lead to it."""
    found = file_jobs().making(current_user.username, key)
    return _gone() if found is None else render_template("hours/making.html", making=found)


@blueprint.get("/making/<key>/standing")
@permission("export_report")
def making_standing(key: str) -> ResponseReturnValue:
    """Answer the part of the page that shows the progress, for the script."""
    return render_template("hours/_making.html", making=file_jobs().making(current_user.username, key))


@blueprint.get("/making/<key>/file")
@permission("export_report")
def made_file(key: str) -> ResponseReturnValue:
    made, pieces = file_jobs().making(current_user.username, key), file_jobs().read(current_user.username, key)
    if made is None:
        return _gone()
    if pieces is None:
        return redirect(url_for("report_pages.making", key=key))
    answer = _download(pieces, made.kind, made.name)
    answer.content_length = made.size
    return answer


@blueprint.post("/making/<key>/stop")
@permission("use_own_account")
def stop_making(key: str) -> ResponseReturnValue:
    """Remove a file that is no longer wanted."""
    file_jobs().stop(current_user.username, key)
    flash(_("The file is removed."), "info")
    return redirect(url_for("report_pages.index"))


@blueprint.get("/check-ins-<form>.csv")
@permission("export_report")
@sudo(method="GET", when=lambda: _of_everybody())
def check_ins(form: str) -> ResponseReturnValue:
    """Send the check-ins that counted, as other programs import them."""
    writers = {"frappe": exports.frappe_csv, "zk": exports.zk_csv}
    if form not in writers:
        abort(404)
    span, site = span_of(request.args), current_site()
    lines = writers[form](_source("check-ins", span).rows(), site.zone)
    return _download(stream_with_context(lines), "csv", f"check-ins {form} {span.first} to {span.last}.csv")


def _of_everybody() -> bool:
    """Return whether a file is about the whole site; the list for an evacuation never waits for a password."""
    span, narrowed = span_of(request.args), g.get("departments") is not None
    presence = (request.view_args or {}).get("name") == "presence"
    return span.person_id is None and span.department is None and not narrowed and not presence


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


def _source(name: str, span: Span) -> ReportSource:
    site = current_site()
    return ReportSource(site, name, span, site.clock.now(), local_forms())


def _download(content: Iterable[bytes] | Iterable[str], kind: str, filename: str) -> Response:
    answer = Response(content, content_type=TYPES[kind])
    answer.headers.set("Content-Disposition", "attachment", filename=filename)
    return answer


def file_jobs() -> FileJobs:
    jobs = current_app.extensions[_JOBS]
    assert isinstance(jobs, FileJobs)
    return jobs


def _begin(source: ReportSource, kind: str, filename: str) -> Making:
    def write(progress: Progress) -> Iterator[bytes]:
        return replace(source, progress=progress).file(kind)

    return file_jobs().begin(current_user.username, filename, kind, source.people(), write)


def _gone() -> ResponseReturnValue:
    flash(_("This file is gone: long files are kept for an hour. Ask the report for it again."), "warning")
    return redirect(url_for("report_pages.index"))


@blueprint.record
def _set_up(state: BlueprintSetupState) -> None:
    state.app.extensions[_JOBS] = FileJobs(state.app.extensions[EXTENSION].clock)
