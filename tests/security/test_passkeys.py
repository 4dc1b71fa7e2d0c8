"""A passkey opens the site for its operator, at this address, once an answer, and for nobody else."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from attendance.store.operators import operators, passkeys
from attendance.store.tables.operators import OidcAccount
from tests.security.conftest import copy_of
from tests.security.second_factors import code, set_up
from tests.security.software_passkey import SoftwarePasskey
from tests.site_fixtures import PASSWORD, SETTINGS, Browser, Web

SIGN_IN = {"username": "vera", "password": PASSWORD}
NEW = {"username": "grace", "password": "a quite different one", "repeat": "a quite different one", "role": "admin"}
OPTIONS = "/login/passkey/options"


def asked(browser: Browser, path: str = OPTIONS) -> dict[str, Any]:
    answer = browser.submit(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.json
    return found


def add(browser: Browser, passkey: SoftwarePasskey, **form: str) -> Any:
    answer = passkey.made(asked(browser, "/second-factor/passkeys/options"))
    return browser.submit("/second-factor/passkeys", {"passkey": answer, "name": "Office"} | form)


def sign_in(web: Web, passkey: SoftwarePasskey) -> Any:
    browser = web.browser()
    return browser.submit("/login/passkey", {"passkey": passkey.answer(asked(browser))})


def half(web: Web) -> Browser:
    browser = web.browser()
    assert browser.submit("/login", SIGN_IN).location == "/login/code"
    return browser


def browser_at(web: Web, base: str) -> Browser:
    """A browser that opened the site at this address."""
    client = web.app.test_client()
    client.open = partial(client.open, base_url=base, headers={"Referer": f"{base}/"})  # type: ignore[method-assign]
    return Browser(client)


def actions(web: Web) -> list[str]:
    with web.sessions() as session:
        return list(session.execute(text("SELECT action FROM audit_entries")).scalars())


def at_public_url(web: Web, address: str) -> None:
    changed = SETTINGS.web.model_copy(update={"public_url": address})
    web.site.settings = SETTINGS.model_copy(update={"web": changed})


@pytest.fixture
def passkey(web: Web, viewer: Browser) -> SoftwarePasskey:
    """Vera's."""
    made = SoftwarePasskey()
    assert add(viewer, made).status_code == 200
    return made


def test_a_passkey_that_checks_who_holds_it_signs_in_alone(web: Web, passkey: SoftwarePasskey) -> None:
    browser = web.browser()
    assert "Sign in with a passkey" in browser.text("/login")

    done = browser.submit("/login/passkey?next=/log", {"passkey": passkey.answer(asked(browser))})

    assert done.location == "/log"
    assert "vera" in browser.text("/people")
    with web.sessions() as session:
        ways = session.execute(text("SELECT way FROM sign_ins WHERE operator_id = 2 ORDER BY begun_at")).scalars()
        assert "passkey" in list(ways)


def test_recovery_codes_come_with_the_first_one_and_the_password_alone_opens_nothing(web: Web, viewer: Browser) -> None:
    shown = add(viewer, SoftwarePasskey()).get_data(as_text=True)
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", shown)
    assert len(codes) == 10
    other = SoftwarePasskey(id=b"another passkey")
    assert add(viewer, other, name="").location == "/second-factor"  # shown once, not again

    assert half(web).submit("/login/code", {"code": "000000"}).status_code == 401
    assert half(web).submit("/login/code", {"code": codes[0]}).location == "/"
    assert actions(web).count("add_passkey") == 2


def test_one_that_checks_a_touch_only_is_the_second_factor_and_no_more(web: Web, viewer: Browser) -> None:
    touched = SoftwarePasskey(verifies=False)
    add(viewer, touched)

    alone = sign_in(web, touched)
    browser = half(web)
    options = asked(browser)

    assert alone.location.startswith("/login")
    assert len(options["publicKey"]["allowCredentials"]) == 1
    assert browser.submit("/login/code", {"passkey": touched.answer(options)}).location == "/"
    assert browser.get("/people").status_code == 200


def test_a_wrong_origin_a_wrong_host_and_another_key_open_nothing(web: Web, passkey: SoftwarePasskey) -> None:
    for wrong in (
        replace(passkey, origin="https://localhost"),
        replace(passkey, origin="http://localhost:8001"),
        replace(passkey, origin="http://evil.example"),
        replace(passkey, key=SoftwarePasskey().key),
        replace(passkey, handle="AAAA"),
        replace(passkey, id=b"not known here at all"),
    ):
        answer = sign_in(web, wrong)
        assert answer.status_code == 401, wrong
    browser = web.browser()
    options = asked(browser)
    options["publicKey"]["rpId"] = "evil.example"
    assert browser.submit("/login/passkey", {"passkey": passkey.answer(options)}).status_code == 401
    assert sign_in(web, passkey).status_code == 302


