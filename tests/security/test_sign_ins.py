"""A copied cookie is worth nothing once its sign-in was ended, by whatever ends one."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from attendance.store import slow_hash
from attendance.store.operators import operators
from attendance.store.people import people, pins
from attendance.store.session import Sessions
from attendance.web.me import employee
from tests.factories import NOON
from tests.security.conftest import copy_of
from tests.site_fixtures import PASSWORD, Browser, Web
from tests.web.me.conftest import OTHER, anna, pin_hashes, signed_in

__all__ = ["anna", "pin_hashes"]


def test_a_copied_cookie_ends_with_the_sign_out(web: Web, admin: Browser) -> None:
    thief = copy_of(web, admin)
    assert thief.get("/people").status_code == 200

    admin.submit("/logout")

    assert thief.get("/people").location.startswith("/login")


def test_a_cookie_from_before_works_for_nobody_who_is_active_again(web: Web, admin: Browser, viewer: Browser) -> None:
    thief = copy_of(web, viewer)
    for active in ("no", "yes"):
        admin.submit("/operators/2/active", {"active": active})

    assert thief.get("/people").location.startswith("/login")
    assert viewer.get("/people").location.startswith("/login")
    assert web.browser("vera").get("/people").status_code == 200


def test_another_password_and_another_role_end_every_sign_in(web: Web, admin: Browser, viewer: Browser) -> None:
    other = web.browser("vera")
    changed = other.submit(
        "/password", {"present": PASSWORD, "password": "another long password", "repeat": "another long password"}
    )
    assert changed.status_code == 302
    assert viewer.get("/people").location.startswith("/login")
    assert other.get("/people").status_code == 200  # the one that changed it

    admin.submit("/operators/2", {"role": "admin", "person": "", "email": ""})

    assert other.get("/people").location.startswith("/login")


def test_after_an_hour_without_a_click_the_sign_in_is_over_whatever_a_page_asks_for(web: Web, admin: Browser) -> None:
    for _ in range(4):
        web.clock.advance(900)
        assert admin.get("/log/rows", headers={"Accept": "application/json"}).status_code == 200
    web.clock.advance(60)

    assert admin.get("/people").location.startswith("/login")


def test_clicks_keep_a_sign_in(web: Web, admin: Browser) -> None:
    for _ in range(5):
        web.clock.advance(1800)
        assert admin.get("/people").status_code == 200


def test_an_operator_sees_where_they_are_signed_in_and_ends_each(web: Web, admin: Browser, viewer: Browser) -> None:
    phone = web.browser()
    agent = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36"}
    phone.submit("/login", {"username": "ada", "password": PASSWORD}, headers=agent)
    page = admin.text("/sign-ins")
    assert "Chrome, Android" in page
    assert page.count("127.0.0.1") == 2

    chosen = page.split('name="id" value="')[1].split('"')[0]
    viewer.submit("/sign-ins/end", {"id": chosen})  # of somebody else: nothing happens
    assert phone.get("/people").status_code == 200
    admin.submit("/sign-ins/end", {"id": chosen})

    assert phone.get("/people").location.startswith("/login")
    assert admin.get("/people").status_code == 200


def test_an_operator_signs_out_everywhere_else_and_an_administrator_does_it_for_another(
    web: Web, admin: Browser, viewer: Browser
) -> None:
    other = web.browser("vera")
    viewer.submit("/sign-ins/end")
    assert (viewer.get("/people").status_code, other.get("/people").status_code) == (200, 302)

    admin.submit("/operators/2/sign-ins/end")

    assert viewer.get("/people").location.startswith("/login")
    assert admin.get("/people").status_code == 200


def test_the_database_holds_no_token(web: Web, admin: Browser, sessions: Sessions) -> None:
    with admin.client.session_transaction() as session:
        token = session["_user_id"]
    with sessions() as database:
        row = database.execute(text("SELECT * FROM sign_ins")).one()

    assert len(token) > 40
    assert token not in str(row)


def test_an_employees_copied_cookie_ends_with_the_sign_out(web: Web, anna: int) -> None:
    browser = signed_in(web)
    thief = copy_of(web, browser, employee.COOKIE, employee.PATH)
    assert thief.get("/me").status_code == 200

    browser.submit("/me/sign-out")

    assert thief.get("/me").location == "/me/sign-in"


@pytest.mark.parametrize("how", ["another PIN", "PIN revoked", "left and came back"])
def test_an_employees_sign_ins_end_with_the_pin_and_with_the_employment(web: Web, anna: int, how: str) -> None:
    browser, zelda = signed_in(web), signed_in(web, "8", OTHER)
    hashed = slow_hash.hashed("951746")
    with web.sessions.begin() as session:
        if how == "another PIN":
            pins.set_pin(session, anna, hashed, at=NOON)
        elif how == "PIN revoked":
            pins.revoke_pin(session, anna)
        else:
            people.set_active(session, anna, False, at=NOON)
            people.set_active(session, anna, True, at=NOON)

    assert browser.get("/me").location == "/me/sign-in"
    assert zelda.get("/me").status_code == 200


def test_a_token_of_one_kind_opens_nothing_of_the_other(web: Web, anna: int, admin: Browser) -> None:
    with admin.client.session_transaction() as session:
        token = session["_user_id"]
    thief = web.browser()
    thief.client.set_cookie(employee.COOKIE, token, path=employee.PATH)
    assert thief.get("/me").location == "/me/sign-in"

    cookie = signed_in(web).client.get_cookie(employee.COOKIE, path=employee.PATH)
    assert cookie is not None
    with thief.client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = cookie.value, True
    assert thief.get("/people").location.startswith("/login")


def test_removing_an_operators_last_rights_leaves_no_sign_in(web: Web, sessions: Sessions) -> None:
    browser = web.browser("vera")
    with sessions.begin() as session:
        operators.set_operator_active(session, 2, False)
    with sessions() as session:
        assert session.execute(text("SELECT count(*) FROM sign_ins")).scalar_one() == 0
    assert browser.get("/").location.startswith("/login")
