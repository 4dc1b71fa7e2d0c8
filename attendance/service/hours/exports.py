"""Tables and check-ins as CSV, XLSX and iCalendar.

In: `Table`s, days, punches, the zone.  Out: text and bytes.
Does not know: the web, the database.
Main choice: CSV carries ISO dates, local times and decimal hours, for programs; XLSX carries typed cells,
for people who add them up.  A text that a spreadsheet would run as a formula gets a quote before it.
Headers and formats here never change with the language: other programs read them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attendance.domain.hours.day import Day, Punch, Sense
from attendance.domain.hours.shift import spans_of
from attendance.errors import headline
from attendance.service.access.log import safe_cell
from attendance.service.hours.day_words import Local, leave_words, rule_words
from attendance.service.hours.days import PersonDays
from attendance.service.hours.report_tables import Form, Table
from attendance.store.hours.rosters import StaffMember

# Column titles of Frappe HR's data import for the document type Employee Checkin.
FRAPPE = ("Employee", "Log Type", "Time", "Location / Device ID", "Skip Auto Attendance")
# As terminals of this kind export their attendance log: status 0 in, 1 out; verify 15 is a face, 0 anything else.
ZK = ("user_id", "timestamp", "status", "verify", "workcode")


def to_csv(table: Table, zone: ZoneInfo) -> str:
    """Write one table, with a BOM so that spreadsheets see the UTF-8, and durations as decimal hours."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    writer.writerow([safe_cell(_head(column.key, column.form)) for column in table.columns])
    forms = [column.form for column in table.columns]
    for row in table.rows:
        writer.writerow([_plain(cell, form, zone) for cell, form in zip(row, forms, strict=True)])
    return buffer.getvalue()


def sheets_csv(tables: Sequence[tuple[StaffMember, Table]], zone: ZoneInfo) -> str:
    """Write several people's tables of the same columns below each other, with the person in each row."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    for number, (person, table) in enumerate(tables):
        if number == 0:
            writer.writerow(["person", "staff_number", *(_head(column.key, column.form) for column in table.columns)])
        about = [safe_cell(person.name), safe_cell(person.staff_number or "")]
        for row in table.rows:
            cells = [_plain(cell, column.form, zone) for cell, column in zip(row, table.columns, strict=True)]
            writer.writerow([*about, *cells])
    return buffer.getvalue()


def _head(key: str, form: Form) -> str:
    return f"{key}_hours" if form is Form.SPAN else key


def _plain(cell: Any, form: Form, zone: ZoneInfo) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(cell, date):
        return f"{cell:%a}" if form is Form.WEEKDAY else cell.isoformat()
    if form is Form.SPAN:
        return f"{cell / 3600:.2f}"
    if isinstance(cell, int | float):
        return f"{cell:g}"
    return safe_cell(cell)


def to_xlsx(tables: Sequence[tuple[str, Table]], zone: ZoneInfo, author: str) -> bytes:
    """Write a workbook with a sheet for each table; dates, times and durations are numbers that add up."""
    import xlsxwriter

    buffer = io.BytesIO()
    # constant_memory would write rows as they come, but cannot set widths afterwards; 500 sheets fit.
    options = {"in_memory": True, "remove_timezone": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"author": author})
    formats = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "title": book.add_format({"bold": True, "font_size": 14}),
        Form.DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
        Form.TIME: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        Form.SPAN: book.add_format({"num_format": "[h]:mm"}),
        "foot": book.add_format({"bold": True, "top": 1}),
        "foot span": book.add_format({"bold": True, "top": 1, "num_format": "[h]:mm"}),
        "less": book.add_format({"num_format": "0.00"}),
    }
    used: set[str] = set()
    for name, table in tables:
        _sheet(book.add_worksheet(_sheet_name(name, used)), table, zone, formats)
    if not tables:
        book.add_worksheet("empty")
    book.close()
    return buffer.getvalue()


def _sheet(sheet: Any, table: Table, zone: ZoneInfo, formats: dict[Any, Any]) -> None:
    sheet.write_string(0, 0, table.title, formats["title"])
    top = 2
    wide = {Form.TEXT: 18, Form.WEEKDAY: 18, Form.TIME: 16, Form.DATE: 11, Form.MARK: 3.5}
    for number, column in enumerate(table.columns):
        sheet.write_string(top, number, column.title, formats["head"])
        first = number == 0 and column.form is Form.TEXT
        sheet.set_column(number, number, 24 if first else wide.get(column.form, 10))
    for line, row in enumerate(table.rows, start=top + 1):
        for number, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            _cell(sheet, line, number, cell, column.form, zone, formats)
    if table.foot:
        line = top + 1 + len(table.rows)
        for number, (cell, column) in enumerate(zip(table.foot, table.columns, strict=True)):
            if column.form is Form.SPAN:
                sheet.write_number(line, number, cell / 86400, formats["foot span"])
            else:
                sheet.write(line, number, cell, formats["foot"])
    sheet.freeze_panes(top + 1, 1)
    if table.rows:
        sheet.autofilter(top, 0, top + len(table.rows), len(table.columns) - 1)


def _cell(sheet: Any, line: int, column: int, cell: Any, form: Form, zone: ZoneInfo, formats: dict[Any, Any]) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, datetime):
        sheet.write_datetime(line, column, cell.astimezone(zone).replace(tzinfo=None), formats[Form.TIME])
    elif isinstance(cell, date) and form is Form.WEEKDAY:
        sheet.write_string(line, column, f"{cell:%a}")
    elif isinstance(cell, date):
        sheet.write_datetime(line, column, datetime(cell.year, cell.month, cell.day), formats[Form.DATE])  # noqa: DTZ001
    elif form is Form.SPAN and cell < 0:
        # Spreadsheets cannot show a negative duration: decimal hours instead.
        sheet.write_number(line, column, cell / 3600, formats["less"])
    elif form is Form.SPAN:
        sheet.write_number(line, column, cell / 86400, formats[Form.SPAN])
    elif isinstance(cell, int | float):
        sheet.write_number(line, column, cell)
    else:
        sheet.write_string(line, column, cell)  # a string cell never becomes a formula


def _sheet_name(name: str, used: set[str]) -> str:
    """Return a name of at most 31 allowed characters that no other sheet has, in any case of letters."""
    base = re.sub(r"[\[\]:*?/\\]", " ", name).strip(" '")[:31] or "sheet"
    unique, number = base, 2
    while unique.lower() in used or unique.lower() == "history":
        unique = f"{base[: 30 - len(str(number))]} {number}"
        number += 1
    used.add(unique.lower())
    return unique


def days_ical(person: StaffMember, days: Iterable[Day], zone: ZoneInfo, now: datetime, site: str) -> bytes:
    """Write the planned shifts of days to come, leave and what was worked, for a calendar program."""
    import icalendar

    calendar = _calendar(icalendar, f"{person.name}, {site}")
    for day in days:
        if day.plan.holiday or day.plan.leave_share:
            words = day.plan.holiday or headline(_leave_of(day))
            event = _event(icalendar, f"{person.id}-{day.day}-away", words, now)
            event.add("dtstart", day.day)
            event.add("dtend", day.day + timedelta(days=1))
            calendar.add_component(event)
        if day.ahead and day.plan.shift and not day.plan.whole_day_off:
            for number, (start, end) in enumerate(spans_of(day.plan, zone)):
                event = _event(icalendar, f"{person.id}-{day.day}-plan-{number}", f"Shift {day.plan.shift.name}", now)
                event.add("dtstart", start)
                event.add("dtend", end)
                calendar.add_component(event)
        for number, spell in enumerate(day.spells):
            if spell.end is None or spell.end <= spell.start:
                continue
            event = _event(icalendar, f"{person.id}-{day.day}-{number}", "Work", now)
            event.add("dtstart", spell.start)
            event.add("dtend", spell.end)
            if spell.rule is not None:
                event.add("description", rule_words(spell, Local(zone)))
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def leave_ical(sheet: Sequence[PersonDays], now: datetime, site: str) -> bytes:
    """Write a department's leave, for a calendar program."""
    import icalendar

    calendar = _calendar(icalendar, f"Leave, {site}")
    for row in sheet:
        for day in row.days:
            if day.plan.leave_share:
                words = f"{row.person.name}: {_leave_of(day)}"
                event = _event(icalendar, f"{row.person.id}-{day.day}-leave", words, now)
                event.add("dtstart", day.day)
                event.add("dtend", day.day + timedelta(days=1))
                calendar.add_component(event)
    return bytes(calendar.to_ical())


