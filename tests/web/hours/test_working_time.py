"""The pages of working time: /attendance and what is below it."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction
from attendance.service.hours import planning
from attendance.store.hours import corrections, periods, rosters
from attendance.store.people import people
from tests.factories import NOON
from tests.site_fixtures import Browser, Web

DAY = NOON.date()  # a Monday; NOON is 14:00 here
FRIDAY = DAY - timedelta(days=3)
OFFICE = Shift("Office", (Span(540, 1020),))
REPORTS = ("daily", "register", "timesheet", "lateness", "absence", "overtime", "presence")
PAGES = (
    "/attendance", "/attendance?show=absent", "/attendance/calendar", "/attendance/corrections", "/attendance/periods",
    "/attendance/leave", "/attendance/rosters", "/attendance/reports",
    *(f"/attendance/reports/{name}" for name in REPORTS),
)  # fmt: skip


@pytest.fixture
def anna(web: Web) -> int:
    """Rostered in the office; in on Friday at 09:40 and never out; in today at 08:58."""
    person_id = web.add("Anna Berg", department="Lab", staff_number="7")
    with web.sessions.begin() as session:
        shift = planning.save_shift(session, OFFICE, now=NOON)
        week = [shift.id] * 5 + [None] * 2
        planning.assign(session, [person_id], date(2024, 4, 1), None, week, now=NOON, by="ada")
    web.passage(at(9, 40, FRIDAY), person_id, direction=Direction.IN)
    web.passage(at(8, 58), person_id, direction=Direction.IN)
    return person_id


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """The site is two hours ahead of UTC in May."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=2)


def requested(web: Web, person_id: int, browser: Browser, **changes: Any) -> str:
    form = {"action": "add", "at": "17:00", "direction": "out", "reason": "Forgot."} | changes
    browser.submit(f"/attendance/person/{person_id}/{FRIDAY}/correct", form)
    with web.sessions() as session:
        return corrections.corrections(session)[0].id


def test_a_viewer_reads_every_page(anna: int, viewer: Browser) -> None:
    assert {path: viewer.get(path).status_code for path in PAGES} == dict.fromkeys(PAGES, 200)


def test_every_page_stands_on_an_empty_database(admin: Browser) -> None:
    assert {path: admin.get(path).status_code for path in PAGES} == dict.fromkeys(PAGES, 200)


def test_a_stranger_reads_none(stranger: Browser) -> None:
    paths = (*PAGES, "/attendance/reports/daily.csv", "/attendance/reports/check-ins-zk.csv")

    assert {path: stranger.get(path).status_code for path in paths} == dict.fromkeys(paths, 302)


def test_a_viewer_changes_nothing(anna: int, viewer: Browser) -> None:
    paths = (
        "/attendance/rosters", "/attendance/rosters/import", "/attendance/leave", "/attendance/holidays",
        "/attendance/periods", "/attendance/corrections/x", f"/attendance/person/1/{DAY}/correct",
        f"/attendance/person/1/{DAY}/shift", "/attendance/shifts/new",
    )  # fmt: skip

    assert {path: viewer.submit(path, {}).status_code for path in paths} == dict.fromkeys(paths, 403)


def test_today_shows_who_is_in(anna: int, admin: Browser) -> None:
    page = admin.text("/attendance")

    assert "Anna Berg" in page
    assert "Here now" in page
    assert "5:02" in page  # hours since 08:58


def test_a_team_is_chosen_in_the_address(web: Web, anna: int, admin: Browser) -> None:
    web.add("Carl Olsen", department="Kitchen")

    page = admin.text("/attendance/calendar?department=Kitchen&from=2024-05-01&to=2024-05-31")

    assert '<a href="/attendance/calendar?from=2024-05-01&amp;to=2024-05-31&amp;department=Kitchen&amp;person=' in page
    assert ">Carl Olsen</a>" in page
    assert ">Anna Berg</a>" not in page


def test_an_address_that_was_not_understood_says_so(admin: Browser) -> None:
    page = admin.text("/attendance/reports/register?from=yesterday&to=2024-05-01&person=x")

    assert "A date was not understood" in page


