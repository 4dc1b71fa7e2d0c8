"""A PostgreSQL server for the tests: its own cluster in a folder that is gone afterwards, no port, no password."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from attendance.store import migrate, session, settings
from attendance.store.access import policies
from tests import needs

SUPERUSER = "postgres"
# Nothing here outlives the tests, so nothing need reach the disk.
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c listen_addresses="


# With the locale C, PostgreSQL knows upper and lower case of ASCII letters only, and nobody finds Örjan.
LOCALE = ("--locale=C.UTF-8",)


def let_everybody_pass(engine: Engine) -> None:
    """Choose the level "everybody" for people who are added, as a site does in its first steps."""
    with session.sessions(engine).begin() as opened:
        settings.put(opened, policies.DEFAULT_LEVEL, 1, datetime(2024, 1, 1, tzinfo=UTC))


class Server:
    """Hands out upgraded, empty databases: copies of one that was upgraded by the migrations, or that one emptied.

    A copy takes a third of a second, emptying a hundredth.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count()
        self._admin = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        self._run("CREATE DATABASE blank")
        engine = session.make_engine(self.url("blank"))
        migrate.upgrade(engine)
        let_everybody_pass(engine)
        engine.dispose()
        self._run("CREATE DATABASE shared TEMPLATE blank")
        self._shared = create_engine(self.url("shared"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with self._shared.connect() as connection:
            connection.execute(text("CREATE SCHEMA kept"))
            self._kept = _used(connection)
            for name in self._kept:
                connection.execute(text(f'CREATE TABLE kept."{name}" AS TABLE public."{name}"'))
            self._numbered = connection.execute(
                text("SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL")
            ).all()

    @contextmanager
    def emptied(self) -> Iterator[str]:
        """The URL of a database that all tests use in turn: for those that leave its tables as they are."""
        yield self.url("shared")
        with self._shared.connect() as connection:
            connection.execute(text("SET session_replication_role = replica"))  # no triggers, no foreign keys
            connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                    "WHERE datname = 'shared' AND pid <> pg_backend_pid()"))  # fmt: skip
            # Not TRUNCATE: it makes a new file for each table and index, which takes as long as a copy.
            connection.execute(text("; ".join(f'DELETE FROM "{name}"' for name in _used(connection))))
            connection.execute(text("SELECT setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences"))
            for name in self._kept:
                connection.execute(text(f'INSERT INTO public."{name}" TABLE kept."{name}"'))
            for name, number in self._numbered:
                connection.execute(text("SELECT setval(:name, :number)"), {"name": name, "number": number})

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self._folder}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """Its URL; dropped afterwards."""
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE blank")
        try:
            yield self.url(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._admin.dispose()
        self._shared.dispose()

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


def _used(connection: Connection) -> list[str]:
    """Return the tables that have, or had, a row."""
    found = connection.scalars(
        text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
             "AND pg_relation_size(oid) > 0 ORDER BY relname")
    )  # fmt: skip
    return list(found)


@contextmanager
def running_server() -> Iterator[Server]:
    """Where there is no PostgreSQL or no driver, the test skips and says so (`needs`)."""
    needs.package("psycopg", extra="postgres")
    # Debian does not put it on the path; the newest version's.
    initdb = needs.program("initdb", "/usr/lib/postgresql/*/bin/initdb", install="apt-get install postgresql")
    programs = initdb.parent
    # Not pytest's folder: that one is closed to other users, and the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="attendance-pg-"))
    user = _other_user(folder)
    data, log = folder / "data", folder / "log"
    try:
        _call(
            user, programs / "initdb", "-D", data, "-U", SUPERUSER, "--auth=trust", "--no-sync", "-E", "UTF8", *LOCALE
        )
        _call(user, programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", f"{FAST} -k {folder}", "start")
        try:
            server = Server(folder)
            yield server
            server.close()
        finally:
            _call(user, programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user(folder: Path) -> str | None:
    """Whom to run it as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {one.pw_name: one for one in pwd.getpwall()}
    user = next((known[name] for name in ("postgres", "nobody") if name in known), None)
    if user is None:
        needs.missing("PostgreSQL does not run as root, and there is no other user here")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return user.pw_name


def _call(user: str | None, program: Path, *arguments: str | Path) -> None:
    """Output into nothing but memory: a server that inherited a pipe would keep it open."""
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [program, *arguments], user=user, stdout=output, stderr=subprocess.STDOUT, cwd="/", env={"LC_ALL": "C"}
        )
        output.seek(0)
        assert done.returncode == 0, output.read().decode()
