"""Employees' own pages, and what operators got with them, in a real browser, looked over by axe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attendance.domain.passage import Direction
from attendance.service.hours import corrections as stored_corrections
from attendance.service.operations import demo_data
from attendance.service.people.own_requests import BY
from attendance.store.cameras import cameras
from attendance.store.hours import corrections
from attendance.store.operators import operators
from attendance.store.people import people, pins
from attendance.store.tables.operators import Operator
from tests import needs
from tests.factories import NOON
from tests.journeys.pages import NARROW, SIZES, Open, faults_of
from tests.site_fixtures import PASSWORD, Web

expect = needs.package("playwright.sync_api", extra="test").expect

PIN = "258014"


@pytest.fixture
def full(web: Web, password_hash: str) -> Web:
    """A fortnight of a dozen people; number 3 has a PIN and asked for a correction, lars supervises that department."""
    web.clock.time = NOON + timedelta(days=3)
    zone = web.app.extensions["attendance"].zone
    hashed = pins.hashed_pin(PIN)
    with web.sessions.begin() as session:
        demo_data.make(session, count=12, days=14, now=web.clock.now(), zone=zone)
        pins.set_pin(session, 3, hashed, at=web.clock.now())
        stored_corrections.request_correction(
            session, person_id=3, action="add", at=NOON, direction=Direction.OUT, reason="Forgot to check out.", by=BY,
            now=web.clock.now(), zone=zone,
        )  # fmt: skip
        cameras.claim(session, "door", source="0", direction=Direction.IN, owner="one", at=web.clock.now())
        session.add(Operator(username="lars", password_hash=password_hash, role="viewer", active=True, created_at=NOON))
        session.flush()
        operators.set_role(session, 3, "supervisor", departments=[people.get_person(session, 3).department])
    return web


@SIZES
def test_an_employee_signs_in_asks_and_reads(full: Web, open_page: Open, size: dict[str, Any]) -> None:
    page = open_page("/me", username=None, **size)
    page.wait_for_url("**/me/sign-in")
    found = faults_of(page)
    with full.sessions() as session:
        number = people.get_person(session, 3).staff_number
    page.fill("#number", str(number))
    page.fill("#pin", PIN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/me")
    found += faults_of(page)

    yesterday = (NOON + timedelta(days=2)).date()
    page.click(f"a[href='/me/day/{yesterday}']")
    page.wait_for_selector("#reason")
    found += faults_of(page)
    page.fill("#at", "23:30")
    page.check("#way-out")
    page.fill("#reason", "Stayed for the audit.")
    page.click("text=Send the request")
    page.wait_for_selector("text=Your request is noted.")
    page.click("nav >> text=Corrections")
    expect(page.locator("main")).to_contain_text("Stayed for the audit.")
    found += faults_of(page)
    page.click("button:has-text('Withdraw') >> nth=0")
    page.wait_for_selector("text=Your request is withdrawn.")

    for name, address in (("Leave", "leave"), ("My data", "data")):
        page.click(f"nav >> text={name}")
        page.wait_for_url(f"**/me/{address}")
        found += faults_of(page)
    page.click("text=change")
    page.wait_for_url("**/me/pin")
    found += faults_of(page)
    page.click("text=Sign out")
    page.wait_for_url("**/me/sign-in")
    page.goto("/me")
    page.wait_for_url("**/me/sign-in")
    assert found == []


@SIZES
def test_a_link_goes_from_the_persons_page_to_the_person(full: Web, open_page: Open, size: dict[str, Any]) -> None:
    admin, found = open_page("/people/5", **size), []
    for button in ("Set a PIN", "Make a badge", "Make a link"):
        admin.goto("/people/5")
        admin.click(f"text={button}")
        admin.wait_for_selector("[data-secret]")
        found += faults_of(admin)
        # The QR code is a picture that loaded, and not an empty frame.
        admin.wait_for_function("[...document.querySelectorAll('.once img')].every((one) => one.naturalWidth > 100)")
    link = admin.inner_text("[data-secret]")
    for path in ("/people/5", "/operators", "/operators/3", "/cameras/1", "/log"):
        admin.goto(path)
        found += faults_of(admin)

    phone = open_page("/me/sign-in", username=None, **size)
    phone.goto(link)
    phone.wait_for_selector("text=Open my pages")
    found += faults_of(phone)
    assert "#" in link
    phone.wait_for_function("!location.href.includes('#')")
    phone.click("text=Open my pages")
    phone.wait_for_selector("text=Change your PIN")
    phone.fill("#pin", "824613")
    phone.fill("#repeat", "824613")
    phone.click("text=Set this PIN")
    phone.wait_for_selector("text=Your new PIN is set.")
    phone.goto(link)
    phone.wait_for_selector("text=This link cannot be used")
    expect(phone.locator("text=Open my pages")).to_be_hidden()
    assert found == []


def test_a_supervisor_decides_on_a_phone(full: Web, open_page: Open) -> None:
    page = open_page("/login?next=/attendance/corrections", username=None, **NARROW)
    page.fill("#username", "lars")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/attendance/corrections")
    found = faults_of(page)
    page.click("button:has-text('Approve') >> nth=0")
    page.wait_for_selector("text=Approved: it counts now.")
    with full.sessions() as session:
        assert [one.decided_by for one in corrections.corrections(session, state="approved")] == ["lars"]
    assert found == []
