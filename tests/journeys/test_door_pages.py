"""The week of a schedule, drawn with the mouse and changed by keyboard, which a test client cannot do."""

from __future__ import annotations

from tests.journeys.pages import NARROW, Open, faults_of
from tests.site_fixtures import Web
from tests.web.access.conftest import rules


def test_a_week_is_drawn_and_changed_by_keyboard_on_a_narrow_screen(web: Web, open_page: Open) -> None:
    [always] = rules(web).schedules
    page = open_page(f"/doors/schedules/{always}", **NARROW)
    assert faults_of(page) == []
    page.fill("#day-0", "")
    frame = page.locator("[data-day='0'] svg").bounding_box()
    y = frame["y"] + frame["height"] / 2
    page.mouse.move(frame["x"] + frame["width"] / 3, y)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] / 2, y, steps=4)
    page.mouse.up()
    assert page.input_value("#day-0") == "08:00-12:00"

    span = page.locator("[data-day='0'] .week-span")
    span.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert page.input_value("#day-0") == "08:15-12:30"
    page.keyboard.press("Delete")
    assert page.input_value("#day-0") == ""


def test_a_week_is_copied_undone_and_what_cannot_be_read_is_marked(web: Web, open_page: Open) -> None:
    [always] = rules(web).schedules
    page = open_page(f"/doors/schedules/{always}", **NARROW)
    for wrong in ("8-25", "08:70-09:00", "08:00-08:00"):
        page.fill("#day-1", wrong)
        assert page.get_attribute("#day-1", "aria-invalid") == "true"
        assert "Tue" in page.inner_text("[data-week-wrong]")
    page.fill("#day-0", "08:00-12:00")
    page.focus("#copy-to")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Copy the day: Monday to Friday
    assert [page.input_value(f"#day-{day}") for day in (0, 1, 4)] == ["08:00-12:00"] * 3
    assert page.get_attribute("#day-1", "aria-invalid") is None
    assert page.input_value("#day-6") == "00:00-24:00"

    page.locator("[data-day='4'] .week-span").focus()
    page.keyboard.press("Delete")
    assert page.input_value("#day-4") == ""
    page.click("[data-week-undo]")
    assert page.input_value("#day-4") == "08:00-12:00"
    page.click("[data-week-undo]")
    assert page.input_value("#day-1") == "08:00-08:00"
    assert faults_of(page) == []
