"""What a report's page and files are made of, and the files' bytes.

In: a site, a report's name, dates, the present instant.  Out: a `Table`; CSV, XLSX, PDF and iCalendar.
Does not know: requests, so that a long file can be written after its request has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from attendance.service.hours import days as working_days
from attendance.service.hours import muster
from attendance.service.hours.day_words import Local
from attendance.service.hours.days import PersonDays
from attendance.service.hours.reports import exports, pdf, report_lists, report_tables
from attendance.service.hours.reports.report_tables import Table
from attendance.store.access import musters
from attendance.store.hours import rosters
from attendance.store.hours.rosters import StaffMember
from attendance.texts import gettext as _
from attendance.web.hours.date_range import Span
from attendance.web.site import Site

# Above this many people, the timesheets' PDF has one line a person: sheets take seconds and paper.
MOST_SHEETS = 50
# Above this many people, the workbook has one sheet with everybody's days.
MOST_SHEETS_XLSX = 250
# From so many days of people on, a file takes longer than somebody likes to wait without being told why.  CSV
# comes line by line, as it is computed.
LONG: Mapping[str, int] = {"xlsx": 10_000, "pdf": 3_000}
# A line for each day in cells of their own takes some five times as long as a line for each person.
LONG_OF_DAYS = 2_000


@dataclass
class ReportSource:
    """One report.  `progress`: is called with the number of people who are computed so far; `read` is that number."""

    site: Site
    name: str
    span: Span
    now: datetime
    local: Local
    progress: Callable[[int], None] = field(default=lambda _done: None)
    read: int = 0

    def people(self) -> int:
        """Count the people whom the report may list."""
        span = self.span
        with self.site.sessions() as session:
            return len(rosters.list_staff(session, department=span.department, person_id=span.person_id, active=None))

    def long(self, kind: str) -> bool:
        """Return whether a file of this kind is written in the background."""
        days = (self.span.last - self.span.first).days + 1
        least = LONG_OF_DAYS if (self.name, kind) == ("timesheet", "xlsx") else LONG.get(kind)
        return least is not None and self.name != "presence" and self.people() * days >= least

    def rows(self) -> Iterator[PersonDays]:
        """Yield the people's days as they are computed, in blocks of people."""
        with self.site.sessions() as session:
            for done, row in enumerate(
                working_days.sheets(
                    session, self.span.first, self.span.last, self.site.zone, self.now,
                    department=self.span.department, person_id=self.span.person_id,
                ), 1
            ):  # fmt: skip
                self.read = done
                self.progress(done)
                yield row

    def table(self) -> tuple[int, Table]:
        """Return how many people the report is about, and its table."""
        span, local = self.span, self.local
        if self.name == "presence":
            with self.site.sessions() as session:
                begun = musters.current(session)
                listed = muster.listed(session, begun, self.now, self.site.zone, span.department)
            return 0, report_lists.presence(listed, self.now, local)
        self.read, rows = 0, self.rows()
        match self.name:
            case "daily":
                table = report_tables.daily(rows, span.first, local)
            case "register":
                table = report_tables.register(rows, span.first, span.last, local)
            case "timesheet" if span.person_id is not None and (own := next(iter(rows), None)) is not None:
                table = report_tables.timesheet(own, local)
            case "timesheet":
                first, last = local.medium_date(span.first), local.medium_date(span.last)
                table = report_tables.summary(rows, _("Timesheets, %(first)s to %(last)s", first=first, last=last))
                if self.read > MOST_SHEETS:
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
        return self.read, table

    def file(self, kind: str) -> Iterator[bytes]:
        """Yield a file's bytes.  `kind`: csv, xlsx, pdf, ics."""
        match kind:
            case "csv":
                for line in self._csv():
                    yield line.encode()
            case "xlsx":
                yield self._xlsx()
            case "pdf":
                yield self._pdf()
            case _:
                yield self._ics()

    def _sheets(self) -> Iterator[tuple[StaffMember, Table]]:
        return ((row.person, report_tables.timesheet(row, self.local)) for row in self.rows())

    def _csv(self) -> Iterator[str]:
        if self.name == "timesheet":
            return exports.sheets_csv(self._sheets(), self.site.zone)
        return exports.to_csv(self.table()[1], self.site.zone)

    def _xlsx(self) -> bytes:
        people, table = self.table()
        everybody = self.name == "timesheet" and self.span.person_id is None
        tables: Iterable[tuple[str, Table]] = [("Summary" if everybody else table.title, table)]
        if everybody and people > MOST_SHEETS_XLSX:
            # Nobody leafs through so many sheets, and each is an open file while the workbook is written.
            tables = chain(tables, [("Days", exports.below_each_other(self._sheets(), table.title))])
        elif everybody:
            tables = chain(tables, ((person.name, one) for person, one in self._sheets()))
        return exports.to_xlsx(tables, self.site.zone, self.site.settings.site.name)

    def _pdf(self) -> bytes:
        people, table = self.table()
        tables = [table]
        signatures: Sequence[str] = ()
        if self.name == "register":
            signatures = pdf.REGISTER_SIGNATURES
        elif self.name == "timesheet":
            signatures = pdf.TIMESHEET_SIGNATURES
            if self.span.person_id is None and people <= MOST_SHEETS:
                tables = [one for _person, one in self._sheets()]
        title = self.site.settings.site.name
        return pdf.to_pdf(tables, self.local.zone, title, self.now, signatures, self.local.locale)

    def _ics(self) -> bytes:
        title = self.site.settings.site.name
        if self.name == "timesheet":
            row = next(self.rows())
            return exports.days_ical(row.person, row.days, self.site.zone, self.now, title)
        return exports.leave_ical(self.rows(), self.now, title)
