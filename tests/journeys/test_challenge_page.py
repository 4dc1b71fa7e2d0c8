"""What a person before a tablet or a screen sees who is asked to move, or for a PIN, in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from attendance.domain.access.liveness.challenge import Challenge, Look, Step, Who, begin
from attendance.domain.faces import Box
from attendance.store.access import challenges
from tests import needs
from tests.journeys.pages import sticks_out
from tests.journeys.tablets import Pair, type_pin, wait_up
from tests.site_fixtures import Web

expect = needs.package("playwright.sync_api", extra="test").expect
SIZES = ((390, 844), (800, 1280), (1280, 800))


def put(web: Web, camera: str, seconds: float = 12.0) -> str:
    """A challenge that goes on at this camera → its id, as the daemon or tablet writes it."""
    now, points = web.clock.now(), np.array([[0, 0], [50, 0], [25, 25], [5, 50], [45, 50]], float)
    asked = Challenge("c1", camera, (Step.LEFT, Step.NEARER), now, timedelta(seconds=seconds))
    with web.sessions.begin() as session:
        challenges.put(session, begin(asked, Look(now, Box(0, 0, 100, 150), points, Who.SAME)), "doubt")
    return asked.id


def is_declined(web: Web) -> bool:
    with web.sessions() as session:
        return challenges.is_declined(session, "c1")


def each_size(page: Any, what: str) -> None:
    """Nothing sticks out, and the button can be reached, at every size."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert sticks_out(page) == 0, (what, width)
        button = page.locator("[data-decline]")
        if button.is_visible():
            box = button.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width, (what, width)
            assert box["y"] >= 0 and box["y"] + box["height"] <= height, (what, width)
            assert box["height"] >= 44, (what, width)


def looks(page: Any, number: int) -> None:
    """Wait for so many further pictures to be sent, each as an answer to the challenge."""
    for _ in range(number):
        with page.expect_request(lambda sent: sent.url.endswith("?challenge=c1")):
            pass


def test_a_tablet_asks_to_move_counts_down_and_its_button_leads_to_the_pin(blind: Web, pair: Pair) -> None:
    asked = {"state": "challenge", "words": "Turn your head a little to the left", "advice": "A little more"}
    asked |= {"challenge": put(blind, "canteen"), "step": "left", "number": 1, "of": 2, "left_ms": 11_500}

    def answer(route: Any) -> None:
        route.fulfill(json=asked)  # also after the button: an answer that was under way

    page = pair()
    wait_up(page)
    page.route("**/kiosk/look*", answer)
    page.wait_for_selector("[data-ask-words]:has-text('Turn your head a little to the left')")
    assert page.locator("[data-drawing=left]").is_visible()
    assert not page.locator("[data-drawing=right]").is_visible()
    expect(page.locator("[data-ask-number]")).to_contain_text("1")
    assert 1 <= int(page.locator("[data-ask-left]").inner_text()) <= 12
    each_size(page, "tablet")
    page.wait_for_function("document.querySelector('[data-ask-left]').textContent.length > 0")
    looks(page, 1)

    page.click("[data-decline]")
    page.wait_for_selector("[data-code-title]:has-text('Please enter your PIN')")
    assert not page.locator("[data-ask]").is_visible()
    expect(page.locator("#number")).to_be_focused()
    assert is_declined(blind)
    looks(page, 3)
    assert not page.locator("[data-ask]").is_visible()
    each_size(page, "tablet-pin")
    type_pin(page)
    page.wait_for_selector("dialog[open] h2:has-text('Anna')")


def test_a_screen_shows_what_is_asked_at_its_camera_and_takes_the_button(blind: Web, pair: Pair) -> None:
    page = pair(screen_of="door")
    wait_up(page)
    put(blind, "door")
    page.wait_for_selector("[data-ask-words]:has-text('Turn your head a little to the left')")
    assert not page.locator("[data-show]").is_visible()
    each_size(page, "screen")
    page.click("[data-decline]")
    page.wait_for_selector(".show-step_up h1:has-text('Please enter your PIN')")
    assert not page.locator("[data-ask]").is_visible()
    assert is_declined(blind)
    each_size(page, "screen-pin")