def _leave_of(day: Day) -> str:
    return ", ".join(leave_words(leave) for leave in day.plan.leaves)


def _calendar(icalendar: Any, name: str) -> Any:
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//attendance//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    return calendar


def _event(icalendar: Any, key: str, words: str, now: datetime) -> Any:
    event = icalendar.Event()
    event.add("uid", f"{key}@attendance")
    event.add("dtstamp", now)
    event.add("summary", words)
    return event


def counted(sheet: Sequence[PersonDays]) -> list[tuple[StaffMember, Punch, Sense]]:
    """Return the check-ins that counted, with what they were taken for, in order of time."""
    punches = [
        (row.person, used.punch, used.inference.sense)
        for row in sheet
        for day in row.days
        for used in day.used
        if used.inference is not None
    ]
    return sorted(punches, key=lambda entry: (entry[1].at, entry[1].id))


def frappe_csv(sheet: Sequence[PersonDays], zone: ZoneInfo) -> str:
    """Write a file for Frappe HR's data import of Employee Checkin, without people who lack a staff number."""
    return _lines(
        FRAPPE,
        (
            (safe_cell(person.staff_number), sense.value.upper(), f"{punch.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
             safe_cell(punch.source), "0")
            for person, punch, sense in counted(sheet)
            if person.staff_number
        ),
    )  # fmt: skip


def zk_csv(sheet: Sequence[PersonDays], zone: ZoneInfo) -> str:
    """Write a file for programs that read terminals' punches; a person without a staff number is named by the id."""
    return _lines(
        ZK,
        (
            (safe_cell(person.staff_number or str(person.id)), f"{punch.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
             "0" if sense is Sense.IN else "1", "0" if punch.corrected else "15", "0")
            for person, punch, sense in counted(sheet)
        ),
    )  # fmt: skip


def _lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
