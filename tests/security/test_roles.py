"""Every route by every role: who is let in, who may only read, and no form without its token."""

from __future__ import annotations

import csv
from pathlib import Path

from attendance.web.permissions import PERMISSIONS
from attendance.web.security import PUBLIC, needed_permission, permission
from tests.factories import ANNA
from tests.security.roles import WHO, outcomes, routes
from tests.site_fixtures import Browser, Web

OPEN = {
    "auth.login",
    "auth.sign_in",
    "auth.setup",
    "health.check",
    "health.alive",
    "health.ready",
    "static",
    "bootstrap.static",
}
# A row for each endpoint and method of the operators' site; HEAD is answered as GET.
TABLE = Path(__file__).with_name("role_table.csv")


def test_every_route_answers_every_role_as_the_table_says(web: Web, password_hash: str) -> None:
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = {(row["endpoint"], row["method"]): tuple(row[role] for role in WHO) for row in rows}

    outcome = outcomes(web, password_hash)

    assert {key: answers for key, answers in outcome.items() if key[1] != "HEAD"} == table
    for (endpoint, method), answers in outcome.items():
        if method == "HEAD":
            assert answers == table[endpoint, "GET"], endpoint


def test_every_view_names_a_permission_or_is_public(web: Web) -> None:
    assert OPEN == PUBLIC
    for method in ("GET", "POST"):
        for endpoint, _path in routes(web, method):
            needed = needed_permission(web.app.view_functions[endpoint], method)
            assert (needed in PERMISSIONS) != (endpoint in PUBLIC), (endpoint, method)


def test_every_permission_is_asked_for(web: Web) -> None:
    views = web.app.view_functions.values()

    assert {needed_permission(view, method) for view in views for method in ("GET", "POST")} - {None} == PERMISSIONS


def test_a_view_without_a_permission_is_refused_to_everybody(web: Web) -> None:
    web.app.add_url_rule("/forgotten", "forgotten", lambda: "open", methods=["GET", "POST"])
    web.app.add_url_rule("/half", "half", permission("read_log")(lambda: "open"), methods=["GET", "POST"])

    for name in ("ada", "vera"):
        browser = web.browser(name)
        assert browser.get("/forgotten").status_code == 403
        assert browser.submit("/forgotten").status_code == 403
        assert browser.get("/half").status_code == 200
        assert browser.submit("/half").status_code == 403  # a permission to read opens no change
    assert web.browser().get("/forgotten").location.startswith("/login")


def test_nothing_but_the_login_is_reachable_without_signing_in(web: Web, stranger: Browser) -> None:
    for endpoint, path in routes(web, "GET"):
        if endpoint not in OPEN:
            answer = stranger.get(path)
            assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), path
    for endpoint, path in routes(web, "POST"):
        if endpoint not in OPEN:
            assert stranger.submit(path).location.startswith("/login"), path


def test_a_script_that_was_signed_out_is_told_so_in_json(stranger: Browser) -> None:
    answer = stranger.get("/log/rows", headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json["words"] == "You are signed out."


def test_a_viewer_can_change_nothing(web: Web, viewer: Browser) -> None:
    person = web.add("Anna Berg")
    web.enrol(person, ANNA)
    own = {
        "auth.sign_in",
        "auth.setup",
        "auth.logout",
        "operators.password",
        "sign_ins.end",
        "report_pages.stop_making",
    }
    for endpoint, path in routes(web, "POST"):
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
    for endpoint, path in routes(web, "POST"):
        answer = admin.client.post(path, data={"active": "no"})
        assert answer.status_code == 400, (endpoint, answer.status)
        assert "out of date" in answer.get_data(as_text=True)
