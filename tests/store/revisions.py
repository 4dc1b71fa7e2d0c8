"""A database at any revision: taken there, filled, read."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Engine

from attendance.store import migrate


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
