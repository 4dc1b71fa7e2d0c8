"""Dangerous acts ask for a fresh proof, keep what was typed, and are all in one table."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from attendance.store.operators import operators
from attendance.web.sudo import danger_of
from tests.security.roles import routes
from tests.security.second_factors import STEP_S, code, set_up
from tests.site_fixtures import PASSWORD, Browser, Web

# A row for each dangerous act: its view, its method, when it is one, and what it does.
TABLE = Path(__file__).with_name("sudo_table.csv")
LATER_S = 660
ASKED = "Is it you?"
NEW = {"username": "grace", "password": "a quite different one", "repeat": "a quite different one", "role": "admin"}


def table() -> list[dict[str, str]]:
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def fields(answer: TestResponse) -> dict[str, Any]:
    """The hidden fields of the page that asks, as a browser would post them."""
    page = answer.get_data(as_text=True)
    assert ASKED in page
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page):
        found.setdefault(html.unescape(name), []).append(html.unescape(value))
    return found


def prove(browser: Browser, answer: TestResponse, **typed: str) -> TestResponse:
    sent = fields(answer) | {"proof_password": PASSWORD} | typed
    proven = browser.client.post("/prove", data=sent)
    if proven.status_code == 307:  # a browser posts the same again
        return browser.client.post(proven.location, data=sent, follow_redirects=True)
    return browser.get(proven.location) if proven.status_code == 303 else proven


def usernames(web: Web) -> set[str]:
    with web.sessions() as session:
        return {one.username for one in operators.list_operators(session)}


def test_the_table_names_every_dangerous_act_and_nothing_else(web: Web) -> None:
    marked = {
        (endpoint, danger.method, "by the view" if danger.by_view else "sometimes" if danger.when else "always")
        for endpoint, view in web.app.view_functions.items()
        if (danger := danger_of(view)) is not None
    }

    assert {(row["endpoint"], row["method"], row["when"]) for row in table()} == marked
    assert all(row["act"] for row in table())


def test_the_table_is_that_of_the_documents() -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    missing = [row["act"] for row in table() if f"| {row['act']} |" not in page]

    assert missing == []


def test_each_act_asks_when_the_proof_is_old_and_not_before(web: Web, admin: Browser) -> None:
    paths = {(endpoint, method): path for method in ("GET", "POST") for endpoint, path in routes(web, method, "999")}
    always = [row for row in table() if row["when"] == "always"]
    assert len(always) > 10
    for row in always:  # a direct request, as a script would send it
        path = paths[row["endpoint"], row["method"]]
        fresh = admin.get(path) if row["method"] == "GET" else None
        assert fresh is None or fresh.status_code in (200, 404), path  # 404: of something that is not there
    web.clock.advance(LATER_S)
    for row in always:
        path = paths[row["endpoint"], row["method"]]
        answer = admin.get(path) if row["method"] == "GET" else admin.submit(path)
        assert answer.status_code == 401, path
        assert ASKED in answer.get_data(as_text=True), path


def test_what_was_typed_is_done_after_the_proof(web: Web, admin: Browser) -> None:
    web.clock.advance(LATER_S)
    asked = admin.submit("/operators", NEW | {"departments": ["Lab", "Shop & Co"]})
    assert usernames(web) == {"ada", "vera"}
    assert fields(asked)["departments"] == ["Lab", "Shop & Co"]

    wrong = prove(admin, asked, proof_password="wrong")
    assert wrong.status_code == 401
    assert usernames(web) == {"ada", "vera"}
    done = prove(admin, wrong)

    assert "grace can sign in now" in done.get_data(as_text=True)
    assert admin.submit("/operators", NEW | {"username": "joan"}).status_code == 302  # not asked again
    assert usernames(web) == {"ada", "vera", "grace", "joan"}


def test_a_proof_is_of_this_sign_in_only(web: Web, admin: Browser) -> None:
    thief = web.browser("ada")
    web.clock.advance(LATER_S)
    prove(admin, admin.submit("/operators", NEW))

    assert thief.submit("/operators", NEW | {"username": "eve"}).status_code == 401


def test_the_code_is_asked_for_too_and_counts_once(web: Web, admin: Browser) -> None:
    secret, _codes = set_up(web, admin)
    web.clock.advance(LATER_S)
    asked = admin.submit("/operators", NEW)
    used = code(web, secret)

    assert prove(admin, asked).status_code == 401
    assert prove(admin, asked, proof_code="000000").status_code == 401
    assert prove(admin, asked, proof_code=used).status_code == 200
    assert "grace" in usernames(web)
    web.clock.advance(20 * STEP_S + 20)
    assert prove(admin, admin.submit("/operators", NEW), proof_code=used).status_code == 401


def test_another_operators_password_proves_nothing(web: Web, admin: Browser) -> None:
    hashed = operators.hashed_password("another long password")
    with web.sessions.begin() as session:
        operators.set_password(session, 2, hashed)
    web.clock.advance(LATER_S)

    assert prove(admin, admin.submit("/operators", NEW), proof_password="another long password").status_code == 401


def test_guessing_at_the_page_is_slowed_down_with_all_other_guesses(web: Web, admin: Browser) -> None:
    web.clock.advance(LATER_S)
    asked = admin.submit("/operators", NEW)
    codes = [prove(admin, asked, proof_password="wrong").status_code for _ in range(13)]

    assert codes == [401] * 12 + [429]
    assert web.browser().submit("/login", {"username": "ada", "password": "wrong"}).status_code == 429


def test_the_proof_leads_to_no_other_site(web: Web, admin: Browser) -> None:
    answer = admin.submit(
        "/prove", {"proof_password": PASSWORD, "proof_target": "//evil.example", "proof_method": "GET"}
    )

    assert answer.location == "/"


def test_a_clock_that_is_not_believed_proves_nothing(web: Web, admin: Browser) -> None:
    assert admin.submit("/operators", NEW).status_code == 302
    web.clock.advance(-3600)

    assert admin.submit("/operators", NEW | {"username": "eve"}).status_code in (302, 401)
    assert "eve" not in usernames(web)


@pytest.mark.parametrize(
    ("path", "asks"),
    [
        ("/log/log.csv", True),
        ("/log/log.csv?person=abc", True),
        ("/log/log.csv?person=1", False),
        ("/attendance/reports/register.csv", True),
        ("/attendance/reports/register.csv?person=x", True),
        ("/attendance/reports/register.csv?department=Lab", False),
        ("/attendance/reports/presence.csv", False),
        ("/attendance/reports/check-ins-zk.csv", True),
    ],
)
def test_an_export_asks_if_it_is_about_everybody(web: Web, viewer: Browser, path: str, asks: bool) -> None:
    web.add("Anna Berg", department="Lab")
    web.clock.advance(LATER_S)
    answer = viewer.get(path)

    assert answer.status_code == (401 if asks else 200)
    if asks:
        done = prove(viewer, answer)
        assert done.headers["Content-Disposition"].startswith("attachment")


def test_a_door_is_locked_at_once_and_unlocked_after_a_proof(web: Web, admin: Browser) -> None:
    web.clock.advance(LATER_S)
    form = {"span": "60", "reason": "delivery", "sure": "y"}

    assert admin.submit("/doors/1/hold", form | {"mode": "unlock"}).status_code == 401
    assert admin.submit("/doors/1/hold", form | {"mode": "lock"}).status_code == 302
    assert admin.submit("/doors/lockdown").status_code == 302
    assert admin.submit("/doors/held/2/release", {"reason": "over"}).status_code == 401


def test_a_threshold_is_tightened_at_once_and_loosened_after_a_proof(web: Web, admin: Browser) -> None:
    web.set_threshold(0.5)

    def save(**changes: str) -> TestResponse:
        page = admin.text("/threshold?mode=hand&threshold=" + changes["threshold"])
        seen = html.unescape(re.search(r'name="seen"[^>]*value="([^"]*)"', page)[1])  # type: ignore[index]
        values = {"mode": "hand", "margin": "0.05", "seen": seen} | changes
        return admin.submit("/threshold", values)

    web.clock.advance(LATER_S)
    assert save(threshold="0.6").status_code == 302
    first = save(threshold="0.4", reason="masks")
    confirm = html.unescape(re.search(r'name="confirm" value="([^"]*)"', first.get_data(as_text=True))[1])  # type: ignore[index]
    asked = save(threshold="0.4", reason="masks", confirm=confirm)
    assert asked.status_code == 401
    done = prove(admin, asked)

    assert "0.400 is in force" in done.get_data(as_text=True)
