"""/attendance/premium-hours: which hours are night, Sunday and holiday hours, and where they appear."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest

from attendance.domain.hours.shift import DAY, PremiumRules, Span
from attendance.domain.passage import Direction
from attendance.service.hours import periods, planning
from attendance.store.audit import entries
from attendance.store.hours import periods as period_rows
from attendance.store.hours import rosters
from tests.site_fixtures import Browser, Web
from tests.web.hours.conftest import at

PAGE = "/attendance/premium-hours"
FORM = {
    "first": "2024-05-01", "night_from": "20:00", "night_to": "06:00", "sunday_from": "00:00", "sunday_to": "04:00",
    "sunday_next": "yes", "holiday_from": "00:00", "holiday_to": "00:00", "both": "yes",
}  # fmt: skip
SATURDAY, SUNDAY = date(2024, 4, 27), date(2024, 4, 28)
SPAN = "from=2024-04-27&to=2024-04-28"


@pytest.fixture
def bo(web: Web) -> int:
    """In on Saturday at 22:00, out on Sunday at 06:00, which is a holiday here."""
    person_id = web.add("Bo Night", department="Lab", staff_number="8")
    web.passage(at(22, 0, SATURDAY), person_id, direction=Direction.IN)
    web.passage(at(6, 0, SUNDAY), person_id, direction=Direction.OUT)
    with web.sessions.begin() as session:
        planning.add_holiday(session, SUNDAY, "Fair", now=web.clock.now())
    return person_id


def test_rules_are_saved_from_a_day_on_and_removed(web: Web, admin: Browser) -> None:
    assert "The rules that the program came with" in admin.text(PAGE)

    assert admin.submit(PAGE, FORM).status_code == 302

    with web.sessions() as session:
        rules = PremiumRules(Span(1200, 1800), Span(0, DAY + 240), Span(0, DAY), both=True)
        assert rosters.list_premium_rules(session) == [(date(2024, 5, 1), rules)]
        assert entries.list_entries(session)[0].action == "change_premium_rules"
    page = admin.text(PAGE)
    assert "night 20:00–06:00 (+1), Sunday 00:00–04:00 (+1), holiday 00:00–24:00" in page
    assert 'value="20:00"' in page
    admin.submit(PAGE, {"what": "remove", "first": "2024-05-01"})
    assert "The rules that the program came with" in admin.text(PAGE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"night_to": "soon"}, "soon is not a valid time of day"),
        ({"night_from": ""}, "an empty field is not a valid time of day"),
        ({"first": "May"}, "A date was not understood"),
    ],
)
def test_rules_that_cannot_be_are_said_and_the_form_keeps_what_was_written(
    web: Web, admin: Browser, changes: dict[str, str], words: str
) -> None:
    answer = admin.submit(PAGE, FORM | changes)

    assert answer.status_code == 400
    assert words.lower() in answer.get_data(as_text=True).lower()
    assert 'value="04:00"' in answer.get_data(as_text=True)
    with web.sessions() as session:
        assert rosters.list_premium_rules(session) == []


def test_a_closed_period_keeps_its_rules(web: Web, bo: int, admin: Browser) -> None:
    with web.sessions.begin() as session:
        zone, now = web.app.extensions["attendance"].zone, web.clock.now()
        periods.close(session, date(2024, 4, 1), date(2024, 4, 30), grace=timedelta(0), now=now, zone=zone, by="ada")

    answer = admin.submit(PAGE, FORM | {"first": "2024-04-15"})

    assert "is closed" in answer.get_data(as_text=True)
    assert admin.submit(PAGE, FORM).status_code == 302


def test_the_figures_stand_beside_overtime_on_pages_and_in_every_file(web: Web, bo: int, admin: Browser) -> None:
    day = admin.text(f"/attendance/person/{bo}/{SATURDAY}")
    assert "of it at night" in day and "7:00" in day
    assert "of it on a holiday" in day and "6:00" in day
    for name in ("daily", "register", "timesheet", "overtime"):
        rows = list(
            csv.DictReader(io.StringIO(admin.text(f"/attendance/reports/{name}.csv?{SPAN}").removeprefix("\ufeff")))
        )
        mine = next(row for row in rows if row["person"] == "Bo Night")
        figures = {key: value for key, value in mine.items() if key.startswith(("night", "sunday", "holiday"))}
        assert sorted({key.split("_")[0] for key in figures}) == ["holiday", "night", "sunday"], name
        assert figures["night_hours"] in ("7.00", "7"), name
        assert figures["holiday_hours"] in ("6.00", "6"), name
        page = admin.text(f"/attendance/reports/{name}?{SPAN}")
        assert "Night" in page and "Sunday" in page and "Holiday" in page


def test_the_report_says_which_hours_these_are(web: Web, bo: int, admin: Browser) -> None:
    page = admin.text(f"/attendance/reports/overtime?{SPAN}")

    assert "night 23:00–06:00 (+1), Sunday 00:00–24:00, holiday 00:00–24:00" in page


def test_what_was_written_down_has_the_figures(web: Web, bo: int) -> None:
    with web.sessions.begin() as session:
        periods.roll_up(session, web.app.extensions["attendance"].zone, web.clock.now(), days=14)
        total = next(one for one in period_rows.totals_between(session, SATURDAY, SATURDAY) if one.person_id == bo)

    assert (total.worked, total.night, total.sunday, total.holiday) == (8 * 3600, 7 * 3600, 0, 6 * 3600)