def test_a_day_tells_what_was_inferred_and_why(anna: int, admin: Browser) -> None:
    page = admin.text(f"/attendance/person/{anna}/{FRIDAY}")

    assert "the door leads in" in page
    assert "no check-out: closed at the end of the shift, 17:00" in page
    assert "0:40 late" in page


@pytest.mark.parametrize("path", ["/attendance/person/1/2024-02-31", "/attendance/person/1/0001-01-01"])
def test_a_day_that_does_not_exist_is_not_found(anna: int, admin: Browser, path: str) -> None:
    assert admin.get(path).status_code == 404


def test_a_person_who_does_not_exist_is_no_fault(admin: Browser) -> None:
    assert admin.get(f"/attendance/person/99/{DAY}").status_code == 409


# --- corrections and periods ---


def test_a_correction_waits_is_approved_and_counts(web: Web, anna: int, admin: Browser) -> None:
    row = requested(web, anna, admin)
    assert "Anna Berg" in admin.text("/attendance/corrections")

    admin.submit(f"/attendance/corrections/{row}", {"what": "approve"})

    page = admin.text(f"/attendance/person/{anna}/{FRIDAY}")
    assert "approved by ada" in page
    assert "closed at the end" not in page
    assert "Nobody waits" in admin.text("/attendance/corrections")


def test_a_correction_may_be_approved_at_once_and_taken_back(web: Web, anna: int, admin: Browser) -> None:
    row = requested(web, anna, admin, approve="yes")
    assert "approved" in admin.text("/attendance/corrections?state=approved")

    admin.submit(f"/attendance/corrections/{row}", {"what": "withdraw"})

    assert "closed at the end of the shift" in admin.text(f"/attendance/person/{anna}/{FRIDAY}")


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"reason": ""}, "needs a reason"), ({"at": "25:00"}, "a time was not understood"), ({"at": ""}, "time")],
)
def test_a_wrong_correction_is_said_and_nothing_is_changed(
    web: Web, anna: int, admin: Browser, changes: dict[str, str], words: str
) -> None:
    form = {"action": "add", "at": "17:00", "direction": "out", "reason": "Forgot."} | changes
    answer = admin.submit(f"/attendance/person/{anna}/{FRIDAY}/correct", form, follow_redirects=True)

    assert words in answer.get_data(as_text=True)
    with web.sessions() as session:
        assert corrections.corrections(session) == []


def test_a_decision_about_nothing_is_said(admin: Browser) -> None:
    answer = admin.submit("/attendance/corrections/none", {"what": "approve"}, follow_redirects=True)

    assert "there is no such correction" in answer.get_data(as_text=True)


def test_a_closed_period_is_shown_refuses_and_reopens(web: Web, anna: int, admin: Browser) -> None:
    form = {"from": "2024-04-01", "to": FRIDAY.isoformat(), "grace": "0"}
    admin.submit("/attendance/periods", form)
    assert "closed period" in admin.text(f"/attendance/person/{anna}/{FRIDAY}")

    refused = admin.submit(
        f"/attendance/person/{anna}/{FRIDAY}/correct",
        {"action": "add", "at": "17:00", "reason": "Forgot."},
        follow_redirects=True,
    )
    assert "is closed" in refused.get_data(as_text=True)

    with web.sessions() as session:
        lock = periods.locks(session)[0].id
    admin.submit(f"/attendance/periods/{lock}/reopen")
    assert "reopened" in admin.text("/attendance/periods")


def test_the_present_day_cannot_be_closed(admin: Browser) -> None:
    form = {"from": "2024-05-01", "to": DAY.isoformat(), "grace": "0"}
    answer = admin.submit("/attendance/periods", form, follow_redirects=True)

    assert "once its last day is over" in answer.get_data(as_text=True)


# --- shifts, rosters, leave ---


