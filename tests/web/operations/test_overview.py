"""/ and its live part."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import reason_advice
from attendance.service.hours import days
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys
from attendance.store.people import templates
from tests.factories import ANNA, NOON, make_template
from tests.site_fixtures import Browser, Web


def test_who_came_in_today_stands_there_in_the_sites_own_time(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg", department="Lab")
    web.passage(NOON - timedelta(hours=3), anna)
    web.passage(NOON - timedelta(hours=1), anna)
    page = admin.text("/")

    assert "Anna Berg" in page
    assert ">11:00</time>" in page  # 9:00 UTC is 11:00 in Berlin in May
    assert ">13:00</time>" in page
    assert 'datetime="2024-05-06T13:00:00+02:00"' in page


def test_yesterday_is_not_today_by_local_midnight(web: Web, admin: Browser) -> None:
    late = web.add("Late Yesterday")
    early = web.add("Early Today")
    web.passage(NOON.replace(day=5, hour=21, minute=59), late)  # 23:59 in Berlin
    web.passage(NOON.replace(day=5, hour=22, minute=1), early)  # 0:01 of the sixth
    page = admin.text("/overview/now")

    assert "Early Today" in page
    assert "Late Yesterday" not in page


def test_who_went_out_is_not_counted_as_in(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.passage(NOON - timedelta(hours=3), anna)
    web.passage(NOON - timedelta(hours=1), anna, direction=Direction.OUT)
    page = " ".join(admin.text("/").split())

    assert '<div class="figure-value">0<span class="figure-of"> of 1</span></div>' in page
    assert '<span class="tag">left</span>' in page


def test_refusals_are_counted_by_reason_with_advice_and_a_link_to_them(web: Web, admin: Browser) -> None:
    web.passage()
    web.passage(reason=Reason.TOO_DARK, score=None)
    web.passage(reason=Reason.TOO_DARK, score=None)
    page = admin.text("/")

    assert page.index("Too dark") < page.index("Not recognised")
    assert reason_advice(Reason.TOO_DARK) in page
    assert "outcome=too_dark" in page


def test_a_cameras_trouble_is_shown_with_what_to_do(web: Web, admin: Browser) -> None:
    now = web.clock.now()
    with web.sessions.begin() as session:
        for name in ("front", "back"):
            cameras.claim(session, name, source="0", direction=Direction.IN, owner="here", at=now)
        cameras.heartbeat(session, "front", owner="here", at=now, seen_at=now)
        cameras.heartbeat(session, "back", owner="here", at=now, error="no route to the camera")
    page = admin.text("/")

    assert "dot-working" in page
    assert "no route to the camera" in page
    assert "Check the camera&#39;s power" in page
    web.clock.advance(60)
    assert admin.text("/").count("not watched") == 2


def test_an_empty_site_says_what_to_do_first(admin: Browser) -> None:
    page = admin.text("/")

    assert "First steps" in page
    assert "/people/new" in page


def test_a_first_step_is_ticked_only_once_it_is_done_and_the_next_one_follows(web: Web, admin: Browser) -> None:
    def ticks() -> list[bool]:
        steps = admin.text("/").split("First steps")[1].split("</ol>")[0]
        return [mark == "done" for mark in re.findall(r'<li class="(\w*)">', steps)]

    web.set_threshold()
    assert ticks() == [False, False, False, False]  # a threshold that nobody is held against is not checked

    anna = web.add("Anna Berg")
    assert ticks() == [True, False, False, False]

    web.enrol(anna, ANNA)
    assert ticks() == [True, True, True, False]
    assert "Add the next person" in admin.text("/")


def test_missing_thresholds_and_templates_of_another_model_are_pointed_out(
    web: Web, admin: Browser, keys: Keys
) -> None:
    anna = web.add("Anna Berg")
    web.enrol(anna, ANNA)
    with web.sessions.begin() as session:
        templates.add_template(
            session, keys, anna, make_template(model_id="old"), "upload", {}, None, at=web.clock.now()
        )
    page = admin.text("/")

    assert "No threshold is set" in page
    assert "1 template was made by another recognition model" in page


def test_who_is_in_is_one_number_on_every_page_through_a_night(web: Web, admin: Browser) -> None:
    """No roster, directions unknown: in at 20:00 and home at 4:00 (Berlin).  Raw directions would say: in."""
    guard = web.add("Night Guard")
    web.passage(NOON.replace(day=5, hour=18), guard, direction=Direction.UNKNOWN)

    def counted() -> int:
        page = " ".join(web.browser("ada").text("/").split())
        found = re.search(r'In now</div> <div class="figure-value">(\d+)<', page)
        assert found
        with web.sessions() as session:
            here = days.today(session, web.clock.now(), ZoneInfo("Europe/Berlin")).here
        assert len(here) == int(found[1])
        return int(found[1])

    web.clock.time = NOON.replace(hour=1)
    assert counted() == 1
    web.passage(NOON.replace(hour=2), guard, direction=Direction.UNKNOWN)
    web.clock.time = NOON.replace(hour=3)
    assert counted() == 0
    assert '<span class="tag">left</span>' in web.browser("ada").text("/")
