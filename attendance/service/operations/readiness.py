"""Whether the site can do its work: write, read with the right key, and go on for a while.

In: sessions, keys, the database's folder.  Out: `Trouble`s with words and advice; a verdict that probes read.
Does not know: who asks.
Main choice: the site itself writes a test every half a minute, and whoever asks reads the newest result, so that a
hundred probes cost nothing and an answer never waits for a locked database.  Trade-off: it is up to STALE_S old.
"""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from attendance.service.ports import Clock
from attendance.store import settings
from attendance.store.crypto import Keys, WrongMasterKey
from attendance.store.faults import DatabaseError, DatabaseFull, DatabaseLocked, DatabaseReadOnly, DatabaseUnreachable
from attendance.store.people.templates import require_keys_fit
from attendance.store.session import Sessions
from attendance.texts import N_
from attendance.texts import gettext as _

log = logging.getLogger(__name__)

PROBE_EVERY_S = 30
STALE_S = 90.0  # three tests that did not come back
_TEST = "readiness"

# For pages, mails and probes: what is wrong, and what to do.  The key is all that a stranger reads.
TEXTS = {
    "disk full": (
        N_("The disk is full"),
        N_("Nothing can be saved and nobody passes. Delete files on the database's disk, such as old backups."),
    ),
    "read-only": (
        N_("The database may not be written"),
        N_("Check the rights of the database's folder, and whether its disk was mounted read-only after a fault."),
    ),
    "locked": (
        N_("The database is locked"),
        N_("Another program holds it. End it (a database viewer, a copy), then wait a moment."),
    ),
    "unreachable": (
        N_("The database does not answer"),
        N_("Check the database server or the disk; the site goes on by itself once it answers."),
    ),
    "wrong key": (
        N_("The master key does not fit"),
        N_("Nobody can be recognised. Put back the key file that this database was made with, and start again."),
    ),
    "fault": (N_("The database is in trouble"), N_("The site's log says more. A damaged database needs a restore.")),
    "stuck": (N_("The site's own test does not end"), N_("Something holds the database or the disk. See the log.")),
    "starting": (N_("The site is starting"), N_("Wait a moment.")),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """`key`: one of TEXTS, which tells nothing about the site."""

    key: str

    @property
    def words(self) -> str:
        return _(TEXTS[self.key][0])

    @property
    def advice(self) -> str:
        return _(TEXTS[self.key][1])


def trouble_of(error: BaseException) -> Trouble | None:
    """Return what an exception means for whoever runs the site; None if it is not about disk or database."""
    for kind, key in (
        (DatabaseFull, "disk full"),
        (DatabaseReadOnly, "read-only"),
        (DatabaseLocked, "locked"),
        (DatabaseUnreachable, "unreachable"),
        (WrongMasterKey, "wrong key"),
        (DatabaseError, "fault"),
    ):
        if isinstance(error, kind):
            return Trouble(key)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Trouble("disk full")
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return Trouble("read-only")
    return None


def free_mb(folder: Path | None) -> int | None:
    """Return the free space of the disk that holds `folder`, MB; None if it cannot be known."""
    try:
        return None if folder is None else shutil.disk_usage(folder).free >> 20
    except OSError:
        return None


class Readiness:
    """The newest result of the site's own test.  For several threads."""

    def __init__(self, sessions: Sessions, keys: Keys, clock: Clock) -> None:
        self._sessions, self._keys, self._clock = sessions, keys, clock
        self._tested_at: float | None = None
        self._trouble: Trouble | None = Trouble("starting")

    def probe(self) -> Trouble | None:
        """Write a test and read with the key; keep and return the result."""
        try:
            with self._sessions.begin() as session:
                settings.put(session, _TEST, self._clock.now().isoformat(), self._clock.now())
                require_keys_fit(session, self._keys)
            trouble = None
        except Exception as error:  # whatever it is, the site cannot do its work
            trouble = trouble_of(error) or Trouble("fault")
            if trouble != self._trouble:
                log.error("the site's own test failed: %s", error)
        if trouble is None and self._trouble is not None and self._trouble.key != "starting":
            log.info("the site's own test passes again")
        self._trouble, self._tested_at = trouble, monotonic()
        return trouble

    @property
    def troubles(self) -> Sequence[Trouble]:
        """Return what was wrong at the newest test, empty if nothing; "stuck" if no test came back for too long."""
        tested_at, trouble = self._tested_at, self._trouble
        if tested_at is not None and monotonic() - tested_at > STALE_S:
            return [Trouble("stuck")]
        return [] if trouble is None else [trouble]
