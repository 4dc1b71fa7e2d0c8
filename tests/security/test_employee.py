"""An employee gets to nobody else's data and to no operator's page; PINs, links, cookies and sessions."""

from __future__ import annotations

import re

import pytest

from attendance.service.hours import days
from attendance.service.people import own_requests
from attendance.store.people import credentials, people, pins
from attendance.web.me import employee
from tests.factories import NOON
from tests.site_fixtures import Browser, Web
from tests.web.me.conftest import (
    ASK,
    DAY,
    FILES,
    FRIDAY,
    OTHER,
    PAGES,
    PIN,
    anna,
    link_for,
    me,
    my_corrections,
    pin_hashes,
    signed_in,
)

__all__ = ["anna", "me", "pin_hashes"]


def test_without_signing_in_every_page_leads_to_the_sign_in(web: Web, anna: int, stranger: Browser) -> None:
    for rule in web.app.url_map.iter_rules():
        if rule.endpoint.startswith("me.") and rule.endpoint not in (
            "me.sign_in_page", "me.sign_in", "me.link", "me.look_at_link", "me.use_link",
        ):  # fmt: skip
            path = re.sub(r"<[^>]+>", FRIDAY.isoformat(), re.sub(r"<int:[^>]+>", "1", rule.rule))
            answer = stranger.get(path) if "GET" in (rule.methods or ()) else stranger.submit(path)
            assert (answer.status_code, answer.location) == (302, "/me/sign-in"), path


def test_an_employee_never_reaches_the_operators_pages(web: Web, me: Browser) -> None:
    for rule in web.app.url_map.iter_rules():
        if rule.endpoint.startswith(("me.", "kiosk", "auth.", "oidc.")) or "GET" not in (rule.methods or ()):
            continue
        if rule.endpoint not in ("static", "bootstrap.static", "health.check", "health.alive", "health.ready"):
            answer = me.get(re.sub(r"<[^>]+>", "1", rule.rule))
            assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), rule.rule


def test_an_operator_is_no_employee_and_both_may_share_a_browser(web: Web, anna: int, admin: Browser) -> None:
    assert admin.get("/me").location == "/me/sign-in"
    admin.submit("/me/sign-in", {"number": "7", "pin": PIN})
    assert "Anna Berg" in admin.text("/me")
    assert admin.get("/operators").status_code == 200

    admin.submit("/me/sign-out")
    assert admin.get("/me").status_code == 302
    assert admin.get("/operators").status_code == 200


def test_a_wrong_pin_and_an_unknown_number_are_answered_alike(web: Web, anna: int, stranger: Browser) -> None:
    wrong, unknown = (stranger.submit("/me/sign-in", {"number": number, "pin": "1111"}) for number in ("7", "99"))

    texts = [answer.get_data(as_text=True) for answer in (wrong, unknown)]
    assert wrong.status_code == unknown.status_code == 401
    texts = [re.sub(r'value="(7|99)"|nonce[^>]*|content="[^"]{20,}"|csrf_token[^>]*', "", text) for text in texts]
    assert texts[0] == texts[1]
    assert "Number or PIN is wrong." in texts[0]


def test_trying_pins_is_slowed_down_by_number_and_by_address(web: Web, anna: int, stranger: Browser) -> None:
    codes = [stranger.submit("/me/sign-in", {"number": "7", "pin": f"{n:04d}"}).status_code for n in range(9)]
    assert codes == [401] * 8 + [429]
    right = web.browser().submit("/me/sign-in", {"number": "7", "pin": PIN})
    assert right.status_code == 429  # from this address; elsewhere the number itself is locked, as at a kiosk
    web.clock.advance(30)
    here = pins.Place("web", "127.0.0.1")
    assert pins.try_pin(web.sessions, "7", PIN, at=web.clock.now(), place=here).outcome is pins.Tried.LOCKED
    elsewhere = pins.Place("tablet", "1")
    assert pins.try_pin(web.sessions, "7", PIN, at=web.clock.now(), place=elsewhere).outcome is pins.Tried.FITS


