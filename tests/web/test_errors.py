"""Pages for what goes wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from babel.support import NullTranslations

from attendance import texts
from attendance.store.calibration import operating_points
from tests.site_fixtures import Browser, Web


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/people/99",
        "/people/99/edit",
        f"/people/{10**20}",
        f"/attendance/person/{2**70}/2024-05-06",
        f"/cameras/{2**40}",
        "/people/x",
    ],
)
def test_what_is_not_there_is_said_so(admin: Browser, path: str) -> None:
    answer = admin.get(path)

    assert answer.status_code == 404
    assert "Nothing here" in answer.get_data(as_text=True)


def test_a_slash_at_the_end_of_an_address_changes_nothing(admin: Browser) -> None:
    pages = admin.client.application.url_map
    plain = [rule.rule for rule in pages.iter_rules() if not rule.arguments and "GET" in (rule.methods or ())]
    here = pages.bind("localhost")

    assert {"/people/", "/me/"} <= {path.rstrip("/") + "/" for path in plain}
    for path in plain:
        assert here.match(path.rstrip("/") + "/")[0] == here.match(path.rstrip("/") or "/")[0], path
    assert admin.get("/people/").status_code == admin.get("/people").status_code == 200
    assert admin.get("/me/").status_code == admin.get("/me").status_code != 404


def test_a_button_with_a_number_that_is_no_rows_is_answered_too(admin: Browser) -> None:
    assert admin.submit(f"/kiosks/{2**70}/code").status_code == 404


def test_a_script_gets_its_errors_as_json(admin: Browser) -> None:
    answer = admin.get("/nowhere", headers={"Accept": "application/json"})

    assert answer.status_code == 404
    assert answer.json == {
        "ok": False,
        "words": "Nothing here",
        "advice": "The page does not exist, or what it showed was deleted.",
    }


def test_a_fault_shows_a_page_without_its_insides(
    web: Web, admin: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(operating_points, "current", broken)
    answer = admin.get("/")

    assert answer.status_code == 500
    assert "Something broke" in answer.get_data(as_text=True)
    assert "secret detail" not in answer.get_data(as_text=True)
    assert "secret detail" in caplog.text


def test_a_locked_database_asks_for_patience_and_loses_nothing(web: Web, admin: Browser, database: Path) -> None:
    token = admin.token()
    other = sqlite3.connect(database)
    other.execute("BEGIN IMMEDIATE")
    busy = admin.client.post("/people/new", data={"name": "Anna", "csrf_token": token})
    other.rollback()
    other.close()

    assert busy.status_code == 503
    assert "Wait a moment" in busy.get_data(as_text=True)
    assert admin.submit("/people/new", {"name": "Anna"}).status_code == 302


class German(NullTranslations):
    """A catalogue of the errors below."""

    def ugettext(self, message: str) -> str:
        return {
            "there is no shift %(shift_id)s": "die Schicht %(shift_id)s gibt es nicht",
            "there is no person %(person_id)s: it may have been erased meanwhile": (
                "die Person %(person_id)s gibt es nicht: vielleicht wurde sie inzwischen gelöscht"
            ),
        }.get(message, message)


@pytest.fixture
def _in_german(web: Web) -> None:
    web.app.before_request_funcs.setdefault(None, []).append(lambda: texts.use(German()))


@pytest.mark.usefixtures("_in_german")
def test_an_error_of_a_form_is_shown_in_the_language_of_the_page(admin: Browser) -> None:
    answer = admin.submit("/attendance/shifts/99/active", {"active": "yes"}, follow_redirects=True)

    assert "Die Schicht 99 gibt es nicht." in answer.get_data(as_text=True)


@pytest.mark.usefixtures("_in_german")
def test_an_error_with_a_page_of_its_own_is_shown_in_the_language_of_the_page(
    admin: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    answer = admin.get("/attendance/person/99/2024-05-06", headers={"Accept": "application/json"})

    assert answer.json == {
        "ok": False,
        "words": "Die Person 99 gibt es nicht",
        "advice": "Vielleicht wurde sie inzwischen gelöscht.",
    }
    assert "there is no person 99" in caplog.text  # the log stays English
