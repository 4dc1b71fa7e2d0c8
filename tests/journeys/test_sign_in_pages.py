"""Signing in with a second factor, and proving it again, in a real browser."""

from __future__ import annotations

from typing import Any

from attendance.store.operators import second_factors
from tests import needs
from tests.journeys.pages import SIZES, Open, faults_of
from tests.site_fixtures import PASSWORD, Web

expect = needs.package("playwright.sync_api", extra="test").expect
NEW = "a quite different one"


@SIZES
def test_an_app_is_set_up_and_its_code_is_asked_for_before_a_dangerous_act(
    web: Web, open_page: Open, size: dict[str, Any]
) -> None:
    page = open_page("/second-factor", **size)
    faults = faults_of(page)
    page.click("text=Set up an app")
    expect(page.locator("main img")).to_be_visible()
    faults += faults_of(page)
    secret = page.locator("[data-secret]").inner_text().replace(" ", "").strip()
    page.fill("#code", second_factors.code_at(secret, web.clock.now()))
    page.click("text=Turn it on")
    expect(page.locator("main li code")).to_have_count(second_factors.RECOVERY_CODES)
    faults += faults_of(page)

    web.clock.advance(660)
    page.goto("/operators")
    for name, value in (("username", "grace"), ("password", NEW), ("repeat", NEW)):
        page.fill(f"#{name}", value)
    page.click("main form:has(#username) button:not([type=button])")
    expect(page.locator("h1")).to_have_text("Is it you?")
    faults += faults_of(page)
    page.fill("#proof_password", PASSWORD)
    page.fill("#proof_code", second_factors.code_at(secret, web.clock.now()))
    page.click("text=Go on")
    expect(page.locator(".notice-success")).to_have_text("grace can sign in now.")

    web.clock.advance(30)
    other = open_page("/login", username=None, **size)
    other.fill("#username", "ada")
    other.fill("#password", PASSWORD)
    other.click("main button")
    expect(other.locator("h1")).to_have_text("Code")
    faults += faults_of(other)
    other.fill("#code", second_factors.code_at(secret, web.clock.now()))
    other.click("main button")
    other.wait_for_url("**/")
    assert faults == []


def with_authenticator(page: Any, verifies: bool = True) -> Any:
    """Give the page's browser a passkey store of its own, which answers without a hand."""
    developer = page.context.new_cdp_session(page)
    developer.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": verifies, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = developer.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return developer, made["authenticatorId"]


@SIZES
def test_a_passkey_is_added_signs_in_and_proves(web: Web, open_page: Open, address: str, size: dict[str, Any]) -> None:
    local = address.replace("127.0.0.1", "localhost")  # browsers know no passkeys for addresses in numbers
    page = open_page("/second-factor", base_url=local, **size)
    with_authenticator(page)
    faults = faults_of(page)
    page.click("text=Add a passkey")
    page.fill("#name", "Office computer")
    faults += faults_of(page)
    page.click("main form button[data-passkey]")
    expect(page.locator("main li code")).to_have_count(second_factors.RECOVERY_CODES)
    page.goto("/second-factor")
    expect(page.locator(".passkeys input[name=name]")).to_have_value("Office computer")
    faults += faults_of(page)

    web.clock.advance(660)
    page.goto("/operators")
    for name, value in (("username", "grace"), ("password", NEW), ("repeat", NEW)):
        page.fill(f"#{name}", value)
    page.click("main form:has(#username) button:not([type=button])")
    expect(page.locator("h1")).to_have_text("Is it you?")
    faults += faults_of(page)
    page.click("button[data-passkey]")
    expect(page.locator(".notice-success")).to_have_text("grace can sign in now.")

    page.context.clear_cookies()
    page.goto("/login")
    faults += faults_of(page)
    page.click("button[data-passkey]")
    page.wait_for_url(f"{local}/")

    page.context.clear_cookies()
    page.goto("/login")
    page.fill("#username", "ada")
    page.fill("#password", PASSWORD)
    page.click("main form:has(#password) button:not([type=button])")
    expect(page.locator("h1")).to_have_text("Code")
    faults += faults_of(page)
    page.click("button[data-passkey]")
    page.wait_for_url(f"{local}/")
    assert faults == []
