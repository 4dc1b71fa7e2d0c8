"""Fuzzing, in its short form: no page of the site breaks, and a page that does is found with what broke it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from http.client import IncompleteRead

import pytest

from attendance.programs.probes.attack import Reply
from attendance.programs.probes.fuzz import Who, fuzz
from attendance.programs.probes.nasty import Form, broken_fields, broken_file, links_and_forms, multipart
from attendance.web.security import limiter, permission
from tests.factories import ANNA
from tests.site_fixtures import PASSWORD, Web


def somebody(web: Web, username: str) -> Who:
    client = web.app.test_client()

    def ask(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        answer = client.open(path, method=method, data=body, headers=dict(headers))
        got = Reply(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.get_data(), {})
        answer.close()
        return got

    def sign_in() -> None:
        page = client.get("/login").get_data(as_text=True)
        token = links_and_forms(page, "/login")[1][0].fields
        client.post("/login", data={**dict(token), "username": username, "password": PASSWORD})

    return Who(username, ask, sign_in)


@pytest.fixture
def filled(web: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """Errors become answers, as in service, and nobody has to wait."""
    web.app.config["PROPAGATE_EXCEPTIONS"] = False
    web.app.testing = False
    monkeypatch.setattr(limiter, "enabled", False)
    web.enrol(web.add("Anna Berg", department="Mill", staff_number="7"), ANNA)
    return web


@pytest.mark.parametrize(("seed", "requests"), [(5, 60), pytest.param(6, 2000, marks=pytest.mark.long)])
def test_broken_forms_addresses_and_files_break_no_page(filled: Web, seed: int, requests: int) -> None:
    everybody = [somebody(filled, "ada"), somebody(filled, "vera")]

    found = fuzz(everybody, seed, go_on=lambda asked: asked < requests)

    assert found.errors == []
    assert found.total >= requests and found.asked["ada", "2xx"] > 5


def test_a_page_that_breaks_is_found_with_what_broke_it(filled: Web) -> None:
    def broken() -> str:
        raise ZeroDivisionError

    filled.app.add_url_rule("/broken", "broken", permission("read_overview")(broken))
    ada = somebody(filled, "ada")

    found = fuzz([Who("ada", ada.ask, ada.sign_in, ("/broken",))], seed=1, go_on=lambda asked: asked < 3)

    assert found.errors[0] == "ada: 500: GET /broken "
    assert found.asked["ada", "5xx"] >= 1


@pytest.mark.parametrize("error", [TimeoutError("timed out"), IncompleteRead(b"half")])
def test_a_site_that_gives_no_answer_is_a_finding_and_the_run_goes_on(error: Exception) -> None:
    """Wherever it falls silent: while signing in, at a page, and while a new token is fetched."""
    signed_in, asked = [0], [0]

    def sign_in() -> None:
        signed_in[0] += 1
        if signed_in[0] == 1:
            raise error

    def ask(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        asked[0] += 1
        if asked[0] % 2 == 0:
            raise error
        return Reply(302, {"location": "/login"}, b"", {})

    found = fuzz([Who("ada", ask, sign_in)], seed=1, go_on=lambda total: total < 8)

    assert found.total >= 8 and signed_in[0] > 1
    assert any(one.endswith("signing in") for one in found.errors)
    assert any(one.endswith("GET / (for a new token)") for one in found.errors)
    assert len(found.errors) == found.asked["ada", "no answer"]


def test_links_and_forms_are_read_from_a_page() -> None:
    page = (
        '<a href="/people">x</a><a href="https://elsewhere">y</a><form method="post"><input name="a" value="1">'
        '<select name="b"><option value="2"></select><input type="file" name="photo"></form>'
    )

    links, forms = links_and_forms(page, "/here")

    assert links == ["/people"]
    assert forms == [Form("POST", "/here", (("a", "1"), ("b", "2")), ("photo",))]


def test_the_same_seed_breaks_the_same() -> None:
    form = Form("POST", "/x", (("a", "1"), ("b", "2"), ("csrf_token", "t")))
    first, second = ([broken_fields(form, random.Random(3)), broken_file(random.Random(3))] for _time in range(2))

    assert first == second
    body, kind = multipart([("a", "\ud800")], [("photo", 'x"y', b"\x00")])
    assert b'filename="x\\"y"' in body and kind.startswith("multipart/form-data; boundary=")
