"""Employees' own pages, and what operators got with them, in a real browser, looked over by axe."""

# ruff: noqa: F811  fixtures are imported by name
from __future__ import annotations

from datetime import timedelta
from importlib import resources
from typing import Any

import pytest

from attendance.domain.passage import Direction
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours.own_days import BY
from attendance.service.operations import demo_data
from attendance.store.cameras import cameras
from attendance.store.hours import corrections
from attendance.store.operators import operators
from attendance.store.people import credentials, people
from attendance.store.tables.operators import Operator
from tests.factories import NOON
from tests.journeys.test_admin_pages import SIZES, Open, address, camera_picture, chromium, open_page  # noqa: F401
from tests.site_fixtures import PASSWORD, Web

PIN = "2580"


@pytest.fixture
def full(web: Web, password_hash: str) -> Web:
    """A fortnight of a dozen people; number 3 has a PIN and asked for a correction, lars supervises that department."""
    web.clock.time = NOON + timedelta(days=3)
    zone = web.app.extensions["attendance"].zone
    with web.sessions.begin() as session:
        demo_data.make(session, count=12, days=14, now=web.clock.now(), zone=zone)
        credentials.set_pin(session, 3, PIN, at=web.clock.now())
        stored_corrections.request_correction(
            session, person_id=3, action="add", at=NOON, direction=Direction.OUT, reason="Forgot to check out.", by=BY,
            now=web.clock.now(), zone=zone,
        )  # fmt: skip
        cameras.claim(session, "door", source="0", direction=Direction.IN, owner="one", at=web.clock.now())
        session.add(Operator(username="lars", password_hash=password_hash, role="viewer", active=True, created_at=NOON))
        session.flush()
        operators.set_role(session, 3, "supervisor", departments=[people.get_person(session, 3).department])
    return web


def faults(page: Any) -> list[str]:
    """What axe calls serious, and what sticks out."""
    path = page.evaluate("location.pathname")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return ([f"{path}: {wide} px too wide"] if wide > 0 else []) + [
        f"{path}: {one['id']} at {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@SIZES
def test_an_employee_signs_in_asks_and_reads(full: Web, open_page: Open, size: dict[str, Any]) -> None:
    page = open_page("/me", username=None, **size)
    assert page.evaluate("location.pathname") == "/me/sign-in"
    found = faults(page)
    with full.sessions() as session:
        number = people.get_person(session, 3).staff_number
    page.fill("#number", str(number))
    page.fill("#pin", PIN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/me")
    found += faults(page)

    yesterday = (NOON + timedelta(days=2)).date()
    page.click(f"a[href='/me/day/{yesterday}']")
    found += faults(page)
    page.fill("#at", "23:30")
    page.check("#way-out")
    page.fill("#reason", "Stayed for the audit.")
    page.click("text=Ask for it")
    page.wait_for_selector("text=Your request is noted.")
    page.click("nav >> text=Corrections")
    assert "Stayed for the audit." in page.inner_text("main")
    found += faults(page)
    page.click("button:has-text('Withdraw') >> nth=0")
    page.wait_for_selector("text=Your request is withdrawn.")

    for name in ("Leave", "My data"):
        page.click(f"nav >> text={name}")
        found += faults(page)
    page.click("text=change")
    found += faults(page)
    page.click("text=Sign out")
    page.goto("/me")
    assert page.evaluate("location.pathname") == "/me/sign-in"
    assert found == []


@SIZES
def test_a_link_goes_from_the_persons_page_to_the_person(full: Web, open_page: Open, size: dict[str, Any]) -> None:
    admin, found = open_page("/people/5", **size), []
    for button in ("Set a PIN", "Make a badge", "Make a link"):
        admin.goto("/people/5")
        admin.click(f"text={button}")
        admin.wait_for_selector("[data-secret]")
        found += faults(admin)
        # The QR code is a picture that loaded, and not an empty frame.
        assert admin.evaluate("[...document.querySelectorAll('.once img')].every((one) => one.naturalWidth > 100)")
    link = admin.inner_text("[data-secret]")
    for path in ("/people/5", "/operators", "/operators/3", "/cameras/1", "/log"):
        admin.goto(path)
        found += faults(admin)

    phone = open_page("/me/sign-in", username=None, **size)
    phone.goto(link)
    phone.wait_for_selector("text=Open my pages")
    found += faults(phone)
    assert "#" in link and "#" not in phone.url
    phone.click("text=Open my pages")
    phone.wait_for_selector("text=Change your PIN")
    phone.fill("#pin", "8246")
    phone.fill("#repeat", "8246")
    phone.click("text=Set this PIN")
    phone.wait_for_selector("text=Your new PIN is set.")
    phone.goto(link)
    phone.wait_for_selector("text=This link cannot be used")
    assert not phone.is_visible("text=Open my pages")
    assert found == []


def test_a_supervisor_decides_on_a_phone(full: Web, open_page: Open) -> None:
    page = open_page("/login?next=/attendance/corrections", username=None, viewport={"width": 390, "height": 844})
    page.fill("#username", "lars")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/attendance/corrections")
    found = faults(page)
    page.click("button:has-text('Approve') >> nth=0")
    page.wait_for_selector("text=Approved: it counts now.")
    with full.sessions() as session:
        assert [one.decided_by for one in corrections.corrections(session, state="approved")] == ["lars"]
    assert found == []
