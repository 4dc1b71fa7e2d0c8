"""A tablet in a real browser: camera, keypad, scanner, keyboard; a line that is cut; a camera's screen."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import pytest

from attendance import bootstrap
from attendance.config import load_settings
from attendance.domain.passage import Direction, Method
from attendance.domain.reason import Reason
from attendance.programs import portraits
from attendance.service.enrolment.enrol import enrol_photo
from attendance.store.access import events
from attendance.store.hours import corrections
from attendance.store.kiosk import devices
from attendance.store.people import credentials, people
from attendance.web.kiosk.tablet import EXTENSION
from tests import needs
from tests.factories import NOON
from tests.journeys.conftest import start_chromium
from tests.journeys.pages import PATIENCE_MS, PHONE, SIZES, faults_of, served, sticks_out
from tests.journeys.tablets import TABLET, Pair, type_pin, until, wait_up
from tests.site_fixtures import PASSWORD, Browser, Web
from tests.web.kiosk.conftest import add_anna, give_pin, log_of
from tests.web.wire import Wire

expect = needs.package("playwright.sync_api", extra="test").expect


def kept(page: Any) -> list[dict[str, Any]]:
    """What waits in the browser's own database."""
    found: list[dict[str, Any]] = page.evaluate("queue.all()")
    return found


def test_a_face_is_guided_greeted_asked_and_undone(web: Web, pair: Pair) -> None:
    add_anna(web)
    web.analyser.flaws = (Reason.TOO_SMALL,)
    page = pair()
    page.wait_for_selector("[data-hint]:has-text('Come closer')")
    web.analyser.flaws = ()
    page.wait_for_selector("dialog[open] h2:has-text('Anna')")
    expect(page.locator("[data-today]")).to_have_text("Today: 0 min")
    page.click("dialog >> text=Undo")
    page.wait_for_selector("dialog[open] h2:has-text('Undone')")

    (view,) = log_of(web)
    assert (view.passage.method, view.passage.granted) == (Method.FACE, True)


def test_a_pin_needs_the_keyboard_only_and_which_way_is_asked_in_doubt(blind: Web, pair: Pair) -> None:
    page = pair()
    wait_up(page)
    expect(page.locator("#number")).to_be_focused()
    page.keyboard.type("17")
    page.keyboard.press("Tab")
    page.keyboard.type("1111")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]:has-text('Staff number or PIN is wrong')")
    expect(page.locator("#pin")).to_have_value("")
    blind.passage(NOON - timedelta(days=1), 1, direction=Direction.UNKNOWN)  # in since yesterday: in doubt
    type_pin(page)
    page.wait_for_selector("dialog[open] h2:has-text('Anna')")
    asked = page.locator("[data-choices]").is_visible()
    if asked:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog[open] >> text=In at 14:00")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")
    expect(page.locator("#number")).to_be_focused()
    assert asked
    # The camera sees nobody: the next one is not to undo it.
    page.wait_for_selector("[data-undo-last]", state="hidden")  # sooner than by the time alone: 90 s (patient.js)
    del blind.analyser.analyse  # now somebody stands there, too far away to be known
    blind.analyser.flaws = (Reason.TOO_SMALL,)
    page.wait_for_selector("[data-hint]:has-text('Come closer')")
    blind.clock.advance(60)
    page.reload()  # it learns the new time
    wait_up(page)
    type_pin(page)
    page.wait_for_selector("dialog[open] h2:has-text('Anna')")
    page.keyboard.press("Escape")
    page.click("[data-undo-last]")  # for some seconds
    page.wait_for_selector("dialog[open] h2:has-text('Undone')")

    assert [view.passage.reason for view in log_of(blind)][2] is Reason.WRONG_PIN


def test_the_keypad_and_a_scanner_are_other_ways_of_typing(blind: Web, pair: Pair) -> None:
    with blind.sessions.begin() as session:
        badge = credentials.new_badge(session, 1, at=NOON)
    page = pair()
    wait_up(page)
    for key in ("1", "7"):
        page.tap(f"[data-digit='{key}']")
    page.tap("[data-go]")
    for key in ("2", "5", "8", "0", "9"):
        page.tap(f"[data-digit='{key}']")
    page.tap("[data-back]")
    page.tap("text=Check in >> nth=-1")
    page.wait_for_selector("dialog[open] h2:has-text('Anna')")
    page.keyboard.press("Escape")
    page.tap("[data-sound]")
    page.wait_for_function("sound.context.state === 'running'")  # it was touched, so it may sound
    blind.clock.advance(60)
    page.reload()  # it learns the new time
    wait_up(page)
    expect(page.locator("[data-sound]")).to_have_text("Sound off")
    # The scanner types wherever the keyboard is, its hyphen on another layout's key.
    page.locator("[data-sound]").focus()
    page.keyboard.type(badge.lower().replace("-", "/"))
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] h2:has-text('Good day, Anna')")

    assert {view.passage.method for view in log_of(blind)} == {Method.PIN, Method.BADGE}


