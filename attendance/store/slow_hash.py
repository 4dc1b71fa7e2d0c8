"""argon2 for passwords and PINs: few at once, and never while a transaction writes.

In: a secret in clear text.  Out: its hash; whether it fits a hash.
Does not know: whose secret it is, how often it may be tried.
Main choice: a hash takes 64 MB and a twentieth of a second on purpose, so each lane computes one at a time.  Whoever
guesses from outside waits in the site's lane, which turns away all but a few; a tablet's lane never does.
Trade-off: in a crowd, or under attack, a sign-in on the web is asked to come again.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import NewType

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from attendance.errors import UserError

SecretHash = NewType("SecretHash", str)

_hasher = PasswordHasher()  # argon2id with the RFC 9106 low-memory parameters


class Busy(UserError):
    """So many secrets are being checked that this one has to come again."""


@dataclass
class Lane:
    """One hash at a time.  `most`: how many may be in it, the one at work included; None: as many as come."""

    most: int | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _count: threading.Lock = field(default_factory=threading.Lock)
    _inside: int = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn; Busy instead of waiting if the lane is full."""
        with self._count:
            if self.most is not None and self._inside >= self.most:
                raise Busy("too many sign-ins at this moment: wait a few seconds, then try again")
            self._inside += 1
        try:
            with self._turn:
                yield
        finally:
            with self._count:
                self._inside -= 1


# Fewer than the site has threads: somebody is always left to serve a page.
SITE = Lane(most=3)
TABLETS = Lane()
COMMANDS = Lane()


def hashed(secret: str, lane: Lane = COMMANDS) -> SecretHash:
    """Return the hash; Busy if the lane is full."""
    with lane.turn():
        return SecretHash(_hasher.hash(secret))


def fits(stored: str | None, secret: str) -> bool:
    """Return whether the secret is the hash's; None and "", for nobody's, take as long.  Call it in a lane's turn."""
    try:
        return bool(_hasher.verify(stored or _nobodys_hash(), secret)) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Return whether the hash was made with less work than today's."""
    return bool(_hasher.check_needs_rehash(stored))


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))
