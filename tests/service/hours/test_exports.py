"""The reports as tables and files: figures that add up, typed cells, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import icalendar
import pytest

from attendance.domain.hours.day import Policy, Punch
from attendance.domain.hours.shift import Leave, Plan, Shift, Span, Tier
from attendance.domain.hours.timesheet import days_of, with_weekly_overtime
from attendance.domain.passage import Direction
from attendance.service.hours import exports, pdf, report_lists, report_tables
from attendance.service.hours.days import PersonDay, PersonDays, Today
from attendance.service.hours.report_tables import Form
from attendance.store.hours.rosters import StaffMember

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2024, 5, 6)
NOW = datetime(2024, 5, 20, tzinfo=UTC)
OFFICE = Shift("Office", (Span(540, 1020),), tiers=(Tier(480, 1.25),), weekly=(Tier(960, 1.5),))
MONEY = "=HYPERLINK(1)"


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 5, 6 + day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def person(name: str = "Anna Łukasz", number: int = 1, leave: bool = False) -> PersonDays:
    """Monday on time with an hour extra, Tuesday late, Wednesday absent or on leave, Thursday without a check-out."""
    plans = {
        (day := MONDAY + timedelta(days=n)): Plan(
            day, OFFICE if n < 5 else None, leave=Leave("vacation") if leave and n == 2 else None
        )
        for n in range(-1, 8)
    }
    times = [(at(0, 9), "in"), (at(0, 18), "out"), (at(1, 9, 30), "in"), (at(1, 17), "out"), (at(3, 9), "in")]
    punches = [Punch(str(n), when, Direction(way), "gate") for n, (when, way) in enumerate(times)]
    found = [one for one in days_of(punches, plans, BERLIN, NOW, Policy()) if MONDAY <= one.day <= date(2024, 5, 12)]
    return PersonDays(StaffMember(number, name, f"{number}", "Lab"), with_weekly_overtime(found))


SHEET = [person(), person(MONEY, 2, leave=True)]
LAST = MONDAY + timedelta(days=6)
TABLES = [
    report_tables.daily([PersonDays(one.person, one.days[:1]) for one in SHEET], MONDAY),
    report_tables.register(SHEET, MONDAY, LAST),
    report_tables.timesheet(SHEET[0], BERLIN),
    report_tables.summary(SHEET, "Timesheets"),
    report_lists.lateness(SHEET),
    report_lists.absence(SHEET),
    report_lists.overtime_report(SHEET),
    report_lists.presence(Today(tuple(PersonDay(one.person, one.days[0]) for one in SHEET)), NOW, BERLIN),
]
NAMES = [one.name for one in TABLES]


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_every_row_has_a_cell_for_each_column(table: report_tables.Table) -> None:
    assert {len(row) for row in [*table.rows, *([table.foot] if table.foot else [])]} <= {len(table.columns)}
    assert not table.people or len(table.people) == len(table.rows)


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_totals_are_the_sums_of_what_is_above_them(table: report_tables.Table) -> None:
    for number, column in enumerate(table.columns):
        if table.foot and column.form in (Form.SPAN, Form.COUNT):
            assert table.foot[number] == sum(row[number] for row in table.rows), column.key


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_no_cell_of_a_csv_begins_a_formula(table: report_tables.Table) -> None:
    for row in rows_of(exports.to_csv(table, BERLIN)):
        for cell in row:
            assert cell[:1] not in ("=", "+", "@", "\t", "\r")
            assert not cell.startswith("-") or cell[1:].replace(".", "").isdigit()


def test_the_register_marks_each_day() -> None:
    table = report_tables.register(SHEET, MONDAY, LAST)

    assert table.rows[0][2:9] == ("P", "P", "A", "P.", "A", "·", "·")
    assert table.rows[1][4] == "L"


def test_a_csv_carries_local_times_and_decimal_hours() -> None:
    header, first, *_ = rows_of(exports.to_csv(report_tables.timesheet(SHEET[0], BERLIN), BERLIN))
    row = dict(zip(header, first, strict=True))

    assert row["in"] == "2024-05-06T09:00:00+02:00"
    assert row["worked_hours"] == "9.00"
    assert row["overtime_hours"] == "1.00"


def test_everybodys_timesheets_in_one_csv_name_the_person_in_each_row() -> None:
    tables = [(one.person, report_tables.timesheet(one, BERLIN)) for one in SHEET]
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
    tables += [(one.person.name, report_tables.timesheet(one, BERLIN)) for one in SHEET]
    book = exports.to_xlsx(tables, BERLIN, "Site")

    sheet = cells_of(book, 2)
    assert sheet["A4"] == (MONDAY - date(1899, 12, 30)).days
    assert sheet["H4"] == pytest.approx(9 / 24)
    assert cells_of(book, 1)["A5"] == MONEY
    assert b"Anna" in zipfile.ZipFile(io.BytesIO(book)).read("xl/workbook.xml")


def test_people_of_one_name_get_sheets_of_their_own() -> None:
    table = report_tables.timesheet(SHEET[0], BERLIN)
    book = exports.to_xlsx([("A/B: " + "x" * 40, table), ("a b  " + "x" * 40, table)], BERLIN, "Site")

    assert zipfile.ZipFile(io.BytesIO(book)).read("xl/workbook.xml").count(b"<sheet ") == 2


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_every_report_is_a_pdf(table: report_tables.Table) -> None:
    assert pdf.register_pdf(table, BERLIN, "Site", NOW).startswith(b"%PDF")


def test_a_pdf_is_made_without_the_systems_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "FONTS", ())

    assert pdf.to_pdf([TABLES[1]], BERLIN, "Site", NOW).startswith(b"%PDF")


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


def test_a_second_is_paid_at_one_rate_by_day_and_week() -> None:
    table = report_lists.overtime_report([SHEET[0]])
    row = dict(zip([one.key for one in table.columns], table.rows[0], strict=True))

    assert row["worked"] == row["plain"] + row["rate_1.25"] + row["rate_1.5"]
    assert row["rate_1.25"] == 3600


def test_every_report_tells_the_same_overtime() -> None:
    told = {
        table.name: dict(zip([one.key for one in table.columns], table.foot, strict=True))["overtime"]
        for table in TABLES
        if table.name in ("register", "timesheet", "overtime")
    }

    assert told["register"] == told["timesheet"] == told["overtime"] > 2 * 3600


def test_weeks_without_a_free_day_and_short_nights_are_noted() -> None:
    plans = {(day := MONDAY + timedelta(days=n)): Plan(day, OFFICE) for n in range(-1, 8)}
    punches = [
        Punch(f"{n}{way}", at(n, hour), Direction(way)) for n in range(7) for hour, way in ((6, "in"), (20, "out"))
    ]
    days = [one for one in days_of(punches, plans, BERLIN, NOW) if MONDAY <= one.day <= LAST]

    notes = report_tables.rest_notes(PersonDays(SHEET[0].person, tuple(days)), BERLIN)

    assert "7 May: only 10:00 h of rest since the day before" in notes
    assert "week from 6 May: no 24 hours of rest" in notes
