"""The site in a real browser: what scripts, sizes and the camera do, which a test client cannot see."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import reason_advice
from attendance.service.ids import new_event_id
from attendance.store.access import events
from attendance.store.operators import operators
from attendance.store.people import templates
from tests import needs
from tests.factories import ANNA, BERT, NOBODY, NOON
from tests.journeys.pages import PHONE, SIZES, Open, film, sticks_out
from tests.site_fixtures import PASSWORD, Web

expect = needs.package("playwright.sync_api", extra="test").expect


@pytest.fixture
def busy(web: Web) -> Web:
    """Some people and passages, one with words too long for any column."""
    web.set_threshold()
    anna, bert = web.add("Anna Berg", department="Lab"), web.add("Bert " + "Lind" * 20, staff_number="9" * 60)
    web.enrol(anna, ANNA)
    web.enrol(bert, BERT)
    for minute in range(20):
        web.passage(NOON - timedelta(minutes=minute * 7), (anna, bert)[minute % 2], runner_up=0.1)
        web.passage(NOON - timedelta(minutes=minute * 5), reason=(Reason.UNKNOWN, Reason.TOO_DARK)[minute % 2])
    return web


def templates_of(web: Web, person_id: int) -> list[Any]:
    with web.sessions() as session:
        return list(templates.list_templates(session, person_id))


@SIZES
@pytest.mark.parametrize(
    "path",
    ["/", "/people", "/people/1", "/people/2", "/people/new", "/people/1/delete", "/log", "/threshold", "/operators"],
)
def test_no_page_is_wider_than_the_screen(busy: Web, open_page: Open, path: str, size: dict[str, Any]) -> None:
    page = open_page(path, **size)

    assert sticks_out(page) == 0
    expect(page.locator("h1")).to_have_count(1)


def test_the_first_administrator_is_made_with_the_link(web: Web, open_page: Open) -> None:
    with web.sessions.begin() as session:
        token = operators.issue_token(session, at=NOON)
    page = open_page(f"/setup?token={token}", username=None, **PHONE)
    page.fill("#username", "grace")
    page.fill("#password", "four tall green lamps")
    page.fill("#repeat", "four tall green lamps")
    page.click("main button")

    expect(page.locator(".notice-success")).to_have_text("Welcome, grace. You are signed in as administrator.")


def test_the_menu_of_a_phone_opens_and_signs_out(web: Web, open_page: Open) -> None:
    page = open_page("/", **PHONE)
    expect(page.locator("nav >> text=Threshold")).to_be_hidden()
    page.click(".navbar-toggler")
    page.wait_for_selector(".collapse.show")  # open, and no longer moving
    page.locator("nav >> text=Sign out").click()

    page.wait_for_url(re.compile("/login"))


@SIZES
def test_each_file_gets_its_own_answer_at_once(web: Web, open_page: Open, size: dict[str, Any]) -> None:
    anna = web.add("Anna Berg")
    page = open_page(f"/people/{anna}", **size)
    page.set_input_files("#photo", film(ANNA, NOBODY, BERT))
    page.wait_for_selector(".shot:not(.shot-waiting) >> nth=2")
    words = page.locator(".shot-words").all_inner_texts()  # the newest stands first

    assert words == ["Added", "No face found", "Added"]
    assert page.locator(".shot canvas").count() == 3
    page.wait_for_selector("[data-templates] tbody tr >> nth=1")  # the list has grown without a reload
    assert len(templates_of(web, anna)) == 2


def test_a_file_that_is_no_image_is_answered_too(web: Web, open_page: Open) -> None:
    anna = web.add("Anna Berg")
    page = open_page(f"/people/{anna}")
    page.set_input_files("#photo", [{"name": "a.png", "mimeType": "image/png", "buffer": b"<script>"}])

    expect(page.locator(".shot-bad")).to_contain_text("not an image")


@SIZES
def test_the_browsers_camera_advises_first_and_enrols_then(web: Web, open_page: Open, size: dict[str, Any]) -> None:
    anna = web.add("Anna Berg")
    page = open_page(f"/people/{anna}", **size)
    page.click("text=Start the camera")
    page.wait_for_selector("[data-camera-hint]:has-text('Good. Take the photo.')")
    assert templates_of(web, anna) == []
    web.analyser.flaws = (Reason.TOO_SMALL,)
    page.wait_for_selector(f"[data-camera-hint]:has-text('{reason_advice(Reason.TOO_SMALL)}')")
    web.analyser.flaws = ()
    page.click("text=Take a photo")
    page.wait_for_selector(".shot-ok")

    (template,) = templates_of(web, anna)
    assert template.source == "browser"
    page.click("text=Stop")
    expect(page.locator("video")).to_be_hidden()


def test_photos_can_be_added_without_scripts(web: Web, open_page: Open) -> None:
    anna = web.add("Anna Berg")
    page = open_page(f"/people/{anna}", java_script_enabled=False)
    assert not page.locator("text=Start the camera").is_visible()
    page.set_input_files("#photo", film(ANNA, NOBODY))
    page.click("text=Add photos >> nth=-1")

    expect(page.locator(".shot-ok")).to_have_count(1)
    expect(page.locator(".shot-bad")).to_contain_text("No face found")


def test_consent_comes_before_photos(web: Web, open_page: Open) -> None:
    anna = web.add("Anna Berg", agreed=False)
    page = open_page(f"/people/{anna}")
    assert page.locator("#photo").count() == 0
    page.check("#agreed")
    page.click("text=Note the consent >> nth=-1")

    page.locator("#photo").wait_for()  # on the next page, which may take its time


def test_the_log_fills_by_itself_and_learns_what_the_door_did(web: Web, open_page: Open) -> None:
    anna = web.add("Anna Berg")
    page = open_page("/log")
    assert "No check-ins yet" in page.locator("main").inner_text()
    web.passage(NOON)
    page.wait_for_selector("tbody tr:has-text('not recognised')")
    passage = web.passage(NOON + timedelta(seconds=2), anna)
    page.wait_for_selector("tbody tr:has-text('door: no result was noted')")
    with web.sessions.begin() as session:
        events.record_door_event(
            session, event_id=new_event_id(NOON), passage_id=passage, at=NOON, door="front", outcome="done"
        )
    page.locator("tbody tr:has-text('door: no result was noted')").wait_for(state="detached")

    expect(page.locator("tbody tr")).to_contain_text(["Anna Berg", "not recognised"])


def test_a_filtered_log_lets_only_its_own_in(web: Web, open_page: Open) -> None:
    anna = web.add("Anna Berg")
    page = open_page("/log?outcome=granted")
    web.passage(NOON)
    web.passage(NOON + timedelta(seconds=1), anna)
    page.wait_for_selector("tbody tr:has-text('Anna Berg')")

    assert page.locator("tbody tr").count() == 1


def test_the_overview_keeps_itself_fresh(web: Web, open_page: Open) -> None:
    anna = web.add("Anna Berg")
    page = open_page("/")
    assert "Nobody has come in yet" in page.locator("main").inner_text()
    web.passage(NOON, anna)

    page.wait_for_selector("td:has-text('Anna Berg')")


@SIZES
def test_the_sliders_show_at_once_what_they_would_do(busy: Web, open_page: Open, size: dict[str, Any]) -> None:
    page = open_page("/threshold", **size)
    page.locator("#step").focus()
    page.keyboard.press("End")
    page.wait_for_selector("[data-risk-output]:has-text('at most 1 stranger in 1,000,000')")
    page.click("text=The scores behind it")
    line = page.locator("[data-line]")
    before = line.get_attribute("transform")
    page.locator("#threshold").focus()
    page.keyboard.press("End")
    page.wait_for_selector("text=20 let in would be refused")

    expect(page.locator("[data-output]")).to_have_text("0.990")
    expect(page.locator("[data-risk-output]")).to_have_text("set by hand")
    expect(line).not_to_have_attribute("transform", before)


def test_a_looser_threshold_is_asked_for_twice_and_saved_with_its_reason(busy: Web, open_page: Open) -> None:
    page = open_page("/threshold")
    page.click("text=The scores behind it")
    page.locator("#threshold").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("[data-loosens=yes]")
    page.click("text=Put in force")
    expect(page.locator(".field-error")).to_contain_text("Say why")
    page.fill("#reason", "two colleagues are refused")
    page.click("text=Put in force")
    page.click("text=Yes, let more faces in")

    expect(page.locator(".notice-success")).to_contain_text("Threshold 0.499 is in force")
    expect(page.locator("tbody >> nth=-1")).to_contain_text("two colleagues are refused")


def test_dark_computers_get_a_dark_site(web: Web, open_page: Open) -> None:
    dark, light = open_page("/", color_scheme="dark"), open_page("/", color_scheme="light")
    colours = [
        [int(part) for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))]
        for page in (dark, light)
    ]

    assert max(colours[0]) < 60
    assert min(colours[1]) > 200


def test_who_is_signed_out_meanwhile_is_led_to_the_login_and_back(web: Web, open_page: Open) -> None:
    page = open_page("/log?outcome=denied")
    web.clock.advance(9 * 3600)
    page.wait_for_url(re.compile(r"/login\?next="))  # the live log notices
    page.fill("#username", "ada")
    page.fill("#password", PASSWORD)
    page.click("main button")

    page.wait_for_url("**/log?outcome=denied")


def test_the_keyboard_reaches_the_content_first(busy: Web, open_page: Open) -> None:
    page = open_page("/people")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
