"""The pages of working time: /attendance and what is below it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction
from attendance.service.hours import planning
from attendance.store.hours import corrections
from tests.factories import NOON
from tests.fakes import FakeClock
from tests.site_fixtures import Browser, Web
from tests.web.hours.conftest import DAY, FRIDAY, OFFICE, REPORTS, at

PAGES = (
    "/attendance", "/attendance?show=absent", "/attendance/calendar", "/attendance/corrections", "/attendance/periods",
    "/attendance/leave", "/attendance/rosters", "/attendance/reports",
    *(f"/attendance/reports/{name}" for name in REPORTS if name != "presence"), "/muster",
)  # fmt: skip


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


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"reason": ""}, "needs a reason"), ({"at": "25:00"}, "A time was not understood"), ({"at": ""}, "time")],
)
def test_a_wrong_correction_is_said_and_nothing_is_changed(
    web: Web, anna: int, admin: Browser, changes: dict[str, str], words: str
) -> None:
    form = {"action": "add", "at": "17:00", "direction": "out", "reason": "Forgot."} | changes
    answer = admin.submit(f"/attendance/person/{anna}/{FRIDAY}/correct", form, follow_redirects=True)

    assert words in answer.get_data(as_text=True)
    with web.sessions() as session:
        assert corrections.corrections(session) == []


def rostered(web: Web, name: str, shift: Shift, *punches: datetime) -> int:
    person = web.add(name, department="Guard")
    with web.sessions.begin() as session:
        row = planning.save_shift(session, shift, now=NOON)
        planning.assign(session, [person], date(2024, 4, 1), None, [row.id], now=NOON, by="ada")
    for instant in punches:
        web.passage(instant, person, direction=Direction.UNKNOWN)
    return person


def test_a_day_names_the_part_of_a_split_shift_that_was_missed(web: Web, admin: Browser) -> None:
    split = Shift("Split", (Span(480, 720), Span(960, 1200)))
    person = rostered(web, "Sina Teil", split, at(15, 58, FRIDAY), at(20, 0, FRIDAY))

    page = admin.text(f"/attendance/person/{person}/{FRIDAY}")

    assert "4:02 of 8:00" in page
    assert "<dd>missed</dd>" in page
    lateness = admin.text(f"/attendance/reports/lateness.csv?from={FRIDAY}&to={FRIDAY}")
    assert lateness.splitlines()[1].startswith("Sina Teil,")


def test_nobody_is_absent_who_was_seen_on_the_way_out(web: Web, admin: Browser) -> None:
    person = rostered(web, "Olga Raus", OFFICE)
    web.passage(at(17, 0, FRIDAY), person, direction=Direction.OUT)

    assert "Was here, hours not known" in admin.text(f"/attendance/person/{person}/{FRIDAY}")
    absent = admin.text(f"/attendance/reports/absence.csv?from={FRIDAY}&to={FRIDAY}")
    assert "Olga Raus" not in absent


def test_the_evacuation_list_names_the_guard_of_this_night_wherever_the_nights_began(
    web: Web, clock: FakeClock
) -> None:
    guard, home = web.add("Gerda Nacht"), web.add("Hanna Heim")
    for number in range(1, 9):
        night = date(2024, 5, number)
        for person in (guard, home)[: 2 if number < 8 else 1]:
            web.passage(at(21, 55, night), person, direction=Direction.UNKNOWN)
            web.passage(at(6, 5, night + timedelta(days=1)), person, direction=Direction.UNKNOWN)
    clock.time = at(2, 0, date(2024, 5, 9))
    admin = web.browser("ada")

    page = admin.text("/muster")

    assert ">Gerda Nacht<" in page
    assert ">Hanna Heim<" not in page
    by_span = {
        admin.text(f"/attendance/reports/daily.csv?from={day}&to={day}").count("8.17") for day in ("2024-05-05",)
    }
    assert by_span == {2}
