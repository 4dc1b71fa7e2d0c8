"""The pages of working time in a real browser, at phone and desktop width, looked over by axe."""

# ruff: noqa: F811  fixtures are imported by name
from __future__ import annotations

from datetime import timedelta
from importlib import resources
from typing import Any

import pytest

from attendance.service.operations import demo_data
from tests.factories import NOON
from tests.journeys.test_admin_pages import DESKTOP, Open, address, camera_picture, chromium, open_page  # noqa: F401
from tests.site_fixtures import Web

PHONE = {"viewport": {"width": 390, "height": 844}}
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


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_page_sticks_out_or_shuts_anybody_out(full: Web, open_page: Open, size: dict[str, Any]) -> None:
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    page = open_page("/attendance", **size)
    found = []
    for path in PAGES:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"{path}: {wide} px too wide")
        page.evaluate(axe)
        faults = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        found += [
            f"{path}: {one['id']} at {one['nodes'][0]['html'][:160]}"
            for one in faults
            if one["impact"] in ("serious", "critical")
        ]

    assert found == []


def test_a_correction_from_the_page_of_a_day_to_its_figures(full: Web, open_page: Open) -> None:
    day = (NOON + timedelta(days=2)).date()
    page = open_page(f"/attendance/person/2/{day}", **PHONE)
    page.fill("#at", "23:30")
    page.select_option("#direction", "out")
    page.fill("#reason", "Stayed for the audit.")
    page.click("form:has(#reason) button")

    page.wait_for_selector("text=The correction counts now.")
    assert "23:30" in page.inner_text("main")
    assert "Stayed for the audit." in page.inner_text("main")
