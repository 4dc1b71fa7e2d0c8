"""Reports as tables: cells, totals, marks and overtime."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.domain.hours.day import Punch
from attendance.domain.hours.shift import Plan
from attendance.domain.hours.timesheet import days_of
from attendance.domain.passage import Direction
from attendance.service.hours.days import PersonDays
from attendance.service.hours.reports import report_tables
from attendance.service.hours.reports.report_tables import Form
from tests.service.hours.reports.reported import (
    BERLIN,
    LAST,
    LOCAL,
    MONDAY,
    NAMES,
    NOW,
    OFFICE,
    SHEET,
    TABLES,
    at,
    person,
)


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_every_row_has_a_cell_for_each_column(table: report_tables.Table) -> None:
    assert {len(row) for row in [*table.rows, *([table.foot] if table.foot else [])]} <= {len(table.columns)}
    assert not table.people or len(table.people) == len(table.rows)


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_totals_are_the_sums_of_what_is_above_them(table: report_tables.Table) -> None:
    for number, column in enumerate(table.columns):
        if table.foot and column.form in (Form.SPAN, Form.COUNT):
            assert table.foot[number] == sum(row[number] or 0 for row in table.rows), column.key


def test_the_register_marks_each_day() -> None:
    table = report_tables.register(SHEET, MONDAY, LAST, LOCAL)

    assert table.rows[0][2:9] == ("P", "P", "A", "P.", "A", "·", "·")
    assert table.rows[1][4] == "L"


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

    notes = report_tables.rest_notes(PersonDays(SHEET[0].person, tuple(days)), LOCAL)

    assert "7 May: only 10:00 h of rest since the day before" in notes
    assert "week from 6 May: no 24 hours of rest" in notes


def test_every_column_of_a_running_month_covers_the_same_finished_days() -> None:
    """Expected used to count the days to come, and the balance did not."""
    days = [MONDAY + timedelta(days=number) for number in range(5)]
    punches = [
        Punch(f"{number}{hour}", at(number, hour), direction)
        for number in range(3)
        for hour, direction in ((9, Direction.IN), (17, Direction.OUT))
    ][:-1]  # Wednesday: still here
    now = at(2, 11)
    made = days_of(punches, {day: Plan(day, OFFICE) for day in days}, BERLIN, now)

    table = report_tables.timesheet(PersonDays(person().person, tuple(made)), LOCAL)

    foot = dict(zip((column.key for column in table.columns), table.foot, strict=True))
    assert (foot["worked"], foot["expected"], foot["balance"]) == (16 * 3600, 16 * 3600, 0)
    expected = [column.key for column in table.columns].index("expected")
    assert [row[expected] for row in table.rows] == [8 * 3600, 8 * 3600, None, None, None]
    (summed,) = report_tables.summary([PersonDays(person().person, tuple(made))], "All").rows
    assert summed[4:7] == (16 * 3600, 16 * 3600, 0)
