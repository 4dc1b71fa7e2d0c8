"""No link is made of a host that somebody forged, and cookies of https stay with https."""

from __future__ import annotations

from typing import Any

import pytest

from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from attendance.web.app import create_app
from attendance.web.security import limiter
from tests.fakes import FakeAnalyser, FakeClock
from tests.site_fixtures import PASSWORD, SETTINGS, Browser, Web

PUBLIC = "https://doors.example.org"


@pytest.fixture
def public(web: Web, sessions: Sessions, keys: Keys, clock: FakeClock) -> Web:
    """The same site, reached by https under a name."""
    changed = SETTINGS.web.model_copy(update={"public_url": PUBLIC, "https_only": True})
    app = create_app(SETTINGS.model_copy(update={"web": changed}), sessions, keys, FakeAnalyser(), clock)
    limiter.reset()
    return Web(app, sessions, keys, web.analyser, clock)


def signed_in(web: Web) -> Browser:
    browser = Browser(web.app.test_client())
    original = browser.client.open

    def opened(*args: Any, **options: Any) -> Any:
        return original(*args, **({"base_url": PUBLIC, "headers": {"Referer": PUBLIC}} | options))

    browser.client.open = opened  # type: ignore[method-assign]
    assert browser.submit("/login", {"username": "ada", "password": PASSWORD}).status_code == 302
    return browser


def test_links_and_codes_name_the_public_address_whatever_host_was_asked_for(public: Web) -> None:
    person, browser = public.add("Anna Berg", staff_number="7"), signed_in(public)

    page = browser.submit(f"/people/{person}/link").get_data(as_text=True)

    assert f"{PUBLIC}/me/link#" in page


@pytest.mark.parametrize("host", ["evil.example", "doors.example.org.evil.example", "10.0.0.9:8000"])
def test_a_forged_host_is_refused_before_anything_is_done(public: Web, host: str) -> None:
    assert public.app.test_client().get("/login", headers={"Host": host}).status_code == 421


def test_its_own_computer_may_still_ask_by_its_own_name(public: Web) -> None:
    assert public.app.test_client().get("/livez", headers={"Host": "127.0.0.1:8000"}).status_code == 200


def test_https_is_remembered_and_its_cookie_is_bound_to_the_host(public: Web) -> None:
    answer = public.app.test_client().get("/login", base_url=PUBLIC)

    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    cookies = answer.headers.getlist("Set-Cookie")
    assert all(one.startswith("__Host-") and "Secure" in one and "Path=/" in one for one in cookies)


def test_a_site_without_https_promises_none(web: Web) -> None:
    assert "Strict-Transport-Security" not in web.browser().get("/login").headers


def test_an_account_is_not_guessed_from_many_addresses_and_its_operator_is_not_locked_out(web: Web) -> None:
    admin = web.browser("ada")
    codes = [
        web.browser().submit(
            "/login", {"username": "ada", "password": "wrong"}, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}
        ).status_code
        for n in range(32)
    ]  # fmt: skip

    assert codes == [401] * 30 + [429] * 2
    assert admin.get("/people").status_code == 200
    assert web.browser("ada").get("/people").status_code == 200  # where she is signed in already