def test_a_session_ends_after_an_hour_with_another_pin_and_with_the_person(web: Web, anna: int) -> None:
    first, second, third = (signed_in(web) for _ in range(3))
    web.clock.advance(59 * 60)
    assert first.get("/me").status_code == 200
    web.clock.advance(120)
    assert first.get("/me").location == "/me/sign-in"

    web.clock.advance(-120)
    other = pins.hashed_pin("951746")
    with web.sessions.begin() as session:
        pins.set_pin(session, anna, other, at=NOON)
    assert second.get("/me").location == "/me/sign-in"

    third = signed_in(web, pin="951746")
    with web.sessions.begin() as session:
        people.set_active(session, anna, False, at=NOON)
    assert third.get("/me").location == "/me/sign-in"


def test_the_cookie_is_for_these_pages_only_and_cannot_be_made_up(web: Web, anna: int) -> None:
    answer = web.browser().submit("/me/sign-in", {"number": "7", "pin": PIN})
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith(employee.COOKIE))
    assert "Path=/me" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    value = cookie.split("=", 1)[1].split(";")[0]

    for forged in ("", "x", value[:-2] + "AA", value.replace(value[:4], "eyJp", 1)[:-1]):
        browser = web.browser()
        browser.client.set_cookie(employee.COOKIE, forged, path="/me")
        assert browser.get("/me").location == "/me/sign-in"


def test_the_secret_of_a_link_is_in_no_log_even_where_something_breaks(
    web: Web, anna: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(credentials, "use_link", broken)
    token = link_for(web, anna)
    assert web.browser().submit("/me/link", {"token": token}).status_code == 500
    assert "/me/link failed" in caplog.text and token not in caplog.text


def test_a_locked_number_is_told_from_a_wrong_pin_and_tries_are_counted_by_person(web: Web, me: Browser) -> None:
    zelda, form = signed_in(web, "8", OTHER), {"pin": "824613", "repeat": "824613"}
    told = [me.submit("/me/pin", form | {"present": "1111"}) for _ in range(6)]
    locked = me.submit("/me/pin", form | {"present": PIN})
    assert "not your present PIN" in told[0].get_data(as_text=True)
    assert "Too many wrong PINs for this number" in locked.get_data(as_text=True)
    assert "not your present PIN" not in locked.get_data(as_text=True)

    limited = [me.submit("/me/pin", form | {"present": "1111"}) for _ in range(14)][-1]
    assert limited.status_code == 429
    assert "Wait up to an hour" in limited.get_data(as_text=True)
    assert zelda.submit("/me/pin", form | {"present": OTHER}).location == "/me"  # from the same address


def test_nobody_asks_without_end(web: Web, me: Browser, anna: int) -> None:
    for minute in range(own_requests.MOST_WAITING):
        me.submit("/me/corrections", ASK | {"at": f"17:{minute:02d}"})
    answer = me.submit("/me/corrections", ASK | {"at": "18:00"}, follow_redirects=True)

    assert "wait already" in answer.get_data(as_text=True)
    assert len(my_corrections(web, anna)) == own_requests.MOST_WAITING


def test_nothing_of_anybody_else_is_seen_or_touched(web: Web, me: Browser) -> None:
    (zeldas,) = my_corrections(web, 2)
    for path in (*PAGES, *FILES, f"/me/day/{DAY}", "/me?month=2024-04"):
        text = me.get(path).get_data(as_text=True)
        assert "Zelda" not in text and "secret" not in text, path

    answer = me.submit(f"/me/corrections/{zeldas.id}/withdraw", follow_redirects=True)
    assert "There is no such correction" in answer.get_data(as_text=True)
    with web.sessions() as session:
        passage = days.days_of(session, 2, FRIDAY, FRIDAY, web.app.extensions["attendance"].zone)[0].used[0].punch
    me.submit("/me/corrections", {"action": "void", "passage_id": passage.id, "reason": "Not mine."})
    assert my_corrections(web, 1) == []
    assert [one.state for one in my_corrections(web, 2)] == ["requested"]


def test_an_own_page_bears_the_headers_that_protect_it(me: Browser) -> None:
    answer = me.get("/me")

    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"\sstyle=|\son\w+=", answer.get_data(as_text=True))


def test_a_form_without_its_token_does_nothing(me: Browser) -> None:
    for path in ("/me/sign-in", "/me/sign-out", "/me/corrections", "/me/consent/withdraw", "/me/pin", "/me/link"):
        assert me.client.post(path, data=ASK | {"sure": "yes"}).status_code == 400, path
