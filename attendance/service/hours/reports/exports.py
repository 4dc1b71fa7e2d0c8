"""Tables and check-ins as CSV, XLSX and iCalendar.

In: `Table`s, days, punches, the zone.  Out: text and bytes.
Does not know: the web, the database.
Main choice: CSV carries ISO dates and local times, for programs; XLSX carries typed cells, for people who add
them up.  Durations are whole minutes, with decimal hours beside them, whose rounding does not add up.
A text that a spreadsheet would run as a formula gets a quote before it.
Headers and formats here never change with the language: other programs read them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attendance.domain.hours.day import Day, Punch, Sense
from attendance.domain.hours.shift import spans_of
from attendance.errors import headline
from attendance.service.access.log import safe_cell
from attendance.service.hours.day_words import Local, leave_words, rule_words
from attendance.service.hours.days import PersonDays
from attendance.service.hours.reports.report_tables import TIMESHEET, Column, Form, Table
from attendance.store.hours.rosters import StaffMember

# Column titles of Frappe HR's data import for the document type Employee Checkin.
FRAPPE = ("Employee", "Log Type", "Time", "Location / Device ID", "Skip Auto Attendance")
# As terminals of this kind export their attendance log: status 0 in, 1 out; verify 15 is a face, 0 anything else.
ZK = ("user_id", "timestamp", "status", "verify", "workcode")


def to_csv(table: Table, zone: ZoneInfo) -> Iterator[str]:
    """Yield one table line by line, with a BOM so that spreadsheets see the UTF-8."""
    yield "\ufeff" + _line(_heads(table.columns))
    for row in table.rows:
        yield _line(_plains(row, table.columns, zone))


def sheets_csv(tables: Iterable[tuple[StaffMember, Table]], zone: ZoneInfo) -> Iterator[str]:
    """Yield several people's tables of the same columns below each other, with the person in each row."""
    begun = False
    for person, table in tables:
        if not begun:
            yield "\ufeff" + _line(["person", "staff_number", *_heads(table.columns)])
            begun = True
        about = [safe_cell(person.name), safe_cell(person.staff_number or "")]
        yield "".join(_line([*about, *_plains(row, table.columns, zone)]) for row in table.rows)
    if not begun:
        yield "\ufeff"


def below_each_other(tables: Iterable[tuple[StaffMember, Table]], title: str) -> Table:
    """Return several people's tables of the same columns as one, with the person in each row; rows are made as read."""
    about = (Column("person", "Person"), Column("staff_number", "Staff number"))
    rows = (
        (person.name, person.staff_number or "", *row) for person, table in tables for row in table.rows
    )  # fmt: skip
    return Table("days", title, (*about, *TIMESHEET), Streamed(rows))


class Streamed(Sequence[tuple[Any, ...]]):
    """Rows that are read once and in order, as a workbook writes them; `len` counts those read so far."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows, self._read = rows, 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for row in self._rows:
            self._read += 1
            yield row

    def __len__(self) -> int:
        return self._read

    def __getitem__(self, index: Any) -> Any:
        raise TypeError("these rows are read in order")


def _heads(columns: Sequence[Column]) -> list[str]:
    """Return the keys; of a duration, decimal hours for readers and whole minutes, which add up."""
    keys: list[str] = []
    for column in columns:
        keys += [f"{column.key}_hours", f"{column.key}_minutes"] if column.form is Form.SPAN else [column.key]
    return [safe_cell(key) for key in keys]


def _plains(row: Sequence[Any], columns: Sequence[Column], zone: ZoneInfo) -> list[str]:
    cells: list[str] = []
    for cell, column in zip(row, columns, strict=True):
        if column.form is Form.SPAN:
            cells += ["", ""] if cell is None else [f"{cell / 3600:.2f}", f"{cell // 60}"]
        else:
            cells.append(_plain(cell, column.form, zone))
    return cells


def _plain(cell: Any, form: Form, zone: ZoneInfo) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(cell, date):
        return f"{cell:%a}" if form is Form.WEEKDAY else cell.isoformat()
    if isinstance(cell, int | float):
        return f"{cell:g}"
    return safe_cell(cell)


class _Held:
    """What a `csv.writer` wrote last."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def _line(cells: Iterable[str]) -> str:
    held = _Held()
    csv.writer(held).writerow(cells)
    return held.text


