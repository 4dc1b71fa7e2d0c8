"""THE table of every place where personal data lies, and how it leaves there.

In: nothing.  Out: `PLACES`.
Does not know: how anything is erased (`erasure.py` does it).
Main choice: one table for receipts, the page of privacy and the tests: a test in tests/security erases a person and
searches each place byte by byte, and another one fails for a place without such a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from attendance.texts import N_

# at once: with the transaction; soon: the receipt says "pending" until then; ends: by itself, after a stated time;
# nothing: it never held anything that names a person; elsewhere: out of this program's reach, named for whoever asks.
How = Literal["at once", "soon", "ends", "nothing", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Place:
    """`title`: what it is; `words`: what is stored there and how it leaves."""

    how: How
    title: str
    words: str


PLACES: Mapping[str, Place] = {
    "database": Place(
        "at once",
        N_("Database"),
        N_("Name, templates, key, PIN, badge, links, visits, working time and leave are deleted and overwritten."),
    ),
    "database log": Place(
        "soon", N_("Log of the database"), N_("Old pages are written back and the log is cut to nothing.")
    ),
    "free pages": Place(
        "soon", N_("Free pages of the database"), N_("They are overwritten and given back to the disk.")
    ),
    "centre": Place(
        "soon",
        N_("What the site’s faces have in common"),
        N_("It is computed anew without the person, and the threshold with it."),
    ),
    "memory": Place("soon", N_("Memory of the programs"), N_("The site forgets templates at once, doors in seconds.")),
    "camera picture": Place(
        "soon", N_("Test picture of a camera"), N_("Pictures that an administrator asked for are deleted.")
    ),
    "key backups": Place(
        "soon",
        N_("Backups of keys"),
        N_("The key is taken out of those here. Copies elsewhere end after the days of backup.key_days."),
    ),
    "backups": Place(
        "ends",
        N_("Backups of the database"),
        N_("They hold no keys, so no template opens. Names end with the file, after the days of backup.keep_days."),
    ),
    "restored backup": Place(
        "ends", N_("A backup that is restored"), N_("The ledger of erasures removes the person before anybody sees it.")
    ),
    "upload folder": Place(
        "ends", N_("Photos of a bulk enrolment"), N_("The temporary folder is deleted when the enrolment ends.")
    ),
    "tablet queue": Place(
        "nothing",
        N_("Events that wait in a tablet"),
        N_("They are sealed for the server, and answered without a name."),
    ),
    "rules copy": Place(
        "soon",
        N_("Copy of the rules at a door"),
        N_("It is encrypted and knows people by number; it is written anew within seconds, and is too old in an hour."),
    ),
    "offline passages": Place(
        "ends",
        N_("Passages that wait for the database"),
        N_("They are encrypted and know people by number; they are overwritten once they are in the database."),
    ),
    "screens": Place("ends", N_("Screens beside a camera"), N_("A greeting is shown for seconds and never stored.")),
    "logs": Place("nothing", N_("Log files"), N_("They name people by number only.")),
    "outbox": Place(
        "ends",
        N_("Messages that wait to be sent"),
        N_("Alarms name nobody. A weekly e-mail names people until it is sent, or given up after four days."),
    ),
    "sealed reports": Place("nothing", N_("Reports of the acceptance test"), N_("They name people by number only.")),
    "audit": Place("nothing", N_("Audit trail"), N_("It names people by random ids, whose names end with the person.")),
    "ledger": Place("nothing", N_("Ledger of erasures"), N_("It holds random ids only.")),
    "metrics": Place("nothing", N_("Numbers for Prometheus"), N_("No label names a person.")),
    "mails": Place(
        "elsewhere", N_("E-mails that were sent"), N_("Weekly e-mails are in the mailboxes of those who got them.")
    ),
    "exports": Place(
        "elsewhere", N_("Files that were exported"), N_("The audit trail says who exported what, and when.")
    ),
    "server archives": Place(
        "elsewhere",
        N_("Archives of a PostgreSQL server"),
        N_("Its write-ahead archives and its own backups end as the server’s administrator set it."),
    ),
}
