"""/healthz."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from tests.site_fixtures import Browser, Web


def test_a_watchdog_needs_no_password(stranger: Browser) -> None:
    answer = stranger.get("/healthz")

    assert (answer.status_code, answer.json) == (200, {"status": "ok", "database": "ok"})


def test_without_its_database_the_site_says_that_it_does_not_work(
    web: Web, stranger: Browser, engine: Engine, database: Path
) -> None:
    engine.dispose()
    database.write_bytes(b"this is no database" * 1000)

    assert stranger.get("/healthz").status_code == 503
