"""Signing in at a provider: who gets in as what, and every token that must not."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from attendance.config import Oidc
from attendance.store.operators import operators
from attendance.web.operators.oidc import use_provider
from tests import needs, oidc_provider
from tests.oidc_provider import OidcProvider
from tests.site_fixtures import PASSWORD, SETTINGS, Browser, Web

needs.package("authlib", extra="oidc")


@pytest.fixture(scope="module")
def served() -> Iterator[OidcProvider]:
    """One provider, and one key, for all tests of a worker."""
    with oidc_provider.running() as provider:
        yield provider


@pytest.fixture
def provider(web: Web, served: OidcProvider) -> OidcProvider:
    served.signing, served.algorithm = served.key, "RS256"
    served.claims = {"sub": "user-1", "preferred_username": "Grace", "groups": ["staff", "door-admins"]}
    served.wrong, served.asked, served.calls = {}, [], []
    served.now = lambda: web.clock.now().timestamp()
    configure(web, served)
    return served


def configure(web: Web, provider: OidcProvider, **changes: Any) -> None:
    values = {
        "issuer": provider.issuer, "client_id": oidc_provider.CLIENT, "client_secret": oidc_provider.SECRET,
        "roles": "door-admins=admin, leads=supervisor, reception=viewer, odd=emperor", "departments_claim": "units",
    } | changes  # fmt: skip
    web.site.settings = SETTINGS.model_copy(update={"oidc": Oidc.model_validate(values)})
    use_provider(web.app)


def ask(address: str) -> str:
    """What the provider answers to a browser: where it goes next."""
    parts = urlsplit(address)
    line = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    line.request("GET", f"{parts.path}?{parts.query}")
    location = line.getresponse().getheader("Location")
    line.close()
    assert location is not None
    return location


def way_back(browser: Browser, path: str = "/login/oidc") -> str:
    """Leave for the provider and return the address at which the browser comes back."""
    location = ask(browser.get(path).location)
    return location.removeprefix("http://localhost")


def come_in(web: Web, path: str = "/login/oidc") -> tuple[Browser, Any]:
    browser = web.browser()
    return browser, browser.get(way_back(browser, path))


def is_in(browser: Browser, path: str = "/people") -> bool:
    return browser.get(path).status_code == 200


def said(browser: Browser) -> str:
    return browser.text("/login")


def test_the_right_group_signs_in_as_the_role_and_leads_on(web: Web, provider: OidcProvider) -> None:
    assert "Sign in with single sign-on" in web.browser().text("/login")
    browser, answer = come_in(web, "/login/oidc?next=/log")

    assert answer.location == "/log"
    assert is_in(browser, "/operators")
    asked = provider.asked[0]
    assert len(asked["state"]) >= 32
    assert len(asked["nonce"]) >= 32
    with web.sessions() as session:
        made = operators.find_by_username(session, "grace")
        assert made is not None
        assert (made.role, made.password_hash) == ("admin", "")
        way, actions = (
            session.execute(text("SELECT way FROM sign_ins")).scalar_one(),
            session.execute(text("SELECT action, actor_name FROM audit_entries")).all(),
        )
    assert way == "oidc"
    assert ("create_operator", "sign-in provider") in [tuple(row) for row in actions]


def test_the_same_subject_is_the_same_operator_whatever_it_is_called(web: Web, provider: OidcProvider) -> None:
    come_in(web)
    provider.claims |= {"preferred_username": "hopper", "groups": ["reception"]}
    browser, _answer = come_in(web)

    assert is_in(browser)
    assert browser.get("/operators").status_code == 403
    with web.sessions() as session:
        assert {one.username for one in operators.list_operators(session)} == {"ada", "vera", "grace"}


WRONG: dict[str, Callable[[OidcProvider], Any]] = {
    "another issuer": lambda one: one.wrong.update(iss="https://evil.example"),
    "another audience": lambda one: one.wrong.update(aud="another-site"),
    "several audiences, none of them us": lambda one: one.wrong.update(aud=["a", "b"], azp=oidc_provider.CLIENT),
    "for another party": lambda one: one.wrong.update(azp="another-site"),
    "expired": lambda one: one.wrong.update(exp=int(one.now()) - 3600, iat=int(one.now()) - 7200),
    "without an expiry": lambda one: one.wrong.update(exp=None),
    "another nonce": lambda one: one.wrong.update(nonce="n"),
    "without a nonce": lambda one: one.wrong.update(nonce=None),
    "without a subject": lambda one: one.wrong.update(sub=None),
    "not yet valid": lambda one: one.wrong.update(nbf=int(one.now()) + 3600),
    "another key": OidcProvider.sign_with_another_key,
    "the public key as a secret": OidcProvider.sign_with_the_public_key,
    "unsigned": lambda one: setattr(one, "algorithm", "none"),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_token_that_is_not_for_this_site_and_sign_in_signs_nobody_in(
    web: Web, provider: OidcProvider, how: str
) -> None:
    WRONG[how](provider)
    browser, answer = come_in(web)

    assert answer.location == "/login"
    assert "not valid" in said(browser)
    assert not is_in(browser)
    with web.sessions() as session:
        assert operators.count_operators(session) == 2


@pytest.mark.parametrize(
    "groups", [None, [], ["staff"], "door-admins-2", ["odd"], {"door-admins": True}, [["door-admins"]]]
)
def test_whoever_has_no_role_here_does_not_get_in(web: Web, provider: OidcProvider, groups: Any) -> None:
    provider.claims["groups"] = groups
    browser, _answer = come_in(web)

    assert "no role here" in said(browser)
    assert not is_in(browser)


def test_losing_the_role_at_the_provider_ends_what_is_left(web: Web, provider: OidcProvider) -> None:
    before, _answer = come_in(web)
    provider.claims["groups"] = ["staff"]
    come_in(web)

    assert not is_in(before)


def test_a_state_is_good_once_and_in_its_own_browser(web: Web, provider: OidcProvider) -> None:
    browser = web.browser()
    back = way_back(browser)
    victim = web.browser()
    assert victim.get(back).location == "/login"  # somebody else's address, which would sign the victim in as them
    assert not is_in(victim)

    assert browser.get(back).location == "/"
    again = web.browser()
    assert again.get(back).location == "/login"
    browser.submit("/logout")
    assert browser.get(back).location == "/login"
    assert not is_in(browser)


def test_a_wrong_state_a_late_one_and_another_issuers_answer_are_refused(web: Web, provider: OidcProvider) -> None:
    for change in ("state=x&", "iss=https://evil.example&"):
        browser = web.browser()
        back = way_back(browser)
        name = change.split("=")[0]
        query = {key: values[0] for key, values in parse_qs(urlsplit(back).query).items() if key != name}
        assert browser.get("/login/oidc/back?" + change, query_string=None).location == "/login"
        assert query
        assert not is_in(browser)
    browser = web.browser()
    back = way_back(browser)
    web.clock.advance(601)
    assert browser.get(back).location == "/login"
    assert not is_in(browser)


def test_a_code_that_was_used_signs_nobody_in(web: Web, provider: OidcProvider) -> None:
    browser = web.browser()
    back = way_back(browser)
    provider.issued_for.clear()

    assert browser.get(back).location == "/login"
    assert not is_in(browser)


def test_a_name_of_somebody_with_a_password_is_not_taken_over(web: Web, provider: OidcProvider) -> None:
    provider.claims["preferred_username"] = "ADA"
    browser, _answer = come_in(web)

    assert "Another operator has your user name" in said(browser)
    assert not is_in(browser)


def test_whoever_is_deactivated_here_does_not_get_in(web: Web, provider: OidcProvider, admin: Browser) -> None:
    browser, _answer = come_in(web)
    admin.submit("/operators/3/active", {"active": "no"})
    assert not is_in(browser)

    again, _answer = come_in(web)

    assert "deactivated" in said(again)
    assert not is_in(again)


def test_a_supervisor_has_the_departments_of_the_claim(web: Web, provider: OidcProvider) -> None:
    provider.claims["groups"] = ["leads"]
    browser, _answer = come_in(web)
    assert "names no department" in said(browser)
    provider.claims["units"] = ["Lab", "Shop"]

    come_in(web)

    with web.sessions() as session:
        assert operators.departments_of(session, 3) == {"Lab", "Shop"}


def test_an_administrator_with_a_password_stays(web: Web, provider: OidcProvider, admin: Browser) -> None:
    browser, _answer = come_in(web)
    browser.submit("/operators/1/active", {"active": "no"})

    assert "last active administrator with a password" in browser.text("/operators")
    assert is_in(admin)
    for password in ("", PASSWORD):
        assert web.browser().submit("/login", {"username": "grace", "password": password}).status_code in (400, 401)


def test_signing_out_ends_it_as_any_other(web: Web, provider: OidcProvider) -> None:
    browser, _answer = come_in(web)
    cookie = browser.client.get_cookie("attendance_session")
    assert cookie is not None
    thief = web.browser()
    thief.client.set_cookie("attendance_session", cookie.value)
    assert is_in(thief)

    browser.submit("/logout")

    assert not is_in(thief)


def test_keys_that_the_provider_changed_are_fetched_again(web: Web, provider: OidcProvider) -> None:
    come_in(web)
    provider.change_keys()
    browser, _answer = come_in(web)

    assert is_in(browser)


def test_a_provider_that_is_away_or_calls_itself_otherwise_leaves_the_password(
    web: Web, provider: OidcProvider
) -> None:
    provider.wrong["published_issuer"] = "https://evil.example"
    browser = web.browser()
    assert browser.get("/login/oidc").location == "/login"
    assert "calls itself otherwise" in said(browser)

    configure(web, provider, issuer="http://127.0.0.1:9")
    assert browser.get("/login/oidc").location == "/login"
    assert "sign in with a password" in said(browser)
    assert is_in(web.browser("ada"))


def test_a_dangerous_act_is_proven_by_signing_in_at_the_provider_anew(web: Web, provider: OidcProvider) -> None:
    browser, _answer = come_in(web)
    web.clock.advance(660)
    new = {"username": "joan", "password": "a quite different one", "repeat": "a quite different one"}
    asked = browser.submit("/operators", new)
    assert asked.status_code == 401
    assert 'name="proof_password"' not in asked.get_data(as_text=True)
    go_on = {"proof_target": "/operators", "proof_method": "POST"}
    assert browser.submit("/prove", go_on | new).status_code == 401

    provider.claims["sub"] = "user-2"
    assert browser.get(way_back(browser, "/login/oidc?proof=")).status_code == 302
    assert browser.submit("/prove", go_on | new).status_code == 401
    provider.claims["sub"], provider.wrong = "user-1", {"auth_time": int(provider.now()) - 4000}
    assert browser.get(way_back(browser, "/login/oidc?proof=")).status_code == 302
    assert browser.submit("/prove", go_on | new).status_code == 401
    provider.wrong = {}
    assert "It is you" in browser.text(way_back(browser, "/login/oidc?proof="))

    assert provider.asked[-1]["prompt"] == "login"
    assert browser.submit("/prove", go_on | new).status_code == 307
    assert browser.submit("/operators", new).status_code == 302


def test_without_a_provider_there_is_no_such_page(web: Web) -> None:
    browser = web.browser()
    assert browser.get("/login/oidc").status_code == 404
    assert browser.get("/login/oidc/back?code=x&state=y").status_code == 404
    assert "Sign in with" not in browser.text("/login")
