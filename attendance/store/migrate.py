"""The schema's revisions: which are known, which one a database has, and bringing it up to date.

In: an engine.  Out: revision ids; an upgraded database.
Does not know: what the revisions change (see `migrations/versions/`).
Main choice: Alembic driven from code, without an alembic.ini, so that a wheel can carry it.
Trade-off: the `alembic` command itself is not usable here (`manage.py db …` is).
"""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from attendance import paths
from attendance.errors import UserError, without_secrets


def revisions() -> tuple[str, ...]:
    """Return every revision that this code knows, oldest first."""
    return _revisions()


def head() -> str:
    """Return the revision that this code needs."""
    return _revisions()[-1]


def current(engine: Engine) -> str | None:
    """Return the revision of the database; None if it has none."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision`, in one transaction: all of it, or nothing.

    Two upgrades at once wait for each other on SQLite.  Raises UserError when the database was made
    by a newer version or belongs to another program, before anything is written.
    """
    sqlite = engine.dialect.name == "sqlite"
    # Each statement runs once: keeping them compiled would keep this connection, too.
    with engine.connect().execution_options(compiled_cache=None) as connection:
        if sqlite:
            # Rebuilding a table (SQLite cannot alter most things) drops the old one, and with foreign
            # keys on that would cascade into other tables.  The switch works outside a transaction only.
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            # The driver opens no transaction for DDL by itself.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            _refuse_what_is_not_ours(connection)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise UserError(
                    "the upgrade would leave rows that point nowhere; nothing was changed: restore a backup"
                )
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            if sqlite:
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")


def _refuse_what_is_not_ours(connection: Connection) -> None:
    name = without_secrets(connection.engine.url.render_as_string(hide_password=True))
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None and set(inspect(connection).get_table_names()) - {"alembic_version"}:
        raise UserError(
            "the database %(name)s belongs to another program; set [database] url to one of its own", name=name
        )
    if revision is not None and revision not in revisions():
        raise UserError(
            "the database %(name)s was made by a newer version; install that version or restore a backup", name=name
        )


def _config() -> Config:
    config = Config()
    # Alembic reads options through configparser, for which a lone % begins an interpolation.
    config.set_main_option("script_location", str(paths.migrations_dir()).replace("%", "%%"))
    return config


@cache
def _revisions() -> tuple[str, ...]:
    script = ScriptDirectory.from_config(_config())
    return tuple(reversed([one.revision for one in script.walk_revisions()]))
