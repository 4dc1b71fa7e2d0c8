"""Every route by every role: who is let in, who may only read, and no form without its token."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from attendance.web.permissions import PERMISSIONS, scope_of
from attendance.web.roles import GRANTED, split
from attendance.web.security import PUBLIC, needed_permission, permission
from tests.factories import ANNA
from tests.security.roles import ROLES, WHO, outcomes, page, predicted, routes
from tests.site_fixtures import Browser, Web

OPEN = {
    "auth.login",
    "auth.sign_in",
    "auth.code",
    "auth.setup",
    "oidc.begin",
    "oidc.back",
    "passkeys.options",
    "passkeys.sign_in",
    "health.check",
    "health.alive",
    "health.ready",
    "static",
    "bootstrap.static",
}
# A row for each endpoint and method of the operators' site; HEAD is answered as GET.
TABLE = Path(__file__).with_name("role_table.csv")
PAGE = Path(__file__).parents[2] / "docs" / "roles.md"
# Asked for by views that have another permission: operators.py.
INSIDE = {"manage_owner"}


@pytest.mark.long
def test_every_route_answers_every_role_as_the_table_says(web: Web, password_hash: str) -> None:
    outcome = outcomes(web, password_hash)

    if os.environ.get("WRITE_ROLES"):  # `make roles`
        with TABLE.open("w", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(("endpoint", "method", *WHO))
            out.writerows((*key, *answers) for key, answers in sorted(outcome.items()))
        PAGE.write_text(page(table()), encoding="utf-8")
    assert outcome == {(row["endpoint"], row["method"]): tuple(row[one] for one in WHO) for row in table()}


def test_every_route_answers_these_as_the_table_says(web: Web, password_hash: str) -> None:
    """The others take longer (`make test-long`); what the guard decides about them is compared below."""
    asked = ("anonymous", "employee", "device", "viewer", "supervisor", "admin")

    outcome = outcomes(web, password_hash, asked)

    assert outcome == {(row["endpoint"], row["method"]): tuple(row[one] for one in asked) for row in table()}


@pytest.mark.parametrize("role", ROLES)
def test_the_guard_decides_about_every_role_as_the_table_says(web: Web, role: str) -> None:
    told = {(row["endpoint"], row["method"]): row[role] for row in table()}
    # Who may not see the overview is sent to another page.
    assert predicted(web, role) == {key: "403" if answer.startswith("/") else answer for key, answer in told.items()}


def test_the_page_of_roles_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(table()), "docs/roles.md is out of date: make roles"


def test_a_grant_has_a_verb_a_scope_and_an_object_and_is_of_a_known_permission() -> None:
    assert set(GRANTED) == set(ROLES)
    for grants in GRANTED.values():
        assert {split(one)[0] for one in grants} <= PERMISSIONS
    for wrong in ("read_person", "site_person", "read_site_"):
        with pytest.raises(ValueError, match="verb_scope_object"):
            split(wrong)
    assert scope_of("supervisor", "read_report") == "department" and scope_of("hr", "read_report") == "site"
    assert scope_of("enroller", "read_report") is None


@pytest.mark.long
def test_head_is_answered_as_get(web: Web, viewer: Browser) -> None:
    for endpoint, path in routes(web, "GET", "999"):
        if endpoint not in OPEN:
            seen, head = viewer.client.get(path), viewer.client.head(path)
            assert head.status_code == seen.status_code, path


def table() -> list[dict[str, str]]:
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_view_names_a_permission_or_is_public(web: Web) -> None:
    assert OPEN == PUBLIC
    for method in ("GET", "POST"):
        for endpoint, _path in routes(web, method):
            needed = needed_permission(web.app.view_functions[endpoint], method)
            assert (needed in PERMISSIONS) != (endpoint in PUBLIC), (endpoint, method)


def test_every_permission_is_asked_for(web: Web) -> None:
    views = web.app.view_functions.values()
    asked = {needed_permission(view, method) for view in views for method in ("GET", "POST")}

    assert asked - {None} == PERMISSIONS - INSIDE


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
        "auth.code",
        "proof.check",
        "second_factor.begin",
        "second_factor.confirm",
        "second_factor.renew_codes",
        "second_factor.remove",
        "passkeys.options",
        "passkeys.sign_in",
        "passkeys.new_options",
        "passkeys.add",
        "passkeys.rename",
        "passkeys.remove",
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
