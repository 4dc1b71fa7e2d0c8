"""Engine, sessions, and whether the database fits this code.

In: a database URL.  Out: an `Engine`, a `sessionmaker`, the state of the schema.
Does not know: what the tables mean.
Main choice: SQLite in WAL mode as the default, written by several processes.  A transaction begins
with its first write, so a writer waits in line (up to the busy timeout) and never fails half-way
for having read first.  A commit returns once it is on the disk, on both kinds of database.  Trade-off:
reads before the first write see the newest commit each, like PostgreSQL's READ COMMITTED.  Code that reads
in order to write therefore writes first.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Dialect, Engine, ExceptionContext, create_engine, event, inspect, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from attendance.errors import Phrase, UserError, one_line, without_secrets
from attendance.store import migrate
from attendance.store.faults import DatabaseError as DatabaseError
from attendance.store.faults import DatabaseFull, DatabaseReadOnly, DatabaseUnreachable
from attendance.store.faults import DatabaseLocked as DatabaseLocked
from attendance.store.operations import in_use

SchemaState = Literal["empty", "current", "older", "newer", "foreign"]
Sessions = sessionmaker[Session]

# How long a program waits for a lock after it waited in vain once.
IMPATIENT_MS = 250

_UPGRADE = Phrase("run: python manage.py db upgrade")


def make_engine(url: str, busy_timeout_ms: int = 5000) -> Engine:
    """Return an engine for `url`; for SQLite, make the folders and set up every connection.

    Raises UserError for a URL that SQLAlchemy cannot use and for a folder that cannot be made.
    """
    try:
        parsed = make_url(url)
        # A connection that a restarted server cut is replaced before it is used.
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except Exception as error:  # a bad URL, an unknown dialect or a missing driver, each its own class
        raise UserError("[database] url cannot be used: %(error)s", error=error) from error
    if parsed.get_backend_name() != "sqlite":
        event.listen(engine, "handle_error", _explain_unreachable)
        if parsed.get_backend_name() == "postgresql":
            event.listen(engine, "connect", _flush_each_commit)
        return engine
    path = database_file(engine)
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(
                "cannot make the folder %(parent)s: %(strerror)s", parent=path.parent, strerror=error.strerror
            ) from error
    _listen_to_sqlite(engine, path, busy_timeout_ms)
    return engine


def _listen_to_sqlite(engine: Engine, path: Path | None, busy_timeout_ms: int) -> None:
    """Set up every connection of the engine, and explain its faults.  `path` is None for a database in memory."""
    opened = False

    def set_up(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        nonlocal opened
        opened = True
        if path is not None:
            if not path.stat().st_size:  # new: names and times are nobody else's business; its log inherits this
                path.chmod(0o600)
                # Before the first page is written: pages of erased rows can then be given back step by step.
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            entry.info["in use"] = in_use.hold(path, busy_timeout_ms / 1000)
        # The timeout first: even switching to WAL may have to wait for another process.
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout_ms)}")
        connection.execute("PRAGMA journal_mode = WAL")
        # Whoever was let in or told "checked in" must still be in the log after a power cut.  In WAL mode NORMAL
        # flushes at checkpoints only; FULL flushes each commit before it returns (some milliseconds).
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # an erased key must not linger in free pages
        # SQLite's own lower() knows ASCII only, and people's names are not ASCII.
        connection.create_function("lower", 1, _lower, deterministic=True)

    def let_go(_connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        if (held := entry.info.pop("in use", None)) is not None:
            held.close()

    def open_only(_dialect: Dialect, _entry: object, arguments: list[Any], options: dict[str, Any]) -> None:
        """Make the file for the first connection at most: an empty one must not take the place of one that is gone."""
        if path is not None and opened:
            arguments[0], options["uri"] = f"{path.absolute().as_uri()}?mode=rw", True

    patience = _Patience(busy_timeout_ms)

    def explain(context: ExceptionContext) -> None:
        clear = _explained(str(context.original_exception), path, busy_timeout_ms)
        patience.lost = patience.lost or isinstance(clear, DatabaseLocked)
        if clear is not None:
            raise clear from context.original_exception

    event.listen(engine, "do_connect", open_only)
    event.listen(engine, "connect", set_up)
    event.listen(engine, "close", let_go)
    event.listen(engine, "handle_error", explain)
    event.listen(engine, "begin", patience.set_timeout)
    event.listen(engine, "after_cursor_execute", patience.regain)


class _Patience:
    """How long this program waits for a lock: the whole timeout once, and then little until a write succeeds again.

    Without it a door that is locked out waits anew for each picture, each refusal and each heartbeat.
    """

    def __init__(self, busy_timeout_ms: int) -> None:
        self._whole, self._little = busy_timeout_ms, min(busy_timeout_ms, IMPATIENT_MS)
        self.lost = False

    def set_timeout(self, connection: Connection) -> None:
        wanted = self._little if self.lost else self._whole
        if connection.info.get("busy_timeout", self._whole) != wanted:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {wanted}")
            connection.info["busy_timeout"] = wanted

    def regain(
        self,
        _connection: Connection,
        _cursor: object,
        statement: str,
        _parameters: object,
        _context: object,
        _many: bool,
    ) -> None:
        if self.lost and is_write(statement):
            self.lost = False


def is_write(statement: str) -> bool:
    """Return whether an SQL statement changes rows."""
    return statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE")


def sessions(engine: Engine) -> Sessions:
    """Return a factory of sessions; `with factory.begin() as session:` commits at the end or rolls all back.

    Objects stay readable after the commit: they are handed to pages and to the daemon.
    """
    return sessionmaker(engine, expire_on_commit=False)


def engine_of(factory: Sessions) -> Engine:
    """Return the engine that these sessions use."""
    with factory() as session:
        return session.get_bind().engine


def database_file(engine: Engine) -> Path | None:
    """Return the SQLite file, or None for a database in memory and for any other kind."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def shown_url(engine: Engine) -> str:
    """Return the database's address as it may be shown: without user, password and parameters."""
    return without_secrets(engine.url.render_as_string(hide_password=True))


