"""/doors/levels: doors and times of a level, and who has it from when to when."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from attendance.service.access.policy import editing
from attendance.store.audit import entries
from tests.site_fixtures import Browser, Web
from tests.web.access.conftest import rules


def test_a_level_gets_a_door_and_is_given_with_its_last_day_included(web: Web, front: int, admin: Browser) -> None:
    anna = web.add("Anna", department="Mill")
    admin.submit("/doors/levels/add", {"name": "Cleaners"})
    [level] = [one.id for one in rules(web).levels.values() if one.name == "Cleaners"]
    [always] = rules(web).schedules
    path = f"/doors/levels/{level}"
    admin.submit(path, {"what": "add entry", "where": str(front), "schedule": str(always)})
    assert [entry.door for entry in rules(web).levels[level].entries] == [front]

    admin.submit(path, {"what": "give", "person": str(anna), "first": "2026-06-01", "last": "2026-06-30"})
    admin.submit(path, {"what": "give", "department": "Mill"})
    of_anna, of_mill = [grant for grant in rules(web).grants if grant.level == level]
    # Midnight in Berlin, the last one after the last day.
    assert of_anna.valid_from == datetime(2026, 5, 31, 22, tzinfo=UTC)
    assert of_anna.valid_to == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert (of_mill.department, of_mill.timeless) == ("Mill", True)
    page = admin.text(path)
    assert re.search("until (Jun 30, 2026|30 Jun 2026)", page)

    admin.submit(path, {"what": "take", "grant": str(of_mill.id)})
    assert [grant.id for grant in rules(web).grants if grant.level == level] == [of_anna.id]
    assert "in use" in admin.submit(path, {"what": "delete"}, follow_redirects=True).get_data(as_text=True)


def test_what_cannot_be_given_is_said(web: Web, front: int, admin: Browser) -> None:
    anna, [level] = web.add("Anna"), rules(web).levels
    before = rules(web).grants
    for given, words in (
        ({}, "a person or a department"),
        ({"person": str(anna), "department": "Mill"}, "not both"),
        ({"department": "Nowhere"}, "from the list"),
        ({"person": "4711"}, "not there any more"),
        ({"person": str(anna), "first": "2026-06-02", "last": "2026-06-01"}, "last day is before"),
    ):
        page = admin.submit(f"/doors/levels/{level}", {"what": "give", **given}, follow_redirects=True)
        assert words in page.get_data(as_text=True).lower(), given
    assert rules(web).grants == before


def test_the_level_of_new_people_is_chosen_here(web: Web, front: int, admin: Browser) -> None:
    [level] = rules(web).levels
    admin.submit(f"/doors/levels/{level}", {"what": "default", "on": "y"})
    assert "new people" in admin.text("/doors/levels")
    admin.submit(f"/doors/levels/{level}", {"what": "default", "on": ""})
    assert "new people" not in admin.text("/doors/levels")


def test_what_would_change_tries_an_act_and_keeps_nothing_of_it(web: Web, front: int, admin: Browser) -> None:
    anna, [level] = web.add("Anna"), rules(web).levels
    path = f"/doors/levels/{level}"
    web.passage(web.clock.now() - timedelta(days=1), anna, camera="entrance")
    with web.sessions() as session:
        [line] = [number for number, *_rest in editing.entries(session, level)]

    def tried(**form: str) -> str:
        with web.sessions() as session:
            before, written = rules(web), entries.count_entries(session)
        page = admin.submit(path, form | {"try": "y"}).get_data(as_text=True)
        with web.sessions() as session:
            assert (rules(web), entries.count_entries(session)) == (before, written)
        return page

    # Whatever the first day is: as if the level had been there all the time.
    gives = tried(what="give", person=str(anna), first=web.clock.now().date().isoformat())
    assert "0 more would be refused, 1 more would be let in" in gives
    admin.submit(path, {"what": "give", "person": str(anna)})
    [grant] = rules(web).grants
    for form in ({"what": "take", "grant": str(grant.id)}, {"what": "remove entry", "entry": str(line)}):
        page = tried(**form)
        assert "1 more would be refused, 0 more would be let in" in page
        assert "no access to this door" in page
    assert "Choose a schedule" in admin.submit(
        path, {"what": "add entry", "where": str(front), "try": "y"}, follow_redirects=True
    ).get_data(as_text=True)