def test_what_is_typed_while_the_line_is_cut_is_kept_sealed_and_counts_once(blind: Web, pair: Pair, wire: Wire) -> None:
    page = pair()
    wait_up(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    wire.be("answers to events lost")  # the server hears it, the tablet never learns that
    type_pin(page)
    page.wait_for_selector("dialog[open] h2:has-text('Noted')")
    page.keyboard.press("Escape")
    assert [view.passage.method for view in log_of(blind)] == [Method.PIN]
    wire.be("cut")
    page.wait_for_selector("[data-link].link-down:has-text('1 waiting')")
    until(lambda: not kept(page)[0]["hold"])  # held back until the answer on the screen is gone
    page.reload()  # switched off and on: the page itself comes from the browser
    page.wait_for_selector("[data-banner]:has-text('PIN and badge still work')")
    type_pin(page, "18", "9753")
    page.wait_for_selector("dialog[open] h2:has-text('Noted')")
    page.click("dialog >> text=Going out")
    page.wait_for_selector("dialog[open] >> text=Out at 14:")
    page.keyboard.press("Escape")
    type_pin(page, "19", "1111")
    page.click("dialog >> text=Undo")
    page.wait_for_selector("dialog[open] h2:has-text('Undone')")
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-link].link-down:has-text('2 waiting')")
    assert not re.search("2580|9753", str(kept(page)))
    with blind.sessions.begin() as session:
        bert = people.create_person(session, name="Bert Lind", at=NOON, staff_number="18").id
    give_pin(blind, bert, "9753")
    wire.be("whole")
    page.wait_for_selector("[data-banner]:has-text('2 check-ins that waited were sent')")

    assert kept(page) == []
    assert sorted((view.person_name, view.passage.direction) for view in log_of(blind)) == [
        ("Anna Berg", Direction.UNKNOWN),
        ("Bert Lind", Direction.OUT),
    ]


def test_an_event_that_the_server_cannot_take_holds_up_no_other(blind: Web, pair: Pair, wire: Wire) -> None:
    service = blind.app.extensions[EXTENSION].kiosk
    submit = service.submit
    poisoned: set[str] = set()

    def fail_on_the_first(terminal: Any, event_id: str, sealed: bytes) -> Any:
        if not poisoned or event_id in poisoned:
            poisoned.add(event_id)
            raise RuntimeError("a row that cannot be written")
        return submit(terminal, event_id, sealed)

    service.submit = fail_on_the_first
    page = pair()
    wait_up(page)
    wire.be("cut")
    page.wait_for_selector("[data-link].link-down")
    for number in ("18", "17"):
        type_pin(page, number)
        page.wait_for_selector("dialog[open] h2:has-text('Noted')")
        page.keyboard.press("Escape")
    page.wait_for_selector("[data-link]:has-text('2 waiting')")
    page.fill("#number", "1😀")
    page.tap("[data-back]")
    expect(page.locator("#number")).to_have_value("1")  # not half a letter
    wire.be("whole")
    page.wait_for_selector("[data-banner]:has-text('1 check-in that waited was sent')")
    page.wait_for_selector("[data-link].link-up:has-text('1 waiting')")

    assert [view.person_name for view in log_of(blind)] == ["Anna Berg"]
    assert {one["id"] for one in kept(page)} == poisoned
    assert kept(page)[0]["hold"] > page.evaluate("Date.now()")


@pytest.mark.parametrize("line", ["whole", "cut"])
def test_a_check_in_that_the_server_has_is_undone_there(blind: Web, pair: Pair, wire: Wire, line: Any) -> None:
    page = pair()
    wait_up(page)
    wire.be("answers to events lost")
    type_pin(page)
    page.wait_for_selector("dialog[open] h2:has-text('Noted')")
    wire.be(line)
    page.click("dialog >> text=Undo")
    if line == "cut":
        page.wait_for_selector("dialog[open] h2:has-text('Undo noted')")
        wire.be("whole")
        wait_up(page)
    else:
        page.wait_for_selector("dialog[open] >> text=This check-in does not count")
    until(lambda: not kept(page))

    with blind.sessions() as session:
        (undone,) = corrections.corrections(session, person_id=1, state="approved")
    (view,) = log_of(blind)
    assert (undone.action, undone.passage_id) == ("void", view.passage.id)


def test_without_https_there_is_no_camera_and_the_pin_is_sent_at_once(blind: Web, pair: Pair, wire: Wire) -> None:
    page = pair()
    # What browsers leave out on such a page.
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
    page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    page.reload()
    page.wait_for_selector("[data-hint]:has-text('opened by https')")
    wait_up(page)
    type_pin(page)
    page.wait_for_selector("dialog[open] h2:has-text('Anna')")
    page.keyboard.press("Escape")
    wire.be("cut")
    type_pin(page)
    page.wait_for_selector("[data-said]:has-text('This was not noted')")
    page.wait_for_selector("[data-banner]:has-text('Nothing can be noted')")

    assert kept(page) == []


