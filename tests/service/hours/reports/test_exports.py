"""The reports as tables and files: figures that add up, typed cells, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import icalendar
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attendance.domain.hours.day import Punch
from attendance.domain.hours.shift import Leave, Plan
from attendance.domain.hours.timesheet import days_of
from attendance.domain.passage import Direction
from attendance.service.access.log import safe_cell
from attendance.service.hours.days import PersonDays
from attendance.service.hours.reports import exports, report_tables
from tests.service.hours.reports.reported import (
    BERLIN,
    LAST,
    LOCAL,
    MONDAY,
    MONEY,
    NAMES,
    NOW,
    OFFICE,
    SHEET,
    TABLES,
    at,
)


def rows_of(text: Iterable[str]) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(text).removeprefix("\ufeff"))))


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
    assert (row["worked_hours"], row["worked_minutes"]) == ("9.00", "540")
    assert (row["overtime_hours"], row["overtime_minutes"]) == ("1.00", "60")


def test_the_minutes_of_a_csv_add_up_to_the_register() -> None:
    """Decimal hours of 7:20 do not: 22 times 7.33 is 161.26, and right is 161.33."""
    plans = {(day := MONDAY + timedelta(days=n)): Plan(day, OFFICE) for n in range(22)}
    punches = [
        Punch(f"{n}{way}", at(n, hour, minute), Direction(way))
        for n in range(22)
        for hour, minute, way in ((9, 0, "in"), (16, 20, "out"))
    ]
    one = PersonDays(SHEET[0].person, tuple(days_of(punches, plans, BERLIN, NOW + timedelta(days=60))))
    table = report_tables.timesheet(one, LOCAL)
    header, *lines = rows_of(exports.to_csv(table, BERLIN))
    minutes = header.index("worked_minutes")

    total = sum(int(line[minutes]) for line in lines)

    assert total == 22 * 440
    assert f"{total / 60:.2f}" == "161.33"
    assert (
        total * 60
        == one.worked
        == dict(zip([column.key for column in table.columns], table.foot, strict=True))["worked"]
    )


# What a spreadsheet may take for the border of two cells, whatever this file's quotation marks say.
BORDERS = re.compile(r"[;|\t\r\n]")


@pytest.mark.parametrize(
    "name", ["Anna;=1+1;B", "A;-1", "A|@x", 'A;"=1', "A; =1", "\t=1", "A\n+1", "＝1", "A;＋1", " =1"]
)
def test_no_part_of_a_name_becomes_a_formula_whatever_separates_the_cells(name: str) -> None:
    for part in BORDERS.split(safe_cell(name)):
        assert part.strip(' "')[:1] not in tuple("=+-@＝＋－＠"), part


@given(st.text("=+-@;|\t\"' \nA1＝,", max_size=12))
def test_no_part_of_any_text_becomes_a_formula(text: str) -> None:
    assert all(part.strip(' "')[:1] not in tuple("=+-@＝") or not part for part in BORDERS.split(safe_cell(text)))


def test_a_name_without_a_formula_stays_as_it_is() -> None:
    for name in ("Anna-Lena Berg", "A; B", "O'Brien", "a=b", "Ärmel, Jo"):
        assert safe_cell(name) == name


def test_everybodys_timesheets_in_one_csv_name_the_person_in_each_row() -> None:
    tables = [(one.person, report_tables.timesheet(one, LOCAL)) for one in SHEET]
    rows = rows_of(exports.sheets_csv(tables, BERLIN))

    assert len(rows) == 1 + 14
    assert {row[0] for row in rows[1:]} == {"Anna Łukasz", "'" + MONEY}


def cells_of(book: bytes, sheet: int) -> dict[str, Any]:
    """A sheet's cells by address, read by hand: (type, value, is a formula)."""
    archive = zipfile.ZipFile(io.BytesIO(book))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    found = {}
    for cell in ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{sheet}.xml")).iter(f"{space}c"):
        assert cell.find(f"{space}f") is None, "a formula"
        if cell.get("t") == "inlineStr":
            found[cell.get("r")] = "".join(text.text or "" for text in cell.iter(f"{space}t"))
        elif (value := cell.findtext(f"{space}v")) is not None:
            found[cell.get("r")] = float(value)
    return found


def test_a_workbook_has_typed_cells_a_sheet_a_person_and_no_formula() -> None:
    tables = [("Summary", report_tables.summary(SHEET, "All"))]
    tables += [(one.person.name, report_tables.timesheet(one, LOCAL)) for one in SHEET]
    book = exports.to_xlsx(tables, BERLIN, "Site")

    sheet = cells_of(book, 2)
    assert sheet["A4"] == (MONDAY - date(1899, 12, 30)).days
    assert sheet["B4"] == "Mon"
    assert (sheet["H3"], sheet["J3"]) == ("Breaks (min)", "Worked (min)")
    assert (sheet["I4"], sheet["J4"]) == (9.0, 540)
    assert cells_of(book, 1)["A5"] == MONEY
    assert b"Anna" in zipfile.ZipFile(io.BytesIO(book)).read("xl/workbook.xml")


def test_a_duration_has_one_unit_in_its_column_below_zero_too() -> None:
    """As decimal hours and minutes; a sum of the column is the total below it."""
    table = report_tables.timesheet(SHEET[0], LOCAL)
    cells = cells_of(exports.to_xlsx([("One", table)], BERLIN, "Site"), 1)
    heads = {title: address.rstrip("3") for address, title in cells.items() if address.endswith("3")}
    last = 3 + len(table.rows)

    for title in ("Worked", "Expected", "Balance", "Overtime", "Breaks"):
        for unit, size in (("h", 3600), ("min", 60)):
            column = heads[f"{title} ({unit})"]
            key = table.columns.index(next(one for one in table.columns if one.title == title))
            figures = [cells.get(f"{column}{line}", 0.0) for line in range(4, last + 1)]
            assert figures == pytest.approx([(row[key] or 0) / size for row in table.rows])
            assert cells[f"{column}{last + 1}"] == pytest.approx(sum(figures))
    assert min(cells[f"{heads['Balance (min)']}{line}"] for line in range(4, last + 1)) < 0


NAMES_OF_SHEETS = st.lists(
    st.one_of(st.text(max_size=40), st.text("a'[]:*?/\\ 😀ß\n", min_size=25, max_size=40)), max_size=8
)


@given(NAMES_OF_SHEETS)
@example(["x" * 30 + "'y", "😀" * 16, "x" * 30 + "''", "History", "'", ""])
def test_any_name_makes_a_sheet(names: list[str]) -> None:
    table = report_tables.Table("any", "", (), ())
    book = exports.to_xlsx([(name, table) for name in names], BERLIN, "Site")
    sheets = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(book)).read("xl/workbook.xml"))
    found = [one.get("name") or "" for one in sheets.iter() if one.tag.endswith("}sheet")]

    assert len(found) == len({name.lower() for name in found}) == max(1, len(names))
    for name in found:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\") and name == name.strip("'")


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