def to_xlsx(tables: Iterable[tuple[str, Table]], zone: ZoneInfo, author: str) -> bytes:
    """Write a workbook with a sheet for each table; dates, times and durations are numbers that add up.

    A duration has two columns of one unit each: decimal hours, and whole minutes.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    # Rows go to a file as they come, so that a sheet for each of many people does not stay in memory.
    options = {
        "constant_memory": True,
        "remove_timezone": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"author": author})
    formats = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "title": book.add_format({"bold": True, "font_size": 14}),
        Form.DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
        Form.TIME: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        "hours": book.add_format({"num_format": "0.00"}),
        "minutes": book.add_format({"num_format": "0"}),
        "foot": book.add_format({"bold": True, "top": 1}),
        "foot hours": book.add_format({"bold": True, "top": 1, "num_format": "0.00"}),
    }
    used: set[str] = set()
    for name, table in tables:
        _sheet(book.add_worksheet(_sheet_name(name, used)), table, zone, formats)
    if not used:
        book.add_worksheet("empty")
    book.close()
    return buffer.getvalue()


def _sheet(sheet: Any, table: Table, zone: ZoneInfo, formats: dict[Any, Any]) -> None:
    sheet.write_string(0, 0, table.title, formats["title"])
    top = 2
    wide = {Form.TEXT: 18, Form.WEEKDAY: 18, Form.TIME: 16, Form.DATE: 11, Form.MARK: 3.5}
    places, width = [], 0
    for number, column in enumerate(table.columns):
        places.append(width)
        units = (" (h)", " (min)") if column.form is Form.SPAN else ("",)
        for unit in units:
            sheet.write_string(top, width, column.title + unit, formats["head"])
            first = number == 0 and column.form is Form.TEXT
            sheet.set_column(width, width, 24 if first else wide.get(column.form, 10))
            width += 1
    for line, row in enumerate(table.rows, start=top + 1):
        for place, cell, column in zip(places, row, table.columns, strict=True):
            _cell(sheet, line, place, cell, column.form, zone, formats)
    if table.foot:
        line = top + 1 + len(table.rows)
        for place, cell, column in zip(places, table.foot, table.columns, strict=True):
            if column.form is Form.SPAN:
                sheet.write_number(line, place, cell / 3600, formats["foot hours"])
                sheet.write_number(line, place + 1, cell // 60, formats["foot"])
            else:
                sheet.write(line, place, cell, formats["foot"])
    sheet.freeze_panes(top + 1, 1)
    if table.rows:
        sheet.autofilter(top, 0, top + len(table.rows), width - 1)


def _cell(sheet: Any, line: int, column: int, cell: Any, form: Form, zone: ZoneInfo, formats: dict[Any, Any]) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, datetime):
        sheet.write_datetime(line, column, cell.astimezone(zone).replace(tzinfo=None), formats[Form.TIME])
    elif isinstance(cell, date) and form is Form.WEEKDAY:
        sheet.write_string(line, column, f"{cell:%a}")
    elif isinstance(cell, date):
        sheet.write_datetime(line, column, datetime(cell.year, cell.month, cell.day), formats[Form.DATE])  # noqa: DTZ001
    elif form is Form.SPAN:
        # Not as a duration: spreadsheets cannot show a negative one, and a column has one unit.
        sheet.write_number(line, column, cell / 3600, formats["hours"])
        sheet.write_number(line, column + 1, cell // 60, formats["minutes"])
    elif isinstance(cell, int | float):
        sheet.write_number(line, column, cell)
    else:
        sheet.write_string(line, column, cell)  # a string cell never becomes a formula


# Spreadsheets count in UTF-16: a sign outside of the basic plane is two.
_SHEET_NAME = 31


def _sheet_name(name: str, used: set[str]) -> str:
    """Return a name of at most 31 allowed characters that no other sheet has, in any case of letters.

    An apostrophe stands neither first nor last, whatever was cut off; "History" belongs to the spreadsheet.
    """
    plain = "".join(" " if sign in "[]:*?/\\" or not sign.isprintable() else sign for sign in name)
    base = _cut_name(plain, _SHEET_NAME) or "sheet"
    unique, number = base, 2
    while unique.lower() in used or unique.lower() == "history":
        unique = f"{_cut_name(base, _SHEET_NAME - 1 - len(str(number)))} {number}"
        number += 1
    used.add(unique.lower())
    return unique


def _cut_name(name: str, most: int) -> str:
    text, size = "", 0
    for sign in name.strip(" '"):
        size += 2 if ord(sign) > 0xFFFF else 1
        if size > most:
            break
        text += sign
    return text.rstrip(" '")


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


def leave_ical(sheet: Iterable[PersonDays], now: datetime, site: str) -> bytes:
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


def counted(sheet: Iterable[PersonDays]) -> list[tuple[StaffMember, Punch, Sense]]:
    """Return the check-ins that counted, with what they were taken for, in order of time."""
    punches = [
        (row.person, used.punch, used.inference.sense)
        for row in sheet
        for day in row.days
        for used in day.used
        if used.inference is not None
    ]
    return sorted(punches, key=lambda entry: (entry[1].at, entry[1].id))


def frappe_csv(sheet: Iterable[PersonDays], zone: ZoneInfo) -> Iterator[str]:
    """Yield a file for Frappe HR's data import of Employee Checkin, without people who lack a staff number."""
    yield _line(FRAPPE)
    for person, punch, sense in counted(sheet):
        if person.staff_number:
            yield _line(
                (safe_cell(person.staff_number), sense.value.upper(), f"{punch.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
                 safe_cell(punch.source), "0")
            )  # fmt: skip


def zk_csv(sheet: Iterable[PersonDays], zone: ZoneInfo) -> Iterator[str]:
    """Yield a file for programs that read terminals' punches; a person without a staff number is named by the id."""
    yield _line(ZK)
    for person, punch, sense in counted(sheet):
        yield _line(
            (safe_cell(person.staff_number or str(person.id)), f"{punch.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
             "0" if sense is Sense.IN else "1", "0" if punch.corrected else "15", "0")
        )  # fmt: skip
