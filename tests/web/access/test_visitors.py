"""/doors/visitors: inviting, who is inside, ending with a reason, past visits, who may."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from attendance.service.access.policy import editing, visits
from attendance.service.privacy.own_data import everything_about
from attendance.store.access import policies
from attendance.store.audit import entries
from attendance.store.people import people
from attendance.store.tables.operators import Operator
from tests.site_fixtures import Browser, Web
from tests.web.access.conftest import rules

PAGE = "/doors/visitors"


def form(web: Web, host: int, hours: float = 3, **changes: str) -> dict[str, str]:
    until = web.site.local(web.clock.now() + timedelta(hours=hours))
    return {
        "name": "Gus Guest", "company": "Acme Ltd", "host": str(host), "level": str(next(iter(rules(web).levels))),
        "from_day": "", "from_time": "", "until_day": f"{until.date()}", "until_time": f"{until:%H:%M}",
    } | changes  # fmt: skip


def told(browser: Browser, path: str, data: dict[str, str]) -> str:
    return browser.submit(path, data, follow_redirects=True).get_data(as_text=True)


def test_somebody_is_invited_seen_inside_and_ended_with_a_reason(web: Web, front: int, admin: Browser) -> None:
    host = web.add("Anna Berg")
    assert "No visitor is expected today." in admin.text(PAGE)
    assert "Invited." in told(admin, PAGE, form(web, host))
    page = admin.text(PAGE)
    for words in ("Gus Guest", "Acme Ltd", "visits Anna Berg", "may pass now", "End now"):
        assert words in page, words
    assert "inside now" not in page
    with web.sessions() as session:
        [guest] = visits.guests(session)
        [visit] = visits.current(session, web.clock.now(), web.clock.now() - timedelta(hours=1))
    assert guest.visitor

    person = admin.text(f"/people/{guest.id}")
    assert "Access: a camera" in person and "Working time: coming" not in person
    web.passage(web.clock.now(), guest.id, camera="entrance", for_hours=False)
    page = admin.text(PAGE)
    assert "1 inside now" in page and "entrance" in page
    assert "Visitor" in admin.text("/muster") and "Gus Guest" in admin.text("/muster")
    assert "Gus Guest" not in admin.text("/attendance?show=all")
    assert "Gus Guest" not in admin.text("/attendance/rosters")

    end = f"{PAGE}/{visit.id}/end"
    assert "Enter a reason" in told(admin, end, {"reason": ""})
    assert "no door opens" in told(admin, end, {"reason": "sent home"})
    assert "over already" in told(admin, end, {"reason": "again"})
    page = admin.text(PAGE)
    assert "by ada: sent home" in page and "still inside, the visit is over" in page
    with web.sessions() as session:
        rights = policies.for_person(session, policies.load_rules(session, web.site.zone), guest.id)
        acts = [(one.action, one.detail.get("reason")) for one in entries.list_entries(session, limit=10)]
        stored = everything_about(session, guest.id, web.clock.now())
        hosted = everything_about(session, host, web.clock.now())
    assert rights.grants[0].valid_to == web.clock.now()
    assert ("end_visit", "sent home") in acts and ("invite_visitor", None) in acts
    assert stored["person"]["visitor"] and stored["visits"]["as_a_visitor"][0]["company"] == "Acme Ltd"
    assert len(hosted["visits"]["as_a_host"]) == 1 and "Gus" not in str(hosted)

    web.clock.advance(86400)
    page = web.browser("ada").text(PAGE)  # the sign-in of yesterday is over
    assert page.index("Past visits") < page.index("sent home")


def test_what_is_wrong_is_said_and_nothing_is_made(web: Web, front: int, admin: Browser) -> None:
    host = web.add("Anna Berg")
    for changes, words in (
        ({"name": ""}, "Enter the visitor"),
        ({"host": ""}, "Choose whose visitor this is"),
        ({"level": "x"}, "Choose an access level"),
        ({"until_time": "25:99"}, "A time was not understood"),
        ({"until_day": "2001-01-01"}, "ends before it begins"),
    ):
        assert words in told(admin, PAGE, form(web, host) | changes), changes
    with web.sessions() as session:
        assert visits.guests(session) == [] and people.count_people(session) == 1


def test_who_comes_again_is_the_same_person(web: Web, front: int, admin: Browser) -> None:
    host = web.add("Anna Berg")
    admin.submit(PAGE, form(web, host))
    with web.sessions() as session:
        [guest] = visits.guests(session)
    again = form(web, host, hours=27, name="", guest=str(guest.id), from_day="2024-05-07", from_time="10:00")
    assert "Invited." in told(admin, PAGE, again)
    assert "not both" in told(admin, PAGE, again | {"name": "Other"})
    with web.sessions() as session:
        found = visits.current(session, web.clock.now(), web.clock.now() - timedelta(hours=1))
    assert [one.person_id for one in found] == [guest.id] * 2
    assert "Later" in admin.text(PAGE)


def test_a_viewer_reads_the_page_and_invites_and_ends_nothing(web: Web, front: int, viewer: Browser) -> None:
    host = web.add("Anna Berg")
    assert "Invite somebody" not in viewer.text(PAGE)
    assert viewer.submit(PAGE, form(web, host)).status_code == 403
    assert viewer.submit(f"{PAGE}/1/end", {"reason": "x"}).status_code == 403


def test_an_enroller_gives_only_levels_that_are_marked_for_visitors(
    web: Web, front: int, admin: Browser, viewer: Browser
) -> None:
    host, [everybody] = web.add("Anna Berg"), rules(web).levels
    with web.sessions.begin() as session:
        session.execute(update(Operator).where(Operator.username == "vera").values(role="enroller"))
        vault = editing.save_level(session, None, "Vault", web.clock.now())
    enroller = viewer
    assert "No access level is for visitors yet" in enroller.text(PAGE)
    assert "not for visitors" in told(enroller, PAGE, form(web, host))
    assert "may give them this level" in told(admin, f"/doors/levels/{everybody}", {"what": "visitors", "on": "y"})
    page = enroller.text(PAGE)
    assert f'<option value="{everybody}">' in page
    assert f'<option value="{vault}">' not in page
    assert "Invited." in told(enroller, PAGE, form(web, host))
    assert "not for visitors" in told(enroller, PAGE, form(web, host, level=str(vault)))
    assert "Invited." in told(admin, PAGE, form(web, host, level=str(vault), name="Inspector"))

    assert ">visitors</span>" in admin.text("/doors/levels")
    assert "Visits that have it go on" in told(admin, f"/doors/levels/{everybody}", {"what": "visitors", "on": ""})
    assert "not for visitors" in told(enroller, PAGE, form(web, host))
    assert "visitors do not get it" in admin.text("/audit")


def test_a_deleted_level_leaves_no_mark_for_the_next_one(web: Web, admin: Browser) -> None:
    with web.sessions.begin() as session:
        number = editing.save_level(session, None, "Lobby", web.clock.now())
        editing.open_to_visitors(session, number, True, web.clock.now())
        editing.delete_level(session, number, web.clock.now())
        assert editing.visitor_levels(session) == frozenset()