def test_a_shift_is_made_and_edited(web: Web, admin: Browser) -> None:
    form = {
        "name": "Night", "start0": "22:00", "end0": "06:00", "grace_in": "10", "grace_out": "5", "window_before": "120",
        "window_after": "240", "break0": "30", "break_after0": "300", "tier0": "480", "tier_rate0": "1.5",
    }  # fmt: skip
    assert admin.submit("/attendance/shifts/new", form).status_code == 302
    with web.sessions() as session:
        row = rosters.shift_named(session, "Night")
        assert row is not None
        assert row.rules["spans"] == [[1320, 1800]]

    assert 'value="22:00"' in admin.text(f"/attendance/shifts/{row.id}")
    admin.submit(f"/attendance/shifts/{row.id}", form | {"grace_in": "0"})
    with web.sessions() as session:
        assert rosters.get_shift(session, row.id).rules["grace"] == [0, 5]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "needs a name"),
        ({"start0": "", "end0": ""}, "at least one time"),
        ({"start1": "12:00", "end1": "20:00"}, "overlap"),
        ({"grace_in": "soon"}, "whole number"),
        ({"tier0": "480", "tier_rate0": "much"}, "1.25"),
        ({"rounding": "nearest", "step": "7"}, "rounded to"),
    ],
)
def test_a_shift_that_cannot_be_is_said_and_the_form_keeps_what_was_written(
    admin: Browser, changes: dict[str, str], words: str
) -> None:
    form = {"name": "Odd", "start0": "09:00", "end0": "17:00", "window_before": "60"} | changes

    answer = admin.submit("/attendance/shifts/new", form)

    assert answer.status_code == 400
    assert words in answer.get_data(as_text=True)
    assert 'value="60"' in answer.get_data(as_text=True)


def test_people_are_rostered_in_a_weekly_pattern(web: Web, anna: int, admin: Browser) -> None:
    with web.sessions() as session:
        shift_id = str(rosters.list_shifts(session)[0].id)
    carl = web.add("Carl Olsen")
    days = [shift_id, "", shift_id, "", "", "", "", *[""] * 14]

    admin.submit("/attendance/rosters", {"person": [str(carl)], "first": DAY.isoformat(), "day": days})

    with web.sessions() as session:
        (roster,) = rosters.rosters_of(session, [carl])
    assert roster.pattern == [int(shift_id), None, int(shift_id), None, None, None, None]


def test_rosters_come_from_a_file_whole_or_not(web: Web, anna: int, admin: Browser) -> None:
    text = b"staff_number,first,last,pattern\n7,2024-06-01,,Office|-\n9,2024-06-01,,Office\n"
    answer = admin.submit("/attendance/rosters/import", {"file": (io.BytesIO(text), "r.csv")}, follow_redirects=True)

    assert "row 3: nobody active has the staff number 9; nothing was imported" in answer.get_data(as_text=True)
    with web.sessions() as session:
        assert len(rosters.rosters_of(session, [anna])) == 1


def test_leave_is_entered_and_withdrawn(web: Web, anna: int, admin: Browser) -> None:
    admin.submit("/attendance/leave", {"person": str(anna), "kind": "vacation", "first": "2024-05-08", "paid": "yes"})
    assert "approved" in admin.text("/attendance/leave")

    with web.sessions() as session:
        row = rosters.leave_between(session, DAY, DAY + timedelta(days=5))[0].id
    admin.submit(f"/attendance/leave/{row}", {"state": "withdrawn"})

    assert "withdrawn" in admin.text("/attendance/leave")


def test_holidays_are_imported_added_and_removed(admin: Browser) -> None:
    admin.submit("/attendance/holidays", {"what": "import", "country": "DE", "region": "BE", "year": "2024"})
    admin.submit("/attendance/holidays", {"what": "add", "day": "2024-06-03", "name": "Summer party"})
    assert "Summer party" in admin.text("/attendance/leave")

    admin.submit("/attendance/holidays", {"what": "remove", "day": "2024-06-03"})

    assert "· Summer party" not in admin.text("/attendance/leave")
    assert "1 May" in admin.text("/attendance/leave")


# --- reports as files ---


@pytest.mark.parametrize(("kind", "begins"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF")])
def test_every_report_is_every_kind_of_file(anna: int, viewer: Browser, kind: str, begins: bytes) -> None:
    for name in REPORTS:
        answer = viewer.get(f"/attendance/reports/{name}.{kind}")

        assert answer.status_code == 200
        assert answer.data.startswith(begins), name
        assert f"{name} " in answer.headers["Content-Disposition"]


def test_where_the_timesheets_pdf_is_a_summary_the_page_says_how_to_get_all(web: Web, admin: Browser) -> None:
    said = "choose a department for a sheet a person"
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
