"""/doors/schedules: a week typed and drawn, special days, and what a change would do."""

from __future__ import annotations

from datetime import date, timedelta

from attendance.domain.access.rules.schedule import Window
from attendance.store.hours import calendars
from tests.site_fixtures import Browser, Web
from tests.web.access.conftest import rules

OFFICE = {"name": "Office", **{f"day-{number}": "08:00-12:00, 13-17.30" for number in range(5)}}


def make(web: Web, admin: Browser) -> int:
    answer = admin.submit("/doors/schedules/add", {"name": "Office"})
    number = int(answer.location.rsplit("/", 1)[1])
    admin.submit(f"/doors/schedules/{number}", OFFICE)
    return number


def test_a_week_is_saved_and_drawn(web: Web, admin: Browser, viewer: Browser) -> None:
    number = make(web, admin)

    week = rules(web).schedules[number].week
    assert week[0] == (Window(480, 720), Window(780, 1050))
    assert week[6] == ()
    page = viewer.text(f"/doors/schedules/{number}")
    assert page.count('x="480" y="2" width="240"') == 5
    assert "What would change?" not in page  # a viewer changes nothing
    assert 'value="08:00-12:00, 13:00-17:30"' in page


def test_a_night_goes_on_into_the_next_day(web: Web, admin: Browser) -> None:
    number = make(web, admin)
    admin.submit(f"/doors/schedules/{number}", {"name": "Nights", "day-6": "22:00-06:00"})
    week = rules(web).schedules[number].week
    assert (week[6], week[0]) == ((Window(1320, 1440),), (Window(0, 360),))


def test_what_was_typed_wrong_is_named_and_shown_again(web: Web, admin: Browser) -> None:
    number = make(web, admin)
    answer = admin.submit(f"/doors/schedules/{number}", OFFICE | {"day-2": "8 to 5"})
    assert answer.status_code == 400
    assert "Wed: 8 to 5 is not a valid span" in answer.get_data(as_text=True)
    assert 'value="8 to 5"' in answer.get_data(as_text=True)
    assert rules(web).schedules[number].week[2] == (Window(480, 720), Window(780, 1050))


def test_a_special_day_overrides_and_is_removed(web: Web, admin: Browser) -> None:
    number = make(web, admin)
    path, on = f"/doors/schedules/{number}", date(2026, 12, 24)
    admin.submit(path, {"what": "special", "day": on.isoformat(), "windows": "09:00-12:00"})
    assert rules(web).schedules[number].special_days == {on: (Window(540, 720),)}
    admin.submit(path, {"what": "special", "day": on.isoformat(), "windows": ""})
    assert rules(web).schedules[number].special_days == {on: ()}
    admin.submit(path, {"what": "ordinary", "day": on.isoformat()})
    assert rules(web).schedules[number].special_days == {}


def test_a_schedule_in_use_stays(web: Web, front: int, admin: Browser) -> None:
    [always] = rules(web).schedules
    page = admin.submit(f"/doors/schedules/{always}", {"what": "delete"}, follow_redirects=True)
    assert "used by everybody" in page.get_data(as_text=True)
    number = make(web, admin)
    admin.submit(f"/doors/schedules/{number}", {"what": "delete"})
    assert set(rules(web).schedules) == {always}


def test_what_would_change_asks_the_last_thirty_days_and_saves_nothing(web: Web, front: int, admin: Browser) -> None:
    [always], [level] = rules(web).schedules, rules(web).levels
    anna = web.add("Anna")
    admin.submit(f"/doors/levels/{level}", {"what": "give", "person": str(anna)})
    noon = web.clock.now()
    web.passage(noon - timedelta(days=1), anna, camera="entrance")
    web.passage(noon - timedelta(days=40), anna, camera="entrance")
    before = rules(web)

    page = admin.submit(f"/doors/schedules/{always}", {"what": "try", "name": "always"}).get_data(as_text=True)
    assert "1 requests of the last 30 days were decided again: 1 more would be refused, 0 more would be let in" in page
    assert "outside the hours of access" in page
    assert rules(web) == before

    whole = {f"day-{number}": "0-24" for number in range(7)}
    page = admin.submit(f"/doors/schedules/{always}", {"what": "try", "name": "always", **whole}).get_data(as_text=True)
    assert "0 more would be refused" in page


def test_holidays_are_copied_at_one_click_and_change_no_day_that_is_special_already(web: Web, admin: Browser) -> None:
    number, noon = make(web, admin), web.clock.now()
    eve, day, past = (noon.date() + timedelta(days=days) for days in (30, 31, -1))
    with web.sessions.begin() as session:
        for one in (eve, day, past):
            calendars.put_holiday(session, one, "A holiday", "typed")
    path = f"/doors/schedules/{number}"
    admin.submit(path, {"what": "special", "day": eve.isoformat(), "windows": "09:00-12:00"})
    assert "holidays of the coming year (1)" in admin.text(path)

    admin.submit(path, {"what": "holidays"})

    assert rules(web).schedules[number].special_days == {eve: (Window(540, 720),), day: ()}
