"""What a person may agree to, how it was said, and which words it was.

In: words, a person's consents.  Out: purposes; a version of words; whether a check-in counts as working time.
Does not know: the database, the law of a country.
Main choice: access and attendance are two consents, growth is a third beside them.  A version is a digest of the words,
so that two people who agreed to the same words have the same version and nobody has to number texts.  Trade-off: a
version says nothing about which words are the newer ones; the dates in the history do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from enum import StrEnum

from attendance.domain.passage import Method


class Purpose(StrEnum):
    """What a face may be used for; stored by value: never rename one.

    GROWTH: looks of confirmed passages may become templates.  It holds only beside one of the other two.
    """

    ACCESS = "access"
    ATTENDANCE = "attendance"
    GROWTH = "growth"


# What a face may be compared for.  Templates are kept while one of these holds.
BOTH = frozenset({Purpose.ACCESS, Purpose.ATTENDANCE})


class Channel(StrEnum):
    """How the person said it; stored by value: never rename one.

    RETENTION: it ended with the employment.  BEFORE: it was noted before there was a history.
    """

    PAPER = "paper"
    PAGE = "page"
    EMAIL = "email"
    SELF = "self"
    FILE = "file"
    COMMAND = "command"
    RETENTION = "retention"
    BEFORE = "before"


def version_of(words: str) -> str:
    """Return the version of these words: the first 12 hexadecimal digits of their SHA-256."""
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def allows(method: Method, purpose: Purpose, agreed: Collection[Purpose]) -> bool:
    """Return whether a check-in by this method may serve the purpose: a PIN or badge needs no consent to a face."""
    return method is not Method.FACE or purpose in agreed
