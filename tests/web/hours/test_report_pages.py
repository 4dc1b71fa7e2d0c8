"""Reports as pages and files."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from attendance.store.people import people
from attendance.web.hours import report_pages
from tests.factories import NOON
from tests.site_fixtures import Browser, Web
from tests.web.hours.conftest import DAY, REPORTS


@pytest.mark.parametrize(("kind", "begins"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF")])
def test_every_report_is_every_kind_of_file(anna: int, viewer: Browser, kind: str, begins: bytes) -> None:
    for name in REPORTS:
        answer = viewer.get(f"/attendance/reports/{name}.{kind}")

        assert answer.status_code == 200
        assert answer.data.startswith(begins), name
        assert f"{name} " in answer.headers["Content-Disposition"]


def test_where_the_timesheets_pdf_is_a_summary_the_page_says_how_to_get_all(web: Web, admin: Browser) -> None:
    said = "choose a department for full sheets"
    with web.sessions.begin() as session:
        for number in range(51):
            people.create_person(session, name=f"P {number}", department="Lab" if number else "Yard", at=NOON)

    assert said in admin.text("/attendance/reports/timesheet")
    assert said not in admin.text("/attendance/reports/timesheet?department=Lab")
    assert admin.get("/attendance/reports/timesheet.pdf").data.count(b"/Type /Page\n") < 5
    assert admin.get("/attendance/reports/timesheet.pdf?department=Lab").data.count(b"/Type /Page\n") >= 50


def test_calendars_are_there_where_they_fit(anna: int, admin: Browser) -> None:
    assert admin.get(f"/attendance/reports/timesheet.ics?person={anna}").data.startswith(b"BEGIN:VCALENDAR")
    assert admin.get("/attendance/reports/absence.ics").status_code == 200
    assert admin.get("/attendance/reports/overtime.ics").status_code == 404
    assert admin.get("/attendance/reports/timesheet.ics").status_code == 404


def test_other_programs_get_their_check_ins(anna: int, admin: Browser) -> None:
    frappe = admin.text("/attendance/reports/check-ins-frappe.csv?from=2024-05-01&to=2024-05-06")

    assert "7,IN,2024-05-06 08:58:00,door,0" in frappe
    assert admin.get("/attendance/reports/check-ins-other.csv").status_code == 404
    assert admin.get("/attendance/reports/nothing").status_code == 404


def test_the_files_keep_the_filter(web: Web, anna: int, admin: Browser) -> None:
    web.add("Carl Olsen", department="Kitchen")

    page = admin.text("/attendance/reports/daily?from=2024-05-06&department=Lab")

    assert "/attendance/reports/daily.csv?from=2024-05-06&amp;to=2024-05-06&amp;department=Lab" in page
    assert "Carl" not in admin.text("/attendance/reports/daily.csv?from=2024-05-06&department=Lab")


def test_an_empty_evacuation_list_says_what_it_knows(web: Web, admin: Browser) -> None:
    assert "Nobody is in the building as far as the cameras know" in admin.text("/attendance/reports/presence")
    assert "Widen the dates" not in admin.text("/attendance/reports/presence")
    assert "Widen the dates" in admin.text("/attendance/reports/lateness")


def test_above_so_many_people_a_workbook_has_one_sheet_with_everybodys_days(
    anna: int, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/attendance/reports/timesheet.xlsx?first={DAY}&last={DAY}"
    with zipfile.ZipFile(io.BytesIO(viewer.get(path).data)) as book:
        one_each = book.read("xl/workbook.xml").decode()
    monkeypatch.setattr(report_pages, "MOST_SHEETS_XLSX", 0)
    with zipfile.ZipFile(io.BytesIO(viewer.get(path).data)) as book:
        together, days = book.read("xl/workbook.xml").decode(), book.read("xl/worksheets/sheet2.xml").decode()

    assert 'name="Summary"' in one_each and 'name="Days"' not in one_each
    assert re.findall(r'<sheet name="(\w+)"', together) == ["Summary", "Days"]
    assert days.count("<row ") >= 3  # title, head, a day
