"""The ledger of erasures: a file apart from the database that says which random ids were erased.

In: a path, the site's signer, random ids.  Out: lines added and flushed; what was erased; UserError if it was changed.
Does not know: whose ids they were; how a restored database is cleaned by it (`service/privacy/erasure.py`).
Main choice: one signed line an erasure, each with the hash of the line before, written before the database forgets.
A backup from before the erasure then does not bring the person back.  Trade-off: the file must be kept apart from the
database and as carefully as the master key.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from attendance.errors import UserError
from attendance.files.durable import replace_file
from attendance.store.audit.signatures import Signer, canonical, verifies

Kind = Literal["begin", "person", "key", "consent", "grown"]
PURPOSE = "erasure ledger"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.  `id`: a random id, or of the first line the database's origin; `issued`: the highest number that a
    person had by then; `hash`: of this line, with those before it in it."""

    number: int
    kind: Kind
    id: str
    at: str
    issued: int
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """How long a ledger is, and the hash of its last line."""

    entries: int
    hash: str


class Ledger:
    """The file, and copies of it that are renewed with each line."""

    def __init__(self, path: Path, signer: Signer, copies: Sequence[Path] = ()) -> None:
        self.path, self.copies, self._signer = path, tuple(copies), signer

    def read(self) -> list[Entry]:
        """Return every line, oldest first; of the file and its copies the longest is taken.

        Empty if there is none.  Raises UserError if a line was changed, or another site signed it.
        """
        found = [self._read(path) for path in (self.path, *self.copies) if path.exists()]
        return max(found, key=len, default=[])

    def head(self) -> Head:
        """Return the length and the last hash; 0 and "" of an empty ledger."""
        entries = self.read()
        return Head(len(entries), entries[-1].hash if entries else "")

    def append(self, added: Sequence[tuple[Kind, str]], at: datetime, issued: int) -> Head:
        """Add lines and flush them to the disk; ids that are in it already are left out.

        Raises UserError if the file cannot be written: nothing may be erased then, as a backup would bring it back.
        """
        try:
            with self._locked():
                entries = self.read()
                known = {(one.kind, one.id) for one in entries}
                lines = self._bytes_of(len(entries))
                for kind, identifier in added:
                    if (kind, identifier) not in known:
                        line, entry = self._line(entries, kind, identifier, at, issued)
                        lines, entries = lines + line, [*entries, entry]
                replace_file(self.path, lines, keep_rights=True)
        except OSError as error:
            raise UserError(
                "the ledger of erasures %(path)s cannot be written (%(strerror)s), so nothing was erased: check its "
                "rights and the disk",
                path=self.path,
                strerror=error.strerror,
            ) from error
        for copy in self.copies:
            # A copy that cannot be written now is written with the next line.
            with suppress(OSError):
                if copy.parent.is_dir():
                    replace_file(copy, lines, keep_rights=True)
        return Head(len(entries), entries[-1].hash)

    def put_aside(self, mark: str) -> None:
        """Rename the file and its copies, as they belong to a database that is gone."""
        for path in (self.path, *self.copies):
            if path.exists():
                path.replace(path.with_name(f"{path.name}.{mark}"))

    def adopt(self, origin: str | None, mark: str) -> bool:
        """Use the longest ledger that began for this database, also one that was put aside; False if there is none.

        For a restore: whatever is in its place and belongs to another database, or cannot be read, is put aside.
        """
        best: tuple[int, bytes] = (0, b"")
        for place in (self.path, *self.copies):
            for path in sorted(place.parent.glob(f"{place.name}*")) if place.parent.is_dir() else ():
                with suppress(UserError, OSError):
                    entries = self._read(path)
                    if entries and (origin is None or entries[0].id == origin):
                        best = max(best, (len(entries), path.read_bytes()))
        present: list[Entry] = []
        with suppress(UserError):
            present = self.read()
        if best[0] and len(present) == best[0] and origin in (None, present[0].id):
            return True
        self.put_aside(mark)
        if not best[0]:
            return False
        with self._locked():
            replace_file(self.path, best[1], keep_rights=True)
        return True

    def _bytes_of(self, length: int) -> bytes:
        """Return the content of the file, or of the copy that has so many lines where the file has fewer."""
        for path in (self.path, *self.copies):
            if path.exists() and len(self._read(path)) == length:
                return path.read_bytes()
        return b""

    def _line(
        self, entries: Sequence[Entry], kind: Kind, identifier: str, at: datetime, issued: int
    ) -> tuple[bytes, Entry]:
        before = entries[-1].hash if entries else ""
        content: dict[str, Any] = {
            "n": len(entries) + 1,
            "kind": kind,
            "id": identifier,
            "at": at.astimezone(UTC).isoformat(timespec="seconds"),
            "issued": max(issued, entries[-1].issued if entries else 0),
            "before": before,
        }
        signed = content | {"signature": self._signer.sign(PURPOSE, content)}
        entry = Entry(content["n"], kind, identifier, content["at"], content["issued"], _hash(content))
        return canonical(signed) + b"\n", entry

    def _read(self, path: Path) -> list[Entry]:
        entries: list[Entry] = []
        content: dict[str, Any] = {}
        signature = before = ""
        try:
            lines = path.read_bytes().splitlines()
            for number, line in enumerate(lines, 1):
                content = json.loads(line)
                signature = content.pop("signature")
                entry = Entry(
                    content["n"], content["kind"], content["id"], content["at"], content["issued"], _hash(content)
                )
                if entry.number != number or content["before"] != before:
                    raise ValueError("a line is missing")
                entries.append(entry)
                before = entry.hash
        except OSError as error:
            raise UserError(
                "the ledger of erasures %(path)s cannot be read: %(strerror)s", path=path, strerror=error.strerror
            ) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _changed(path) from error
        # Each line holds the hash of the one before, so the last signature is for all of them.
        if entries and not verifies(self._signer.public, PURPOSE, content, signature):
            raise _changed(path)
        return entries

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _changed(path: Path) -> UserError:
    return UserError(
        "the ledger of erasures %(path)s was changed or damaged, or belongs to another master key: put back "
        "its copy (one is in the folder of backups)",
        path=path,
    )


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()