def test_answers_that_are_not_answers_are_refused(web: Web, passkey: SoftwarePasskey) -> None:
    whole = passkey.answer(asked(web.browser()))
    for wrong in ("", "{", "[]", "null", '{"id": 1}', '{"id": "x"}', whole[:-20], whole.replace("e", "f"), "[" * 9000):
        browser = web.browser()
        browser.client.environ_base["REMOTE_ADDR"] = "127.0.0.2"  # as many guesses as one address has
        asked(browser)
        assert browser.submit("/login/passkey", {"passkey": wrong}).status_code in (401, 429), wrong[:40]
        assert browser.get("/people").location.startswith("/login")


def test_an_answer_counts_once_in_a_copy_of_the_browser_too(web: Web, viewer: Browser) -> None:
    """Of a passkey that does not count, so that nothing but the challenge tells."""
    quiet = SoftwarePasskey(counts=False)
    add(viewer, quiet)
    browser = web.browser()
    options = asked(browser)
    thief, answer = copy_of(web, browser), quiet.answer(options)

    assert browser.submit("/login/passkey", {"passkey": answer}).location == "/"
    assert thief.submit("/login/passkey", {"passkey": answer}).status_code == 401
    assert browser.submit("/login/passkey", {"passkey": answer}).status_code == 401
    assert web.browser().submit("/login/passkey", {"passkey": answer}).status_code == 401


def test_a_challenge_is_for_one_purpose_in_one_browser_for_five_minutes(web: Web, passkey: SoftwarePasskey) -> None:
    first, second, late = web.browser(), web.browser(), web.browser()
    mine = asked(first)
    asked(second)
    assert second.submit("/login/passkey", {"passkey": passkey.answer(mine)}).status_code == 401

    owing = half(web)
    signing = asked(owing)
    assert owing.submit("/login/passkey", {"passkey": passkey.answer(signing)}).status_code == 401

    waiting = asked(late)
    web.clock.advance(301)
    assert late.submit("/login/passkey", {"passkey": passkey.answer(waiting)}).status_code == 401


def test_anothers_passkey_is_not_the_second_factor(web: Web, admin: Browser, passkey: SoftwarePasskey) -> None:
    foreign = SoftwarePasskey(id=b"of ada, not of vera")
    add(admin, foreign)
    browser = half(web)

    answer = browser.submit("/login/code", {"passkey": foreign.answer(asked(browser))})

    assert answer.status_code == 401
    assert "does not fit" in answer.get_data(as_text=True)
    assert browser.get("/people").location.startswith("/login")


def test_a_counter_that_goes_back_is_refused_and_noted(web: Web, passkey: SoftwarePasskey) -> None:
    copied = replace(passkey)
    for _ in range(3):
        assert sign_in(web, passkey).status_code == 302

    assert sign_in(web, copied).status_code == 401  # its counter is where the others' was
    assert actions(web).count("suspect_passkey") == 1
    assert sign_in(web, passkey).status_code == 302


def test_a_deactivated_operator_and_one_of_a_provider_have_no_use_of_a_passkey(
    web: Web, viewer: Browser, passkey: SoftwarePasskey
) -> None:
    with web.sessions.begin() as session:
        operators.set_operator_active(session, 2, False)
    assert sign_in(web, passkey).status_code == 401
    with web.sessions.begin() as session:
        operators.set_operator_active(session, 2, True)
    assert sign_in(web, passkey).status_code == 302

    browser = web.browser()
    assert browser.submit("/login/passkey", {"passkey": passkey.answer(asked(browser))}).status_code == 302
    with web.sessions.begin() as session:
        session.add(OidcAccount(operator_id=2, issuer="https://id.example", subject="2"))
    assert sign_in(web, passkey).status_code == 401
    assert "provider" in browser.text("/second-factor")
    assert browser.submit("/second-factor/passkeys/options").status_code == 409
    assert browser.submit("/second-factor/begin").status_code == 302
    assert "data-secret" not in browser.text("/second-factor")
    assert "you change it there" in browser.text("/password")
    assert browser.submit("/password", {"present": PASSWORD}).status_code == 400


def test_it_proves_before_a_dangerous_act_and_a_touch_needs_the_password_too(web: Web, admin: Browser) -> None:
    passkey, touched = SoftwarePasskey(), SoftwarePasskey(id=b"touched", verifies=False)
    add(admin, passkey)
    add(admin, touched)
    form = NEW | {"proof_target": "/operators", "proof_method": "POST"}

    def prove(used: SoftwarePasskey, **more: str) -> int:
        web.clock.advance(660)
        assert "Is it you?" in admin.submit("/operators", NEW).get_data(as_text=True)
        return admin.submit("/prove", form | {"proof_passkey": used.answer(asked(admin))} | more).status_code

    assert prove(touched) == 401
    assert prove(touched, proof_password="wrong") == 401
    assert prove(replace(passkey, origin="http://evil.example")) == 401
    assert prove(touched, proof_password=PASSWORD) == 307
    assert prove(passkey) == 307


