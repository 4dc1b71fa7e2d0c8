"""Whether this thread is inside a transaction that has written: what is slow must not happen there.

The rule of tests/architecture/test_transactions.py reads the source; this looks while the tests run, so that a
function that is handed over is seen, too.
"""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakSet

from argon2 import PasswordHasher
from sqlalchemy import Connection, Engine, event

from attendance.store.session import is_write

_here = threading.local()


def watch() -> None:
    """Follow every engine of this process."""
    event.listen(Engine, "after_cursor_execute", _executed)
    for end in ("commit", "rollback"):
        event.listen(Engine, end, _ended)


def forget() -> None:
    """Begin anew: a transaction that an earlier test left open is nobody else's."""
    _connections().clear()


def forbid(what: str) -> None:
    """Fail if this thread has written and not committed."""
    writing = [one for one in _connections() if not one.closed and one.in_transaction()]
    assert not writing, f"{what} while a transaction writes: everybody else waits for it"


class QuickHasher(PasswordHasher):
    """The same hash with the least work in it, refused while a transaction writes."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        forbid("argon2")
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
        forbid("argon2")
        return super().verify(hash, password)


def _connections() -> WeakSet[Connection]:
    """The connections by which this thread wrote since their last commit."""
    if not hasattr(_here, "writing"):
        _here.writing = WeakSet()
    found: WeakSet[Connection] = _here.writing
    return found


def _executed(connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
    if is_write(statement):
        _connections().add(connection)


def _ended(connection: Connection) -> None:
    _connections().discard(connection)