def schema_state(engine: Engine) -> SchemaState:
    """Return how the database's tables relate to this code; a missing SQLite file is "empty" and is not made.

    "newer": its revision is unknown here.  "foreign": it has tables, but none of ours.
    """
    path = database_file(engine)
    if path is not None and not path.exists():
        return "empty"
    tables = inspect(engine).get_table_names()
    if not tables:
        return "empty"
    if "alembic_version" not in tables:
        return "foreign"
    revision = migrate.current(engine)
    if revision is None:
        return "empty" if tables == ["alembic_version"] else "foreign"
    if revision == migrate.head():
        return "current"
    return "older" if revision in migrate.revisions() else "newer"


def require_current(engine: Engine) -> None:
    """Raise UserError that says what to do, unless the schema is this code's."""
    state, name = schema_state(engine), shown_url(engine)
    match state:
        case "current":
            return
        case "empty":
            raise UserError("the database %(name)s has not been set up; %(upgrade)s", name=name, upgrade=_UPGRADE)
        case "older":
            raise UserError(
                "the database %(name)s was made by an older version; %(upgrade)s", name=name, upgrade=_UPGRADE
            )
        case "newer":
            raise UserError(
                "the database %(name)s was made by a newer version; install that version or restore a backup", name=name
            )
        case "foreign":
            raise UserError(
                "the database %(name)s belongs to another program; set [database] url to one of its own", name=name
            )


def _lower(text: str | bytes | float | None) -> str | bytes | float | None:
    return text.lower() if isinstance(text, str) else text


def _flush_each_commit(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Override a server or role that was set to answer before a commit is on its disk; keep any stricter setting."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    cursor.close()
    connection.commit()  # else the first rollback would take it back


def _explain_unreachable(context: ExceptionContext) -> None:
    """Say it in one way whether the server was never there or went away in the middle."""
    reason = one_line(context.original_exception)
    never_there = context.connection is None and isinstance(context.sqlalchemy_exception, OperationalError)
    if never_there or context.is_disconnect or "shutting down" in reason or "starting up" in reason:
        raise DatabaseUnreachable(
            "the database server cannot be reached: %(reason)s", reason=reason
        ) from context.original_exception
    if "No space left on device" in reason or "could not extend file" in reason:
        raise DatabaseFull("the database server's disk is full: free space there") from context.original_exception
    if "read-only transaction" in reason:
        raise DatabaseReadOnly(
            "the database server takes no changes: make it the primary server, or end its recovery"
        ) from context.original_exception


def _explained(message: str, path: Path | None, busy_timeout_ms: int) -> DatabaseError | None:
    """Return an explanation of SQLite's terse message if the user can act on it."""
    where = Phrase("the database %(path)s", path=path) if path else Phrase("the database")
    if "is locked" in message:
        return DatabaseLocked(
            "%(where)s was locked by another program for more than %(seconds)s s; nothing was written: "
            "end that program (a backup, a database viewer) and try again",
            where=where,
            seconds=f"{busy_timeout_ms / 1000:g}",
        )
    if "disk is full" in message:
        return DatabaseFull(
            "%(where)s cannot grow, the disk is full: delete files on that disk, such as old backups", where=where
        )
    if "readonly database" in message:
        return DatabaseReadOnly(
            "%(where)s may not be written: check the owner and the rights of the file and its folder, and "
            "whether the disk was mounted read-only",
            where=where,
        )
    advice = {
        "unable to open database file": Phrase(
            "cannot be opened: check that it was not deleted and its folder may be written"
        ),
        "file is not a database": Phrase("is not a SQLite file: check [database] url, or restore a backup"),
        "disk image is malformed": Phrase("is damaged: restore a backup"),
        "disk I/O error": Phrase("cannot be read or written, the disk fails: check the disk and the kernel's log"),
    }
    for sign, text in advice.items():
        if sign in message:
            return DatabaseError("%(where)s %(text)s", where=where, text=text)
    return None
