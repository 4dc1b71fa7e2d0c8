"""What holds for every page."""

from __future__ import annotations

import re

import pytest

from attendance.domain.reason import Reason
from tests.factories import ANNA
from tests.site_fixtures import Browser, Web

OPEN = {"auth.login", "auth.sign_in", "auth.setup", "health.check", "static", "bootstrap.static"}
# Rooms of people who are no operators, with guards of their own: tests/web/me/test_me.py and test_kiosk.py.
SELF_GUARDED = {"me", "kiosk"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def addresses(web: Web, method: str) -> list[tuple[str, str]]:
    """Every (endpoint, path) of the operators' site that takes this method, with 1 for each id."""
    return [
        (rule.endpoint, re.sub(r"<[^>]+>", "1", rule.rule))
        for rule in web.app.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.endpoint.split(".")[0] not in SELF_GUARDED
    ]


def test_nothing_but_the_login_is_reachable_without_signing_in(web: Web, stranger: Browser) -> None:
    for endpoint, path in addresses(web, "GET"):
        if endpoint not in OPEN:
            answer = stranger.get(path)
            assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), path
    for endpoint, path in addresses(web, "POST"):
        if endpoint not in OPEN:
            assert stranger.submit(path).location.startswith("/login"), path


def test_a_script_that_was_signed_out_is_told_so_in_json(stranger: Browser) -> None:
    answer = stranger.get("/log/rows", headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json["words"] == "You are signed out."


def test_a_viewer_can_change_nothing(web: Web, viewer: Browser) -> None:
    person = web.add("Anna Berg")
    web.enrol(person, ANNA)
    own = {"auth.sign_in", "auth.setup", "auth.logout", "operators.password"}
    for endpoint, path in addresses(web, "POST"):
        if endpoint not in own:
            assert viewer.submit(path, {"active": "no", "name": "x"}).status_code == 403, path

    assert "Anna Berg" in viewer.text(f"/people/{person}")


def test_a_viewer_reads_every_page_but_the_forms(web: Web, viewer: Browser) -> None:
    web.add("Anna Berg")
    for path in ("/", "/people", "/people/1", "/log", "/log/log.csv", "/threshold", "/password"):
        assert viewer.get(path).status_code == 200, path
    for path in ("/people/new", "/people/1/edit", "/people/1/delete", "/operators"):
        assert viewer.get(path).status_code == 403, path


def test_a_form_without_its_token_does_nothing(web: Web, admin: Browser) -> None:
    web.add("Anna Berg")
    for endpoint, path in addresses(web, "POST"):
        answer = admin.client.post(path, data={"active": "no"})
        assert answer.status_code == 400, (endpoint, answer.status)
        assert "out of date" in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/", "/people", "/log", "/threshold", "/nowhere", "/people/1"])
def test_every_answer_bears_the_headers_that_protect_it(web: Web, admin: Browser, path: str) -> None:
    web.add("Anna Berg")
    answer = admin.get(path)
    policy = answer.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_script_of_a_page_is_allowed_by_its_policy_and_no_style_stands_in_the_text(
    web: Web, admin: Browser
) -> None:
    person = web.add("Anna Berg")
    for path in ("/", "/people", f"/people/{person}", "/log", "/threshold", "/operators"):
        answer = admin.get(path)
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        page = answer.get_data(as_text=True)
        assert nonce
        scripts = re.findall(r"<script[^>]*>", page)
        assert scripts
        assert all(f'nonce="{nonce[1]}"' in script for script in scripts)
        assert not re.search(r"\sstyle=|\son\w+=", page)


def test_nothing_is_loaded_from_elsewhere(web: Web, admin: Browser) -> None:
    person = web.add("Anna Berg")
    for path in ("/", f"/people/{person}", "/log", "/threshold"):
        page = admin.text(path)
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
        for address in re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', page):
            with admin.get(address) as answer:
                assert answer.status_code == 200, address


def test_hostile_text_is_shown_as_text_everywhere(web: Web, admin: Browser) -> None:
    made = admin.submit(
        "/people/new", {"name": HOSTILE, "staff_number": HOSTILE[:90], "department": HOSTILE, "notes": HOSTILE}
    )
    assert made.status_code == 302
    admin.submit("/people/1/consent", {"text": HOSTILE, "agreed": "y"})
    web.enrol(1, ANNA)
    web.passage(person_id=1, camera=HOSTILE)
    web.passage(reason=Reason.FAULT, camera=HOSTILE)
    for path in (
        "/",
        "/people",
        "/people/1",
        "/people/1/edit",
        "/people/1/delete",
        "/log",
        "/threshold",
        f"/log?q={HOSTILE}&camera={HOSTILE}&outcome={HOSTILE}&from={HOSTILE}",
        f"/people?q={HOSTILE}",
    ):
        page = admin.text(path)
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "49" not in re.findall(r"onerror=alert\(1\)(?:&gt;|>)(\w*)", page), path
    assert "<script>alert" not in admin.get("/log/rows").json["rows"][0]["html"]


def test_control_characters_are_cut_away_and_lengths_are_held(web: Web, admin: Browser) -> None:
    fine = admin.submit("/people/new", {"name": "Anna\x00\x07\tBerg\u202e"})
    long = admin.submit("/people/new", {"name": "x" * 5000})

    assert fine.status_code == 302
    assert "<h1>Anna Berg</h1>" in admin.text("/people/1")
    assert long.status_code == 400
    assert "Use 200 characters or fewer." in long.get_data(as_text=True)


def test_a_form_of_megabytes_of_text_is_refused_whole(admin: Browser) -> None:
    assert admin.submit("/people/new", {"name": "x" * 5_000_000}).status_code == 413
