"""A database at any revision: taken there, filled, read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine

from attendance.store import migrate
from attendance.store.session import make_engine


@contextmanager
def taken_to(revision: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database at this revision, on SQLite or PostgreSQL as the fixture's parameter says."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path}/site.db")
        to(engine, revision)
        yield engine
        engine.dispose()
        return
    with request.getfixturevalue("postgres").database() as url:
        engine = make_engine(url)
        to(engine, revision, back=True)  # the server hands out upgraded ones
        yield engine
        engine.dispose()


def to(engine: Engine, revision: str, back: bool = False) -> None:
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        (command.downgrade if back else command.upgrade)(config, revision)


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def do(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
