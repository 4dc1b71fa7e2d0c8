"""Drawing the region with mouse and finger, which a test client cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from attendance.domain.faces import Region
from attendance.store.cameras import cameras
from tests import needs
from tests.journeys.pages import DESKTOP, PHONE, SIZES, Open, sticks_out
from tests.site_fixtures import Web
from tests.web.cameras.conftest import door, stored, take_picture

__all__ = ["door"]
expect = needs.package("playwright.sync_api", extra="test").expect


def numbers(page: Any) -> list[float]:
    return [float(page.input_value(f"#{side}")) for side in ("left", "top", "right", "bottom")]


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the mouse, from and to shares of the stage."""
    frame = page.locator("[data-stage]").bounding_box()
    places = [(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


@SIZES
@pytest.mark.parametrize("path", ["/cameras", "/cameras/1"])
def test_no_camera_page_is_wider_than_the_screen(
    web: Web, door: int, open_page: Open, path: str, size: dict[str, Any]
) -> None:
    page = open_page(path, **size)

    assert sticks_out(page) == 0
    expect(page.locator("h1")).to_have_count(1)


def test_a_region_is_drawn_moved_pulled_and_saved_with_the_mouse(web: Web, door: int, open_page: Open) -> None:
    page = open_page("/cameras/1", **DESKTOP)
    drag(page, (0.2, 0.3), (0.6, 0.8))
    assert numbers(page) == pytest.approx([20, 30, 60, 80], abs=0.5)
    drag(page, (0.4, 0.5), (0.9, 0.6))  # moved: it stops at the picture's edge
    assert numbers(page) == pytest.approx([60, 40, 100, 90], abs=0.5)
    drag(page, (0.6, 0.4), (0.5, 0.2))  # its upper left corner
    assert numbers(page) == pytest.approx([50, 20, 100, 90], abs=0.5)
    drag(page, (0.995, 0.9), (0.0, 0.0))  # turned inside out: no smaller than it may be
    assert numbers(page) == pytest.approx([50, 20, 55, 25], abs=0.5)
    drag(page, (0.1, 0.1), (0.4, 0.9))  # a new one
    page.click("text=Save")
    page.wait_for_selector(".notice-success")

    assert stored(web).roi == pytest.approx([0.1, 0.1, 0.4, 0.9], abs=0.005)
    page.click("text=Everything")
    assert numbers(page) == [0, 0, 100, 100]


def test_a_region_is_drawn_with_a_finger(web: Web, door: int, open_page: Open) -> None:
    page = open_page("/cameras/1", **PHONE)
    frame = page.locator("[data-stage]").bounding_box()
    finger = page.context.new_cdp_session(page)
    places = [(0.2, 0.3), (0.4, 0.5), (0.7, 0.9)]
    points = [{"x": frame["x"] + x * frame["width"], "y": frame["y"] + y * frame["height"]} for x, y in places]
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    assert numbers(page) == pytest.approx([20, 30, 70, 90], abs=1)
    assert page.evaluate("window.scrollY") == 0  # it drew and did not scroll


def test_the_number_fields_move_the_drawing(web: Web, door: int, open_page: Open) -> None:
    page = open_page("/cameras/1")
    page.fill("#left", "40")

    expect(page.locator("[data-box]")).to_have_attribute("x", "40")
    page.fill("#left", "")
    expect(page.locator("[data-box]")).to_be_hidden()


def test_the_picture_that_was_asked_for_appears_by_itself(web: Web, door: int, open_page: Open) -> None:
    page = open_page("/cameras/1")
    page.click("text=Take a picture to draw on")
    page.wait_for_selector("text=Waiting for a picture")
    take_picture(web)

    expect(page.locator("[data-stage] img")).to_have_js_property("naturalWidth", 320)


def test_a_viewer_cannot_draw(web: Web, door: int, open_page: Open) -> None:
    with web.sessions.begin() as session:
        cameras.set_region(session, "door", Region(0.1, 0.1, 0.5, 0.5))
    page = open_page("/cameras/1", username="vera")
    drag(page, (0.6, 0.6), (0.9, 0.9))

    assert numbers(page) == [10, 10, 50, 50]
    assert page.locator("#left").is_disabled()


def test_a_region_can_be_set_without_scripts(web: Web, door: int, open_page: Open) -> None:
    page = open_page("/cameras/1", java_script_enabled=False)
    page.fill("#left", "30")
    page.click("text=Save")
    page.wait_for_selector(".notice-success")

    assert stored(web).roi == [0.3, 0.0, 1.0, 1.0]


@pytest.mark.long
@SIZES
def test_a_camera_is_added_by_keyboard_and_its_password_is_kept_nowhere(
    web: Web, open_page: Open, size: dict[str, Any]
) -> None:
    page = open_page("/cameras", **size)
    page.get_by_role("link", name="Add a camera").first.click()
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("rtsp://viewer:hush@10.0.0.7/1")
    page.keyboard.press("Enter")
    expect(page.locator("#name-error")).to_be_visible()
    assert sticks_out(page) == 0
    assert page.input_value("#source").endswith("hush@10.0.0.7/1"), "nobody types it twice"
    assert "hush" not in page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    page.fill("#name", "yard")
    page.get_by_role("button", name="Add the camera").click()
    expect(page.locator(".notice-success")).to_contain_text("watches it within seconds")
    page.get_by_role("link", name="Change or remove").click()
    assert page.input_value("#source") == ""
    assert "hush" not in page.content()
