"""Reports as pages and files."""

from __future__ import annotations

import io
import re
import zipfile
from time import monotonic, sleep

import pytest

from attendance.store.people import people
from attendance.web.hours import report_files
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
    assert "Nobody is in the building as far as the cameras know" in admin.text("/muster")
    assert "Widen the dates" in admin.text("/attendance/reports/lateness")


def test_above_so_many_people_a_workbook_has_one_sheet_with_everybodys_days(
    anna: int, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/attendance/reports/timesheet.xlsx?first={DAY}&last={DAY}"
    with zipfile.ZipFile(io.BytesIO(viewer.get(path).data)) as book:
        one_each = book.read("xl/workbook.xml").decode()
    monkeypatch.setattr(report_files, "MOST_SHEETS_XLSX", 0)
    with zipfile.ZipFile(io.BytesIO(viewer.get(path).data)) as book:
        together, days = book.read("xl/workbook.xml").decode(), book.read("xl/worksheets/sheet2.xml").decode()

    assert 'name="Summary"' in one_each and 'name="Days"' not in one_each
    assert re.findall(r'<sheet name="(\w+)"', together) == ["Summary", "Days"]
    assert days.count("<row ") >= 3  # title, head, a day


def _made(browser: Browser, path: str) -> tuple[str, str]:
    """Ask for a file; return the page that shows how far it is, and its text once the file is ready."""
    begun = browser.get(path)
    assert begun.status_code == 302
    page = begun.headers["Location"]
    end = monotonic() + 30
    while "The file is ready" not in (text := browser.text(page)) and monotonic() < end:
        sleep(0.02)
    return page, text


@pytest.mark.parametrize(("kind", "begins"), [("xlsx", b"PK"), ("pdf", b"%PDF")])
def test_a_long_file_is_made_in_the_background_and_is_its_makers_alone(
    anna: int, viewer: Browser, admin: Browser, monkeypatch: pytest.MonkeyPatch, kind: str, begins: bytes
) -> None:
    monkeypatch.setattr(report_files, "LONG", {"xlsx": 1, "pdf": 1})

    page, text = _made(viewer, f"/attendance/reports/register.{kind}?from=2024-05-01&to=2024-05-31")
    made = viewer.get(f"{page}/file")

    assert f"register 2024-05-01 to 2024-05-31.{kind}" in text
    assert made.status_code == 200 and made.data.startswith(begins)
    assert f".{kind}" in made.headers["Content-Disposition"]
    assert int(made.headers["Content-Length"]) == len(made.data)
    assert viewer.get(f"{page}/standing").status_code == 200
    for address in (page, f"{page}/file"):
        assert admin.get(address).status_code == 302, "another operator's file"
    viewer.submit(f"{page}/stop", {})
    assert viewer.get(f"{page}/file").headers["Location"] == "/attendance/reports"


def test_short_files_and_csv_are_sent_at_once(anna: int, viewer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert viewer.get("/attendance/reports/register.pdf?from=2024-05-01&to=2024-05-31").status_code == 200
    monkeypatch.setattr(report_files, "LONG_OF_DAYS", 60)
    assert viewer.get("/attendance/reports/timesheet.xlsx?from=2024-05-01&to=2024-05-31").status_code == 200
    assert viewer.get("/attendance/reports/timesheet.xlsx?from=2024-03-01&to=2024-05-31").status_code == 302
    assert viewer.get("/attendance/reports/register.xlsx?from=2024-03-01&to=2024-05-31").status_code == 200
    report_files_csv = viewer.get("/attendance/reports/timesheet.csv?from=2023-05-01&to=2024-05-01")
    assert report_files_csv.status_code == 200
