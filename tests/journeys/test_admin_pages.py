"""The site in a real browser: what scripts, sizes and the camera do, which a test client cannot see."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import waitress
from flask import Flask

from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import reason_advice
from attendance.service.ids import new_event_id
from attendance.store.access import events
from attendance.store.operators import operators
from attendance.store.people import templates
from tests.factories import ANNA, BERT, NOBODY, NOON, make_photo
from tests.site_fixtures import PASSWORD, Web

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser's tests need playwright (extra: test)")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"the browser's tests need {CHROMIUM}")

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])


@pytest.fixture(scope="module")
def camera_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's camera sees: Anna, that is, one colour all over, as a Y4M film of one frame."""
    width, height = 640, 480
    planes = cv2.cvtColor(np.full((height, width, 3), ANNA, np.uint8), cv2.COLOR_BGR2YUV_I420)
    path = tmp_path_factory.mktemp("camera") / "anna.y4m"
    header = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420\n".encode()
    path.write_bytes(header + (b"FRAME\n" + planes.tobytes()) * 10)
    return path


@pytest.fixture(scope="module")
def chromium(camera_picture: Path) -> Iterator[Any]:
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_picture}",
    ]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application behind the server that serves it for users, too."""
    server = waitress.create_server(app, host="127.0.0.1", port=0)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            server.asyncore.loop(timeout=0.1, map=server._map, count=1)  # run() itself ends by an exception only

    serving = threading.Thread(target=serve)
    serving.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    stop.set()
    serving.join()
    server.task_dispatcher.shutdown()
    server.asyncore.close_all(server._map)


@pytest.fixture
def address(web: Web) -> Iterator[str]:
    with served(web.app) as here:
        yield here


Open = Callable[..., Any]


def is_fault(message: Any) -> bool:
    """Whether the browser complains about more than an answer that a test provoked (400, 401)."""
    return message.type == "error" and not re.search(r"status of 40[01]", message.text)


@pytest.fixture
def open_page(chromium: Any, address: str) -> Iterator[Open]:
    """A new page, signed in unless `username` is None; a script's error or a blocked script fails the test."""
    contexts, errors = [], []

    def opened(path: str = "/", username: str | None = "ada", **options: Any) -> Any:
        context = chromium.new_context(base_url=address, **(DESKTOP | options))
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if is_fault(message) else None)
        if username is not None:
            page.goto("/login")
            page.fill("#username", username)
            page.fill("#password", PASSWORD)
            page.click("main button")
            page.wait_for_url("**/")
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


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


def film(*colours: tuple[int, int, int]) -> list[Any]:
    return [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": make_photo(colour)}
        for number, colour in enumerate(colours)
    ]


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

    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.locator("h1").count() == 1


def test_the_first_administrator_is_made_with_the_link(web: Web, open_page: Open) -> None:
    with web.sessions.begin() as session:
        token = operators.issue_token(session, at=NOON)
    page = open_page(f"/setup?token={token}", username=None, **PHONE)
    page.fill("#username", "grace")
    page.fill("#password", "a long password")
    page.fill("#repeat", "a long password")
    page.click("main button")

    assert page.locator(".notice-success").inner_text() == "Welcome, grace. You are signed in as administrator."


def test_the_menu_of_a_phone_opens_and_signs_out(web: Web, open_page: Open) -> None:
    page = open_page("/", **PHONE)
    assert not page.locator("nav >> text=Threshold").is_visible()
    page.click(".navbar-toggler")
    page.locator("nav >> text=Sign out").click()

    page.wait_for_url("**/login")


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
    page.wait_for_selector(".shot-bad")

    assert "not an image" in page.locator(".shot").inner_text()


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
    assert not page.locator("video").is_visible()


def test_photos_can_be_added_without_scripts(web: Web, open_page: Open) -> None:
    anna = web.add("Anna Berg")
    page = open_page(f"/people/{anna}", java_script_enabled=False)
    assert not page.locator("text=Start the camera").is_visible()
    page.set_input_files("#photo", film(ANNA, NOBODY))
    page.click("text=Add photos >> nth=-1")

    assert page.locator(".shot-ok").count() == 1
    assert "No face found" in page.locator(".shot-bad").inner_text()


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
    page.wait_for_selector("tbody tr:has-text('door: nothing noted')")
    with web.sessions.begin() as session:
        events.record_door_event(
            session, event_id=new_event_id(NOON), passage_id=passage, at=NOON, door="front", outcome="done"
        )
    page.locator("tbody tr:has-text('door: nothing noted')").wait_for(state="detached")

    first, second = page.locator("tbody tr").all_inner_texts()
    assert "Anna Berg" in first
    assert "not recognised" in second


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
    page.click("text=What lies behind it")
    line = page.locator("[data-line]")
    before = line.get_attribute("transform")
    page.locator("#threshold").focus()
    page.keyboard.press("End")
    page.wait_for_selector("text=20 let in would be refused")

    assert page.locator("[data-output]").inner_text() == "0.990"
    assert page.locator("[data-risk-output]").inner_text() == "set by hand"
    assert line.get_attribute("transform") != before


def test_a_looser_threshold_is_asked_for_twice_and_saved_with_its_reason(busy: Web, open_page: Open) -> None:
    page = open_page("/threshold")
    page.click("text=What lies behind it")
    page.locator("#threshold").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("[data-loosens=yes]")
    page.click("text=Put in force")
    assert "Say why" in page.locator(".field-error").inner_text()
    page.fill("#reason", "two colleagues are refused")
    page.click("text=Put in force")
    page.click("text=Yes, let more faces in")

    assert "Threshold 0.499 is in force" in page.locator(".notice-success").inner_text()
    assert "two colleagues are refused" in page.locator("tbody >> nth=-1").inner_text()


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
