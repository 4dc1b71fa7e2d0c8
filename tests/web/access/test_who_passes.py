"""/doors/who: everybody's verdict at one moment, in words."""

from __future__ import annotations

from attendance.store.audit import entries
from tests.site_fixtures import Browser, Web
from tests.web.access.conftest import rules

SUNDAY_NIGHT = "/doors/who?point=entrance&day=2026-06-07&time=03:00"


def test_everybody_is_named_with_the_verdict_its_reason_and_its_rule(
    web: Web, front: int, admin: Browser, viewer: Browser
) -> None:
    anna = web.add("Anna")
    web.add("Bo")
    [level], [always] = rules(web).levels, rules(web).schedules
    assert "0 of 2 can pass" in viewer.text(SUNDAY_NIGHT)
    admin.submit(f"/doors/levels/{level}", {"what": "give", "person": str(anna)})

    page = viewer.text(SUNDAY_NIGHT)
    assert "1 of 2 can pass" in page
    assert page.index(">Anna<") < page.index(">Bo<")  # who passes comes first
    assert "given to this person" in page
    assert all(words in page for words in ("no access to this door", "rule 8 right", "face, or PIN, or badge"))

    days = {f"day-{number}": "08:00-17:00" for number in range(5)}
    admin.submit(f"/doors/schedules/{always}", {"name": "by day", **days})
    page = viewer.text(SUNDAY_NIGHT)
    assert "0 of 2 can pass" in page
    assert "outside the hours of access" in page
    assert "next" in page  # Monday at eight


def test_of_many_people_a_page_shows_some_and_a_search_finds_the_others(web: Web, front: int, viewer: Browser) -> None:
    for number in range(40):
        web.add(f"Packer {number:02}", department="Yard" if number % 2 else "Shop")

    page = viewer.text(SUNDAY_NIGHT)
    assert "0 of 40 can pass" in page
    assert ("Packer 24" in page, "Packer 25" in page, "1–25 of 40" in page) == (True, False, True)
    page = viewer.text(f"{SUNDAY_NIGHT}&q=yard+refused&sort=-person")
    assert (page.count('class="who-name"'), "Packer 00" in page) == (20, False)
    assert page.index("Packer 39") < page.index("Packer 01")
    assert "Nothing fits" in viewer.text(f"{SUNDAY_NIGHT}&q=passes")


def test_a_time_that_is_none_is_said(web: Web, front: int, viewer: Browser) -> None:
    answer = viewer.get("/doors/who?day=2026-13-01&time=03:00")
    assert answer.status_code == 400
    assert "a date was not understood" in answer.get_data(as_text=True).lower()
    answer = viewer.get("/doors/who?day=2026-03-29&time=02:30")
    assert "the clock never showed" in answer.get_data(as_text=True)


def test_who_looked_at_who_may_pass_is_in_the_audit(web: Web, front: int, viewer: Browser) -> None:
    [level] = rules(web).levels
    for seen in (SUNDAY_NIGHT, f"/doors/levels/{level}", "/doors/levels", "/doors/schedules"):
        viewer.text(seen)

    with web.sessions() as session:
        pages = [entry.detail["page"] for entry in entries.list_entries(session)]
    assert sorted(pages) == ["levels.show", "who_passes.page"]
