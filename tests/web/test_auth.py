"""/login and /logout."""

from __future__ import annotations

import pytest

from attendance.store.operators import operators
from tests.site_fixtures import PASSWORD, Browser, Web


def test_the_right_password_signs_in_and_leads_to_the_page_that_was_wanted(stranger: Browser) -> None:
    wanted = stranger.get("/log?outcome=denied")
    signed_in = stranger.submit(wanted.location, {"username": "ADA ", "password": PASSWORD})

    assert wanted.status_code == 302
    assert signed_in.location == "/log?outcome=denied"
    assert "Check-in log" in stranger.text(signed_in.location)


def test_a_wrong_user_and_a_wrong_password_look_the_same(stranger: Browser) -> None:
    wrong_user = stranger.submit("/login", {"username": "nobody", "password": PASSWORD})
    wrong_password = stranger.submit("/login", {"username": "ada", "password": "wrong"})

    assert wrong_user.status_code == wrong_password.status_code == 401
    for answer in (wrong_user, wrong_password):
        assert "User name or password is wrong." in answer.get_data(as_text=True)


def test_an_inactive_operator_cannot_sign_in(web: Web, stranger: Browser) -> None:
    with web.sessions.begin() as session:
        operators.set_operator_active(session, 2, False)

    assert stranger.submit("/login", {"username": "vera", "password": PASSWORD}).status_code == 401


def test_guessing_is_slowed_down_and_says_so(stranger: Browser) -> None:
    codes = [stranger.submit("/login", {"username": "ada", "password": "wrong"}).status_code for _ in range(9)]
    blocked = stranger.submit("/login", {"username": "ada", "password": PASSWORD})

    assert codes == [401] * 8 + [429]
    assert blocked.status_code == 429
    assert "Too many attempts" in blocked.get_data(as_text=True)


def test_signing_in_correctly_is_not_limited(web: Web) -> None:
    for _ in range(14):
        web.browser("ada")


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "/a\nb", "x:1"])
def test_another_site_is_never_where_the_login_leads(stranger: Browser, target: str) -> None:
    answer = stranger.client.post(
        "/login",
        query_string={"next": target},
        data={"username": "ada", "password": PASSWORD, "csrf_token": stranger.token()},
    )

    assert answer.location == "/"


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(web: Web) -> None:
    browser = web.browser()
    answer = browser.submit("/login", {"username": "ada", "password": PASSWORD})
    (cookie,) = answer.headers.getlist("Set-Cookie")

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_session_whose_age_only_an_implausible_clock_could_tell_ends(web: Web, admin: Browser) -> None:
    assert admin.get("/people").status_code == 200
    web.clock.doubt = "the computer's clock jumped by 86400 seconds"
    assert admin.get("/people").status_code == 302
    web.clock.doubt = ""
    assert web.browser("ada").get("/people").status_code == 200


def test_a_session_ends_after_the_hours_of_the_settings_however_busy_it_was(web: Web, admin: Browser) -> None:
    for _ in range(7):
        web.clock.advance(3600)
        admin.text("/people")
    web.clock.advance(3700)

    assert admin.get("/people").status_code == 302


def test_a_page_that_only_keeps_itself_fresh_does_not_keep_anybody_signed_in(web: Web, admin: Browser) -> None:
    for _ in range(13):
        web.clock.advance(300)
        fresh = admin.get("/overview/now", headers={"X-Live": "1"})
    assert fresh.status_code == 302 and "/login" in fresh.location


def test_whoever_opens_pages_stays_signed_in(web: Web, admin: Browser) -> None:
    for _ in range(13):
        web.clock.advance(300)
        assert admin.get("/people/").status_code == 200


def test_signing_out_ends_the_session_and_needs_a_post(admin: Browser) -> None:
    assert admin.get("/logout").status_code == 405
    assert admin.submit("/logout").status_code == 302
    assert admin.get("/people").status_code == 302


def test_deactivating_an_operator_ends_the_session_at_once(web: Web, viewer: Browser) -> None:
    with web.sessions.begin() as session:
        operators.set_operator_active(session, 2, False)

    assert viewer.get("/people").status_code == 302


def test_a_new_password_ends_the_sessions_of_the_old_one(web: Web, viewer: Browser) -> None:
    password = operators.hashed_password("another long password")
    with web.sessions.begin() as session:
        operators.set_password(session, 2, password)

    assert viewer.get("/people").status_code == 302


def test_where_nobody_can_sign_in_yet_the_page_says_how_to_begin(web: Web) -> None:
    with web.sessions.begin() as session:
        for operator in operators.list_operators(session):
            session.delete(operator)

    assert "attendance init" in web.browser().text("/login")