def test_the_list_names_renames_and_removes(
    web: Web, admin: Browser, viewer: Browser, passkey: SoftwarePasskey
) -> None:
    assert 'value="Office"' in viewer.text("/second-factor")
    assert viewer.submit("/second-factor/passkeys/1/name", {"name": " "}).status_code == 302
    assert viewer.submit("/second-factor/passkeys/1/name", {"name": "Old\x00 key"}).status_code == 302
    assert 'value="Old key"' in viewer.text("/second-factor")
    for path in ("/second-factor/passkeys/1/name", "/second-factor/passkeys/1/remove"):
        assert admin.submit(path, {"name": "mine"}).status_code == 404

    web.clock.advance(660)
    assert viewer.submit("/second-factor/passkeys/1/remove").status_code == 401  # asks first
    renewed = web.browser()
    assert renewed.submit("/login/passkey", {"passkey": passkey.answer(asked(renewed))}).status_code == 302
    renewed.submit("/second-factor/passkeys/1/remove")

    assert sign_in(web, passkey).status_code == 401
    assert {"rename_passkey", "remove_passkey"} <= set(actions(web))
    assert web.browser("vera").get("/people").status_code == 200  # the password is enough again
    with web.sessions() as session:
        assert session.execute(text("SELECT count(*) FROM recovery_codes")).scalar() == 0


def test_a_reset_takes_passkeys_too(web: Web, admin: Browser, passkey: SoftwarePasskey) -> None:
    admin.submit("/operators/2/second-factor/reset")

    assert sign_in(web, passkey).status_code == 401
    assert web.browser("vera").get("/people").status_code == 200


def test_the_app_can_go_while_a_passkey_stays(web: Web, viewer: Browser) -> None:
    secret, codes = set_up(web, viewer)
    passkey = SoftwarePasskey()
    assert add(viewer, passkey).location == "/second-factor"  # the codes that are there stay
    viewer.submit("/second-factor/remove")
    web.clock.advance(30)

    assert half(web).submit("/login/code", {"code": code(web, secret)}).status_code == 401
    assert half(web).submit("/login/code", {"code": codes[1]}).status_code == 302
    assert sign_in(web, passkey).status_code == 302


def test_the_same_passkey_is_nobody_elses(web: Web, admin: Browser, passkey: SoftwarePasskey) -> None:
    add(admin, replace(passkey))

    with web.sessions() as session:
        assert len(passkeys.list_of(session, 2)) == 1 and not passkeys.list_of(session, 1)


@pytest.mark.parametrize(
    ("public_url", "base", "words"),
    [
        ("", "http://127.0.0.1:8000", "set web.public_url"),
        ("", "http://site.example", "set web.public_url"),
        ("http://site.example", "http://site.example", "which http://site.example is not"),
        ("https://192.0.2.7", "https://192.0.2.7", "which https://192.0.2.7 is not"),
        ("https://site.example", "http://127.0.0.1:8000", "work at https://site.example only"),
        ("https://site.example:8443", "https://site.example:8443", ""),
        ("", "http://localhost:8000", ""),
    ],
)
def test_they_are_offered_where_they_can_work_and_the_page_says_why_not(
    web: Web, public_url: str, base: str, words: str
) -> None:
    at_public_url(web, public_url)
    browser = browser_at(web, base)
    browser.submit("/login", {"username": "ada", "password": PASSWORD})

    page = browser.text("/second-factor")
    answer = browser.submit("/second-factor/passkeys/options")

    assert (words or "Add a passkey") in page
    assert ("/second-factor/passkeys/new" in page) == (not words)
    assert answer.status_code == (409 if words else 200)


def test_localhost_is_this_computer_whatever_a_request_names(web: Web, passkey: SoftwarePasskey) -> None:
    far = web.browser()
    far.client.environ_base["REMOTE_ADDR"] = "192.0.2.9"
    assert far.submit(OPTIONS).status_code == 409

    # Another program of this computer at another port: what a browser answers there names that port.
    other = replace(passkey, origin="http://localhost:9999")
    browser, named = web.browser(), {"headers": {"Host": "localhost:9999"}}
    answer = other.answer(browser.submit(OPTIONS, **named).json)
    assert browser.submit("/login/passkey", {"passkey": answer}, **named).status_code == 401


def test_a_passkey_of_a_public_address_signs_in_there(web: Web) -> None:
    at_public_url(web, "https://site.example")
    there = browser_at(web, "https://site.example")
    there.submit("/login", SIGN_IN)
    passkey = SoftwarePasskey(origin="https://site.example")
    add(there, passkey)
    browser = browser_at(web, "https://site.example")

    assert browser.submit("/login/passkey", {"passkey": passkey.answer(asked(browser))}).location == "/"
    assert sign_in(web, replace(passkey, origin="http://localhost")).status_code == 401  # another host's


def test_whoever_must_have_a_second_factor_may_choose_a_passkey(web: Web) -> None:
    changed = SETTINGS.web.model_copy(update={"second_factor": "everybody"})
    web.site.settings = SETTINGS.model_copy(update={"web": changed})
    browser = web.browser("vera")
    assert browser.get("/people").location == "/second-factor"

    assert browser.get("/second-factor/passkeys/new").status_code == 200
    add(browser, SoftwarePasskey())

    assert browser.get("/people").status_code == 200
