"""Every route of the operators' site asked by everybody, for the table of test_roles.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from argon2 import PasswordHasher

from attendance.store.tables.operators import Operator, OperatorDepartment
from attendance.store.tables.people import PersonSecret
from attendance.web.permissions import is_allowed
from attendance.web.roles import GRANTED, NAMES, OTHERS
from attendance.web.security import PUBLIC, needed_permission
from tests.site_fixtures import Browser, Web
from tests.web.kiosk.conftest import Tablet, add_tablet

# Every operator's role, and who is not an operator.  A user name signs in as each: the first letters of its role.
ROLES = (
    "viewer", "supervisor", "enroller", "hr", "security_officer", "privacy_officer", "auditor", "integration",
    "admin", "owner",
)  # fmt: skip
WHO = ("anonymous", "employee", "device", *ROLES)
PIN = "258014"
# Rooms of people who are not operators, with guards of their own: tests/security/test_employee.py and test_kiosk.py.
SELF_GUARDED = {"me", "kiosk"}


def routes(web: Web, method: str, number: str = "1") -> list[tuple[str, str]]:
    """Return every (endpoint, path) of the operators' site that takes this method, with `number` for each id."""
    return [
        (rule.endpoint, re.sub(r"<[^>]+>", number, rule.rule))
        for rule in web.app.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.endpoint.split(".")[0] not in SELF_GUARDED
    ]


def outcomes(web: Web, password_hash: str, who: Sequence[str] = WHO) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what each of these gets at each (endpoint, method).

    "in": the view answered; "login": sent to sign in; "403": refused; else where it was sent to.
    """
    others = {"anonymous": web.browser, "employee": lambda: _employee(web), "device": lambda: _device(web)}
    browsers = {one: others[one]() if one in others else web.browser(_operator(web, one, password_hash)) for one in who}
    reached: list[str] = []
    for endpoint, view in web.app.view_functions.items():
        stand_in = _noting(endpoint, reached)
        stand_in.__dict__.update(view.__dict__)  # its permission
        web.app.view_functions[endpoint] = stand_in
    found: dict[tuple[str, str], list[str]] = {}
    for name, browser in browsers.items():
        token = "" if name == "device" else browser.token()  # a tablet gets no further than its own room
        for method in ("GET", "POST"):
            for endpoint, path in routes(web, method, "999"):
                if endpoint == "auth.logout":
                    continue  # last: it ends the session
                answer = _outcome(browser, method, path, reached, token)
                found.setdefault((endpoint, method), []).append(answer)
        answer = _outcome(browser, "POST", "/logout", reached, token)
        found.setdefault(("auth.logout", "POST"), []).append(answer)
    return {key: _by_role(key, answers, len(who)) for key, answers in found.items()}


def predicted(web: Web, role: str) -> dict[tuple[str, str], str]:
    """Return what the guard decides about a role at each (endpoint, method), without a request."""
    found: dict[tuple[str, str], str] = {}
    for method in ("GET", "POST"):
        for endpoint, _path in routes(web, method):
            needed = needed_permission(web.app.view_functions[endpoint], method)
            is_open = endpoint in PUBLIC or (needed is not None and is_allowed(role, needed))
            found[endpoint, method] = "in" if is_open else "403"
    return found


def page(rows: list[dict[str, str]]) -> str:
    """Return docs/roles.md: what each role is granted, and what it gets at each route."""
    head = [
        "# Roles",
        "",
        "A grant is written as `verb_scope_object`. Scopes: `site` is everybody, `department` the departments of a",
        "supervisor, `own` the account or person itself. One decorator, `@permission`, names what a view asks for; a",
        "view without it is closed to everybody. `make roles` makes this page, and a test fails if it is out of date.",
        "",
        "A site with an **owner** lets only owners appoint or change owners; the first one any administrator appoints.",
        "A **viewer** sees working time, log and reports of everybody, exports them, and sees no notes about people:",
        "give it to few. Employees and tablets have rooms of their own, which no operator's role opens.",
        "",
        "## What each role is granted",
        "",
        "| Role | Grants |",
        "|---|---|",
    ]
    for role in (*ROLES, *OTHERS):
        grants = ", ".join(f"`{one}`" for one in sorted({**GRANTED, **OTHERS}[role]))
        head.append(f"| {NAMES[role]} | {grants} |")
    head += ["", "## Every route by every role", "", "GET also stands for HEAD. “in”: the view answers.", ""]
    who = [NAMES.get(one, one) for one in WHO]
    head += ["| Route | Method | " + " | ".join(who) + " |", "|---|---|" + "---|" * len(WHO)]
    for row in rows:
        answers = " | ".join(_shown(row[one]) for one in WHO)
        head.append(f"| {row['endpoint']} | {row['method']} | {answers} |")
    return "\n".join(head) + "\n"


def _shown(answer: str) -> str:
    return {"in": "**in**", "403": "–", "login": "–"}.get(answer, f"→ {answer}")


def _operator(web: Web, role: str, password_hash: str) -> str:
    name = {"viewer": "vera", "admin": "ada"}.get(role)
    if name is not None:
        return name
    with web.sessions.begin() as session:
        operator = Operator(
            username=role, password_hash=password_hash, role=role, active=True, created_at=web.clock.now()
        )
        session.add(operator)
        session.flush()
        if role == "supervisor":
            session.add(OperatorDepartment(operator_id=operator.id, department="Mill"))
    return role


def _employee(web: Web) -> Browser:
    person = web.add("Anna Berg", staff_number="7")
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN)
    with web.sessions.begin() as session:
        session.add(PersonSecret(person_id=person, pin_hash=hashed, pin_set_at=web.clock.now()))
    browser = web.browser()
    assert browser.submit("/me/sign-in", {"number": "7", "pin": PIN}).status_code == 302
    return browser


def _device(web: Web) -> Browser:
    tablet = Tablet(web, add_tablet(web))
    return Browser(tablet.client)


def _by_role(key: tuple[str, str], answers: list[str], who: int) -> tuple[str, ...]:
    """Return one answer for each who was asked; an endpoint with several rules must answer alike at all of them."""
    rules = len(answers) // who
    groups = [set(answers[start : start + rules]) for start in range(0, len(answers), rules)]
    assert all(len(group) == 1 for group in groups), key
    return tuple(group.pop() for group in groups)


def _noting(endpoint: str, reached: list[str]) -> Callable[..., Any]:
    """Return what stands in for a view: who is let in is decided before it, and it need not run for everybody."""

    def noted(**_values: Any) -> tuple[str, int]:
        reached.append(endpoint)
        return "", 204

    return noted


def _outcome(browser: Browser, method: str, path: str, reached: list[str], token: str) -> str:
    reached.clear()
    answer = browser.client.open(path, method=method, data={"csrf_token": token} if method == "POST" else None)
    answer.close()
    if answer.status_code in (400, 403) and not reached:
        return "403"
    if reached:
        return "in"
    assert answer.status_code == 302, (method, path, answer.status)
    return {"/login": "login"}.get(answer.location.split("?")[0], answer.location)
