"""The pages of working time in a real browser, at phone and desktop width, looked over by axe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attendance.service.operations import demo_data
from tests import needs
from tests.factories import NOON
from tests.journeys.pages import NARROW, WIDTHS_OF_A_LONG_WALK, Open, faults_of
from tests.site_fixtures import Web

expect = needs.package("playwright.sync_api", extra="test").expect
PAGES = (
    "/attendance",
    "/attendance/calendar",
    "/attendance/calendar?person=1",
    "/attendance/reports",
    "/attendance/reports/register",
    "/attendance/reports/timesheet?person=1",
    "/attendance/reports/lateness",
    "/attendance/corrections",
    "/attendance/leave",
    "/attendance/rosters",
    "/attendance/shifts/1",
    "/attendance/periods",
)


@pytest.fixture
def full(web: Web) -> Web:
    """A fortnight of a dozen people."""
    web.clock.time = NOON + timedelta(days=3)
    with web.sessions.begin() as session:
        demo_data.make(session, count=12, days=14, now=web.clock.now(), zone=web.app.extensions["attendance"].zone)
    return web


@WIDTHS_OF_A_LONG_WALK
def test_no_page_sticks_out_or_shuts_anybody_out(full: Web, open_page: Open, size: dict[str, Any]) -> None:
    page = open_page("/attendance", **size)
    found = []
    for path in PAGES:
        page.goto(path)
        found += faults_of(page, path)

    assert found == []


def test_a_correction_from_the_page_of_a_day_to_its_figures(full: Web, open_page: Open) -> None:
    day = (NOON + timedelta(days=2)).date()
    page = open_page(f"/attendance/person/2/{day}", **NARROW)
    page.fill("#at", "23:30")
    page.select_option("#direction", "out")
    page.fill("#reason", "Stayed for the audit.")
    page.click("form:has(#reason) button")

    page.wait_for_selector("text=The correction counts now.")
    expect(page.locator("main")).to_contain_text("23:30")
    expect(page.locator("main")).to_contain_text("Stayed for the audit.")