def test_a_tablet_is_locked_revoked_and_given_back(blind: Web, admin: Browser, pair: Pair) -> None:
    page = pair()
    page.goto("/people")
    page.wait_for_url("**/kiosk/")
    page.click("text=Leave the kiosk")
    page.fill("#username", "vera")
    page.fill("#password", PASSWORD)
    page.click("text=Unpair this tablet")
    page.wait_for_selector("[role=alert]:has-text('The kiosk stays locked')")
    page.click("text=Back to the kiosk")
    admin.submit("/kiosks/1/revoke")
    page.wait_for_selector("text=This tablet is out of service")  # by itself
    page.click("text=Use this browser for something else")

    page.wait_for_url("**/login*")


def test_a_screen_shows_at_once_what_the_daemon_recorded(web: Web, pair: Pair, wire: Wire) -> None:
    anna = add_anna(web)
    page = pair(screen_of="door")
    wait_up(page)
    web.passage(NOON, anna)
    page.wait_for_selector("main.show-greet:has(h1:has-text('Anna')):has-text('In at 14:00')")
    wire.be("cut")
    web.passage(NOON + timedelta(seconds=1))
    wire.be("whole")  # the browser comes back by itself and asks for what it missed
    page.wait_for_selector(".show-refused h1:has-text('Not recognised')")
    assert sticks_out(page) == 0

    streams = web.app.extensions[EXTENSION].streams
    taken = streams._value
    page.close()
    until(lambda: streams._value > taken)  # the server notices that nobody listens any more


@SIZES
def test_no_kiosk_page_sticks_out_or_shuts_anybody_out(
    blind: Web, admin: Browser, pair: Pair, wire: Wire, size: dict[str, Any]
) -> None:
    page, found = pair(**size), []

    def judge(what: str) -> None:
        # What axe looks at is the same at every size.
        found.extend(faults_of(page, what, accessible=size is PHONE))

    wait_up(page)
    judge("kiosk")
    blind.passage(NOON - timedelta(days=1), 1, direction=Direction.UNKNOWN)
    type_pin(page)
    page.wait_for_selector("[data-choices] button")
    judge("answer")
    page.keyboard.press("Escape")
    wire.be("cut")
    page.wait_for_selector("[data-banner]:has-text('No connection')")
    type_pin(page, pin="1111")
    page.click("dialog >> text=Done")
    judge("no connection")
    wire.be("whole")
    page.wait_for_selector("[data-banner]:has-text('was not accepted: Staff number or PIN is wrong')")
    judge("refused later")
    page.goto("/kiosk/leave")
    page.wait_for_selector("text=Unpair this tablet")
    judge("leave")
    admin.submit("/kiosks/1/revoke")
    page.goto("/kiosk/pair")
    judge("pair")
    page.click("text=Use this browser for something else")
    page.wait_for_url("**/login*")
    page.fill("#username", "ada")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/")
    page.goto("/kiosks")
    judge("kiosks")
    page.fill("#name", "gate")
    page.click("text=Add and show its code")
    page.wait_for_selector("[data-code]")
    judge("code")

    assert found == []


@pytest.mark.long
def test_a_film_of_a_person_is_recognised_by_the_real_networks(chromium: Any, tmp_path: Path, database: Path) -> None:
    """From the browser's camera to the greeting, by the rules of the door; nothing in between is a stand-in."""
    needs.package("skimage", extra="demo")
    film = tmp_path / "film.mjpeg"
    frames = portraits.frames([portraits.Visit(portraits.collins(), 3.0)])
    film.write_bytes(b"".join(portraits.as_jpeg(cv2.resize(frame, (640, 360))) for frame in frames))
    settings = load_settings(overrides={"database.url": f"sqlite:///{database}", "models.threads": 1}, environ={})
    bootstrap.set_up(settings)
    site, analyser = bootstrap.installation_for(settings), bootstrap.analyser_for(settings)
    with site.sessions.begin() as session:
        now = site.clock.now()
        person = people.create_person(session, name="Eileen Collins", at=now, consent_at=now, consent_text="Yes.")
        photo = portraits.as_jpeg(portraits.collins())
        assert enrol_photo(session, site.keys, analyser, person.id, photo, "upload", site.clock).ok
        code = devices.add_device(session, "canteen", at=now, by="ada", direction=Direction.IN)[1]
    browser = start_chromium(chromium.browser_type, film)
    with served(bootstrap.web_app_for(site, analyser)) as here:
        page = browser.new_page(base_url=here, **TABLET)
        page.goto(f"/kiosk/pair#{code}")
        page.click("text=Pair this tablet >> nth=-1")
        page.wait_for_selector("dialog[open] h2:has-text('Eileen')", timeout=3 * PATIENCE_MS)
        browser.close()
    with site.sessions() as session:
        passages = [view.passage for view in events.list_passages(session)]

    assert {one.person_id for one in passages if one.granted} == {person.id}
    assert all(one.score is not None and one.score >= (one.threshold or 1) for one in passages if one.granted)
