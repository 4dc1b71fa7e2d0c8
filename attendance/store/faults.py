"""Why a database cannot be used now: one class for each kind of advice.

In: a sentence for the log or the command line.  Out: exceptions.
Does not know: engines, files, pages (`web/errors.py` has the words for a page).
"""

from __future__ import annotations

from attendance.errors import UserError


class DatabaseError(UserError):
    """The database cannot be used now; its text says why and what to do."""


class DatabaseLocked(DatabaseError):
    """Another program held the database for longer than the busy timeout; nothing was written."""


class DatabaseUnreachable(DatabaseError):
    """The database server does not answer."""


class DatabaseFull(DatabaseError):
    """The disk is full; nothing was written."""


class DatabaseReadOnly(DatabaseError):
    """The database may not be written: rights, or a disk that was mounted read-only."""


class DatabaseReplaced(DatabaseError):
    """The file that this program opened is not the database any more; the program must end."""
