"""The reports as tables and files: figures that add up, typed cells, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import icalendar
import pytest

from attendance.domain.hours.shift import Leave, Plan
from attendance.domain.hours.timesheet import days_of
from attendance.service.hours import exports, report_tables
from tests.service.hours.reported import BERLIN, LAST, LOCAL, MONDAY, MONEY, NAMES, NOW, OFFICE, SHEET, TABLES, at


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_no_cell_of_a_csv_begins_a_formula(table: report_tables.Table) -> None:
    for row in rows_of(exports.to_csv(table, BERLIN)):
        for cell in row:
            assert cell[:1] not in ("=", "+", "@", "\t", "\r")
            assert not cell.startswith("-") or cell[1:].replace(".", "").isdigit()


def test_a_csv_carries_local_times_and_decimal_hours() -> None:
    header, first, *_ = rows_of(exports.to_csv(report_tables.timesheet(SHEET[0], LOCAL), BERLIN))
    row = dict(zip(header, first, strict=True))

    assert row["weekday"] == "Mon"
    assert row["in"] == "2024-05-06T09:00:00+02:00"
    assert row["worked_hours"] == "9.00"
    assert row["overtime_hours"] == "1.00"


def test_everybodys_timesheets_in_one_csv_name_the_person_in_each_row() -> None:
    tables = [(one.person, report_tables.timesheet(one, LOCAL)) for one in SHEET]
    rows = rows_of(exports.sheets_csv(tables, BERLIN))

    assert len(rows) == 1 + 14
    assert {row[0] for row in rows[1:]} == {"Anna Łukasz", "'" + MONEY}


def cells_of(book: bytes, sheet: int) -> dict[str, Any]:
    """A sheet's cells by address, read by hand: (type, value, is a formula)."""
    archive = zipfile.ZipFile(io.BytesIO(book))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    strings = [
        "".join(text.text or "" for text in one.iter(f"{space}t"))
        for one in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
    ]
    found = {}
    for cell in ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{sheet}.xml")).iter(f"{space}c"):
        assert cell.find(f"{space}f") is None, "a formula"
        value = cell.findtext(f"{space}v")
        if value is not None:
            found[cell.get("r")] = strings[int(value)] if cell.get("t") == "s" else float(value)
    return found


def test_a_workbook_has_typed_cells_a_sheet_a_person_and_no_formula() -> None:
    tables = [("Summary", report_tables.summary(SHEET, "All"))]
    tables += [(one.person.name, report_tables.timesheet(one, LOCAL)) for one in SHEET]
    book = exports.to_xlsx(tables, BERLIN, "Site")

    sheet = cells_of(book, 2)
    assert sheet["A4"] == (MONDAY - date(1899, 12, 30)).days
    assert sheet["B4"] == "Mon"
    assert sheet["H4"] == pytest.approx(9 / 24)
    assert cells_of(book, 1)["A5"] == MONEY
    assert b"Anna" in zipfile.ZipFile(io.BytesIO(book)).read("xl/workbook.xml")


def test_people_of_one_name_get_sheets_of_their_own() -> None:
    table = report_tables.timesheet(SHEET[0], LOCAL)
    book = exports.to_xlsx([("A/B: " + "x" * 40, table), ("a b  " + "x" * 40, table)], BERLIN, "Site")

    assert zipfile.ZipFile(io.BytesIO(book)).read("xl/workbook.xml").count(b"<sheet ") == 2


def test_a_calendar_program_reads_days_and_leave() -> None:
    one = SHEET[1]
    calendar = icalendar.Calendar.from_ical(exports.days_ical(one.person, one.days, BERLIN, NOW, "Site"))
    events = [(str(event["summary"]), event["dtstart"].dt) for event in calendar.walk("VEVENT")]

    assert ("Work", at(0, 9)) in events
    assert ("Vacation", date(2024, 5, 8)) in events
    leave = icalendar.Calendar.from_ical(exports.leave_ical(SHEET, NOW, "Site"))
    assert [str(event["summary"]) for event in leave.walk("VEVENT")] == [f"{MONEY}: vacation"]


def test_a_calendar_program_is_told_the_shifts_to_come_but_no_day_off() -> None:
    plans = {(day := MONDAY + timedelta(days=n)): Plan(day, OFFICE) for n in range(4)}
    plans[LAST] = Plan(LAST, None)
    plans[MONDAY + timedelta(days=2)] = Plan(MONDAY + timedelta(days=2), OFFICE, leave=Leave("vacation"))
    days = days_of([], plans, BERLIN, at(1, 7))
    calendar = icalendar.Calendar.from_ical(exports.days_ical(SHEET[0].person, days, BERLIN, at(1, 7), "Site"))
    events = [(str(event["summary"]), event["dtstart"].dt, event["dtend"].dt) for event in calendar.walk("VEVENT")]

    assert [one for one in events if one[0] == "Shift Office"] == [
        ("Shift Office", at(n, 9), at(n, 17)) for n in (1, 3)
    ]


def test_frappe_hr_gets_its_columns_in_local_time() -> None:
    header, first, *_ = rows_of(exports.frappe_csv([SHEET[0]], BERLIN))

    assert header == ["Employee", "Log Type", "Time", "Location / Device ID", "Skip Auto Attendance"]
    assert first == ["1", "IN", "2024-05-06 09:00:00", "gate", "0"]


def test_a_terminals_format_numbers_in_and_out() -> None:
    rows = rows_of(exports.zk_csv([SHEET[0]], BERLIN))

    assert [row[2] for row in rows[1:]] == ["0", "1", "0", "1", "0"]
    assert rows[1] == ["1", "2024-05-06 09:00:00", "0", "15", "0"]
