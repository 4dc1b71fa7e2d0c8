"""The error page while the database is full, may not be written, or is gone."""

from __future__ import annotations

import errno

import pytest
from sqlalchemy import Engine, event

from attendance.store.calibration import operating_points
from attendance.store.session import make_engine, sessions
from attendance.web.app import create_app
from tests.fakes import FakeAnalyser
from tests.site_fixtures import SETTINGS, Browser, Web


def test_a_database_server_that_is_gone_gives_a_page_and_no_bare_error(
    web: Web, request: pytest.FixtureRequest, password_hash: str
) -> None:
    with request.getfixturevalue("postgres").database() as url:
        engine = make_engine(url)
        app = create_app(SETTINGS, sessions(engine), web.keys, FakeAnalyser(), web.clock)
        browser = Browser(app.test_client())
        assert browser.get("/login").status_code == 200
        with browser.client.session_transaction() as cookie:  # somebody who was signed in
            cookie["_user_id"], cookie["signed_in_at"] = "1:x", web.clock.now().isoformat()
    # From here on the database is dropped, and every connection was cut.
    for path in ("/", "/people", "/login"):
        answer = browser.get(path)

        assert answer.status_code == 503, path
        assert "The database does not answer" in answer.get_data(as_text=True)
    engine.dispose()


def test_a_full_disk_is_named_with_advice(web: Web, admin: Browser, engine: Engine) -> None:
    token = {"csrf_token": admin.token(), "name": "Anna", "notes": "x" * 2000}
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    answers = [admin.client.post("/people/new", data=token | {"name": f"Anna {n}"}) for n in range(30)]
    full = [answer for answer in answers if answer.status_code == 503]

    assert full
    assert "The disk is full" in full[0].get_data(as_text=True)
    assert "Delete files" in full[0].get_data(as_text=True)


def test_a_read_only_database_is_named(web: Web, admin: Browser, engine: Engine) -> None:
    token = {"csrf_token": admin.token(), "name": "Anna"}
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))

    answer = admin.client.post("/people/new", data=token)

    assert answer.status_code == 503
    assert "may not be written" in answer.get_data(as_text=True)


def test_a_disk_that_fills_during_an_upload_is_named(admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(operating_points, "current", full)

    assert "The disk is full" in admin.get("/").get_data(as_text=True)
