"""A password alone opens nothing where there is a second factor, and a code opens once."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from attendance.store.operators import operators
from tests.security.second_factors import STEP_S, code, set_up
from tests.site_fixtures import PASSWORD, SETTINGS, Browser, Web

SIGN_IN = {"username": "vera", "password": PASSWORD}


@pytest.fixture
def secret(web: Web, viewer: Browser) -> str:
    made, _codes = set_up(web, viewer)
    web.clock.advance(STEP_S)
    return made


def half(web: Web) -> Browser:
    """A browser in which the password was right."""
    browser = web.browser()
    assert browser.submit("/login", SIGN_IN).location == "/login/code"
    return browser


def test_the_password_and_then_the_code_sign_in_and_lead_on(web: Web, secret: str) -> None:
    browser = web.browser()
    answer = browser.submit("/login?next=/log", SIGN_IN)
    assert answer.location == "/login/code?next=/log"
    assert browser.get("/people").location.startswith("/login?")

    done = browser.submit(answer.location, {"code": code(web, secret)})

    assert done.location == "/log"
    assert browser.get("/people").status_code == 200


def test_a_code_that_was_seen_is_worth_nothing(web: Web, secret: str) -> None:
    seen = code(web, secret)
    assert half(web).submit("/login/code", {"code": seen}).status_code == 302

    again = half(web).submit("/login/code", {"code": seen})

    assert again.status_code == 401
    assert "used already" in again.get_data(as_text=True)


def test_after_five_wrong_codes_the_password_is_asked_for_again(web: Web, secret: str) -> None:
    browser = half(web)
    wrong = [browser.submit("/login/code", {"code": "000000"}).status_code for _ in range(5)]
    over = browser.submit("/login/code", {"code": code(web, secret)})

    assert wrong == [401] * 5
    assert over.location == "/login"
    assert browser.get("/people").location.startswith("/login?")


def test_wrong_codes_count_with_the_wrong_passwords_of_the_account(web: Web, secret: str) -> None:
    """From many addresses: what is counted for an address does not help."""
    answers = []
    for number in range(16):
        browser = web.browser()
        browser.client.environ_base["REMOTE_ADDR"] = f"10.0.{number}.1"
        assert browser.submit("/login", SIGN_IN | {"password": "wrong"}).status_code in (401, 429)
        if browser.submit("/login", SIGN_IN).status_code == 302:
            answers.append(browser.submit("/login/code", {"code": "000000"}).status_code)

    assert 0 < answers.count(401) <= 15
    last = web.browser()
    last.client.environ_base["REMOTE_ADDR"] = "10.9.9.9"
    assert last.submit("/login", SIGN_IN).status_code == 429


def test_half_a_sign_in_ends_after_five_minutes_and_with_another_password(web: Web, secret: str) -> None:
    late, changed = half(web), half(web)
    web.clock.advance(301)
    assert late.submit("/login/code", {"code": code(web, secret)}).location == "/login"

    changed = half(web)
    hashed = operators.hashed_password("another long password")
    with web.sessions.begin() as session:
        operators.set_password(session, 2, hashed)
    assert changed.submit("/login/code", {"code": code(web, secret)}).location == "/login"


def test_the_cookie_of_half_a_sign_in_is_not_that_of_the_whole_one(web: Web, secret: str) -> None:
    browser = half(web)
    with browser.client.session_transaction() as session:
        token = session["half"]
    thief = web.browser()
    with thief.client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = token, True
    assert thief.get("/people").location.startswith("/login?")

    cookie = browser.client.get_cookie("attendance_session")
    assert cookie is not None
    copy = web.browser()
    copy.client.set_cookie("attendance_session", cookie.value)
    browser.submit("/login/code", {"code": code(web, secret)})
    assert browser.get("/people").status_code == 200
    assert copy.get("/people").location.startswith("/login?")
    web.clock.advance(STEP_S)
    assert copy.submit("/login/code", {"code": code(web, secret)}).location == "/login"


def test_a_recovery_code_signs_in_once_and_is_noted(web: Web, viewer: Browser) -> None:
    _secret, codes = set_up(web, viewer)
    first, second = half(web), half(web)

    assert first.submit("/login/code", {"code": codes[3]}).status_code == 302
    assert "You have 9 left" in first.text("/")
    assert second.submit("/login/code", {"code": codes[3]}).status_code == 401
    assert "use_recovery_code" in actions(web)


def test_setting_it_up_signs_everybody_else_out(web: Web, viewer: Browser) -> None:
    elsewhere = web.browser("vera")
    set_up(web, viewer)

    assert elsewhere.get("/people").location.startswith("/login")
    assert viewer.get("/people").status_code == 200


def test_an_administrator_resets_it_and_the_operator_is_signed_out(
    web: Web, admin: Browser, viewer: Browser, secret: str
) -> None:
    assert "Reset the second factor" in admin.text("/operators/2")
    assert viewer.submit("/operators/1/second-factor/reset").status_code == 403

    admin.submit("/operators/2/second-factor/reset")

    assert viewer.get("/people").location.startswith("/login")
    assert web.browser("vera").get("/people").status_code == 200
    assert "reset_second_factor" in actions(web)


def test_an_administrator_resets_no_owners(web: Web, viewer: Browser, secret: str) -> None:
    with web.sessions.begin() as session:
        operators.get_operator(session, 2).role = "owner"

    assert web.browser("ada").submit("/operators/2/second-factor/reset").status_code == 409
    assert half(web)


def test_whoever_must_have_one_sets_it_up_before_anything_else(web: Web) -> None:
    web.site.settings = SETTINGS.model_copy(
        update={"web": SETTINGS.web.model_copy(update={"second_factor": "administrators"})}
    )
    browser = web.browser("ada")
    for path in ("/", "/people", "/operators", "/password"):
        assert browser.get(path).location == "/second-factor", path
    assert browser.submit("/people/new", {"name": "x"}).location == "/second-factor"
    assert browser.get("/log/rows", headers={"Accept": "application/json"}).status_code == 403
    assert web.browser("vera").get("/people").status_code == 200

    set_up(web, browser)

    assert browser.get("/people").status_code == 200


def actions(web: Web) -> list[str]:
    with web.sessions() as session:
        return list(session.execute(text("SELECT action FROM audit_entries")).scalars())
