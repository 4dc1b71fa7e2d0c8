"""Every route of the operators' site asked by everybody, for the table of test_roles.py."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from attendance.store.tables.operators import Operator, OperatorDepartment
from tests.site_fixtures import Browser, Web

WHO = ("anonymous", "viewer", "supervisor", "admin")
# Rooms of people who are no operators, with guards of their own: tests/security/test_employee.py and test_kiosk.py.
SELF_GUARDED = {"me", "kiosk"}


def routes(web: Web, method: str, number: str = "1") -> list[tuple[str, str]]:
    """Return every (endpoint, path) of the operators' site that takes this method, with `number` for each id."""
    return [
        (rule.endpoint, re.sub(r"<[^>]+>", number, rule.rule))
        for rule in web.app.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.endpoint.split(".")[0] not in SELF_GUARDED
    ]


def outcomes(web: Web, password_hash: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what each of WHO gets at each (endpoint, method).

    "in": the view answered; "login": sent to sign in; "today": sent to the working time of today; "403": refused.
    """
    with web.sessions.begin() as session:
        operator = Operator(
            username="sam", password_hash=password_hash, role="supervisor", active=True, created_at=web.clock.now()
        )
        session.add(operator)
        session.flush()
        session.add(OperatorDepartment(operator_id=operator.id, department="Mill"))
    reached: list[str] = []
    for endpoint, view in web.app.view_functions.items():
        web.app.view_functions[endpoint] = _noting(view, endpoint, reached)
    found: dict[tuple[str, str], list[str]] = {}
    for username in (None, "vera", "sam", "ada"):
        browser = web.browser(username)
        for method in ("GET", "HEAD", "POST"):
            for endpoint, path in routes(web, method, "999"):
                if endpoint == "auth.logout":
                    continue  # last: it ends the session
                found.setdefault((endpoint, method), []).append(_outcome(browser, method, path, reached))
        found.setdefault(("auth.logout", "POST"), []).append(_outcome(browser, "POST", "/logout", reached))
    return {key: _by_role(key, answers) for key, answers in found.items()}


def _by_role(key: tuple[str, str], answers: list[str]) -> tuple[str, ...]:
    """Return one answer for each of WHO; an endpoint with several rules must answer alike at all of them."""
    rules = len(answers) // len(WHO)
    groups = [set(answers[start : start + rules]) for start in range(0, len(answers), rules)]
    assert all(len(group) == 1 for group in groups), key
    return tuple(group.pop() for group in groups)


def _noting(view: Callable[..., Any], endpoint: str, reached: list[str]) -> Callable[..., Any]:
    @functools.wraps(view)
    def noted(*args: Any, **kwargs: Any) -> Any:
        reached.append(endpoint)
        return view(*args, **kwargs)

    return noted


def _outcome(browser: Browser, method: str, path: str, reached: list[str]) -> str:
    token = browser.token() if method == "POST" else ""
    reached.clear()
    answer = browser.client.open(path, method=method, data={"csrf_token": token} if method == "POST" else None)
    answer.close()
    if answer.status_code == 403:
        return "403"
    if reached:
        return "in"
    assert answer.status_code == 302, (method, path, answer.status)
    return {"/login": "login", "/attendance": "today"}.get(answer.location.split("?")[0], answer.location)
