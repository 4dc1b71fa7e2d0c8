"""The inbox of alarms in a real browser: new ones are listed and sounded, by mouse and by keyboard."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from attendance.service.alarms.alarms import NOBODY, clear_and_notify, raise_and_notify
from attendance.store.alarms import alarms
from tests import needs
from tests.journeys.pages import NARROW, Open, faults_of
from tests.site_fixtures import Web

expect = needs.package("playwright.sync_api", extra="test").expect
# Each tone that really starts, by its pitch.
NOTES = """
window.notes = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  window.notes.push(this.frequency.value);
  return start.apply(this, when);
};
"""
WARNING, SECURITY = [440], [880, 660, 880, 660]


def ring(web: Web, kind: str, subject: str = "back") -> None:
    with web.sessions.begin() as session:
        raise_and_notify(session, kind, subject, {"free_mb": 3}, web.clock.now(), NOBODY)


def listening(open_page: Open, path: str = "/system", **size: Any) -> Any:
    """A page whose timers run when the test says so."""
    page = open_page("/people", **size)
    page.context.add_init_script(NOTES)
    page.clock.install()
    page.goto(path)
    return page


def heard(page: Any) -> list[int]:
    """Let the page ask once more, and return what sounded since the last time."""
    place = page.locator("[data-alarms]")
    expect(place).to_have_attribute("data-asked", re.compile("."))  # the first time it asks by itself
    before = place.get_attribute("data-asked")
    page.clock.run_for(5100)
    expect(place).not_to_have_attribute("data-asked", before)
    notes: list[int] = page.evaluate("window.notes.splice(0)")
    return notes


def test_a_new_alarm_sounds_once_until_somebody_acknowledges_it_by_keyboard(web: Web, open_page: Open) -> None:
    page = listening(open_page)
    button, state = page.locator(".alarm-sound button"), page.locator("[data-alarm-state]")
    ring(web, "door tamper")
    assert heard(page) == []
    expect(page.locator("[data-alarm]")).to_have_count(1)  # shown without a reload, and without a sound
    expect(state).to_have_text("Off: alarms show without a sound.")
    expect(page.locator("[data-alarm-bell]")).to_be_hidden()

    button.focus()
    page.keyboard.press("Enter")
    expect(state).to_have_text("On: new alarms sound in this browser.")
    assert button.get_attribute("aria-pressed") == "true"
    assert page.evaluate("window.notes.splice(0)") == WARNING  # how loud it is
    assert heard(page) == SECURITY
    assert heard(page) == [], "once, and not every five seconds"

    page.locator("[data-alarm] button").focus()
    ring(web, "disk", "")
    assert heard(page) == WARNING
    expect(page.locator("[data-alarm-said]")).to_contain_text("The disk is nearly full")
    expect(page.get_by_role("button", name="Acknowledge: Somebody opened the case")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".notice-success")).to_be_visible()
    with web.sessions() as session:
        assert [one.acknowledged_by for one in alarms.open_alarms(session) if one.kind == "door tamper"] == ["ada"]


@pytest.mark.long
def test_the_choice_is_kept_by_the_browser_and_sounds_on_every_page(web: Web, open_page: Open) -> None:
    page = listening(open_page, **NARROW)
    page.click(".alarm-sound button")
    page.select_option("[data-alarm-least]", "security")
    page.goto("/doors")
    bell = page.locator("[data-alarm-bell]")
    expect(bell).to_have_attribute("data-waits", "")  # nobody touched this page yet, and the browser keeps it silent
    page.keyboard.press("j")
    expect(bell).not_to_have_attribute("data-waits", "")
    assert bell.get_attribute("aria-pressed") == "true"
    ring(web, "disk", "")
    assert heard(page) == [], "only what was chosen"
    ring(web, "duress")
    assert heard(page) == SECURITY
    page.clock.fast_forward(60_000)
    again = page.evaluate("window.notes.splice(0)") + heard(page)
    assert again == SECURITY, "once a minute until somebody looks after it"

    page.click(".navbar-toggler")
    page.click("[data-alarm-bell]")
    expect(page.locator("[data-alarm-bell]")).to_be_hidden()
    page.goto("/system")
    expect(page.locator("[data-alarm-state]")).to_have_text("Off: alarms show without a sound.")
    assert faults_of(page) == []


@pytest.mark.long
def test_a_fire_mutes_the_doors_that_people_leave_by(web: Web, open_page: Open) -> None:
    page = listening(open_page)
    page.click(".alarm-sound button")
    ring(web, "door fire")
    assert heard(page)[-4:] == SECURITY
    ring(web, "door forced")
    ring(web, "door held")
    assert heard(page) == []
    expect(page.get_by_text("Silent while there is a fire")).to_have_count(2)
    ring(web, "duress", "front")
    assert heard(page) == SECURITY
    with web.sessions.begin() as session:
        clear_and_notify(session, "door fire", "back", web.clock.now(), NOBODY)
    assert heard(page) == SECURITY


@pytest.mark.long
def test_a_page_that_was_signed_out_says_that_it_hears_nothing(web: Web, open_page: Open) -> None:
    page = listening(open_page)
    page.click(".alarm-sound button")
    page.evaluate("window.notes.splice(0)")
    web.clock.advance(timedelta(hours=9).total_seconds())
    page.clock.run_for(5100)
    expect(page.get_by_text("no alarm sounds here any more")).to_be_visible()
    assert page.evaluate("window.notes") == [330, 262]
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
