"""The files of a door's program for the time without a database: a copy of the rules, and what was decided.

In: keys, a folder, a camera's name; bytes.  Out: the copy, whole or not at all; a log of records in fixed places.
Does not know: rules, passages, doors.
Main choice: both are encrypted and authenticated by the site's master key, so that nobody without it can write rules or
passages.  The log is made in its full length beforehand, so that a full disk does not stop it, and each record has a
place of fixed length, so that a torn one harms no other.  Trade-off: whoever may write the folder can delete records,
or put an older copy of the rules back; its age limits what that copy allows.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attendance.files import durable
from attendance.store.crypto import Damaged, Keys

PLACES = 1024  # records: two for each passage
PLACE = 1536  # bytes: a few sectors, each of which a disk writes whole or not at all
_SECTOR = 512


def edge_folder(base: Path, camera: str) -> Path:
    """Return the folder of one camera's files, whatever characters its name has."""
    word = re.sub(r"[^A-Za-z0-9-]+", "_", camera)[:40]
    return base / "edge" / f"{word}-{hashlib.sha256(camera.encode()).hexdigest()[:8]}"


def waiting_in(folder: Path) -> int:
    """Return how many records a camera's log holds, whoever has it."""
    try:
        held = (folder / "passages").read_bytes()
    except FileNotFoundError:
        return 0
    return sum(any(held[start : start + PLACE]) for start in range(0, len(held), PLACE))


class LogFull(Exception):
    """The log has no room, or this record is too long for its place."""


class Forged(Exception):
    """A file that the site's key did not write."""


class RulesFile:
    """The copy of the rules for one camera."""

    def __init__(self, keys: Keys, folder: Path, camera: str) -> None:
        self.path, self._keys, self._place = folder / "rules", keys, f"rules:{camera}"

    def write(self, content: Any) -> None:
        """Put a new copy into the place of the old one, flushed; OSError leaves the old one."""
        sealed = self._keys.seal_edge(json.dumps(content).encode(), self._place)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.replace_file(self.path, sealed)

    def read(self) -> Any:
        """Return the copy, None without one; Forged for one that was not written with the site's key."""
        try:
            sealed = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return json.loads(self._keys.open_edge(sealed, self._place))
        except Damaged as error:
            raise Forged(f"{self.path} was not written with this site's key") from error

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What a log holds, oldest first.  `forged`: how many places hold what the site's key did not write."""

    records: Sequence[Any]
    forged: int


class RecordLog:
    """Records of one camera's program.  Not for several threads at once; one program has it at a time.

    Raises BlockingIOError if another program has it.
    """

    def __init__(self, keys: Keys, folder: Path, camera: str) -> None:
        self.path, self._keys, self._camera = folder / "passages", keys, camera
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Written and not only reserved, so that no file system needs room for a record later.
            missing = PLACES * PLACE - os.fstat(self._file).st_size
            if missing > 0:
                _write(self._file, bytes(missing), PLACES * PLACE - missing)
                os.fsync(self._file)
                durable.flush_folder(folder)
            self._next = self._first_free()
        except BaseException:
            os.close(self._file)
            raise

    @property
    def used(self) -> int:
        """Return how many places are written."""
        return self._next

    def room_for(self, records: int) -> bool:
        return self._next + records <= PLACES

    def append(self, record: Any) -> None:
        """Write one record and flush it; LogFull without room, OSError if the disk fails: then it does not count."""
        place = self._next
        plain = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
        sealed = self._keys.seal_edge(plain, self._name(place))
        framed = len(sealed).to_bytes(2, "big") + sealed
        if place >= PLACES or len(framed) > PLACE:
            raise LogFull(f"{self.path} has no room for this record")
        try:
            _write(self._file, framed.ljust(PLACE, b"\0"), place * PLACE)
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):  # what was not flushed is denied, and so must not be found later
                _write(self._file, bytes(PLACE), place * PLACE)
            raise
        self._next = place + 1

    def read(self) -> Found:
        """Return every whole record.  One that was torn by a loss of power never moved a door, and is left out."""
        return records_of(self._keys, self._camera, os.pread(self._file, PLACES * PLACE, 0))

    def clear(self) -> None:
        """Overwrite everything with zeros, flushed."""
        if self._next:
            _write(self._file, bytes(self._next * PLACE), 0)
            os.fsync(self._file)
        self._next = 0

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._file)

    def _first_free(self) -> int:
        """Return the place behind the last one that holds anything."""
        held = os.pread(self._file, PLACES * PLACE, 0).rstrip(b"\0")
        return -(-len(held) // PLACE)

    def _name(self, place: int) -> str:
        return _name_of(self._camera, place)


def records_of(keys: Keys, camera: str, content: bytes) -> Found:
    """Return every whole record of a log's content; a torn one is left out."""
    records, forged = [], 0
    for place in range(len(content) // PLACE):
        raw = content[place * PLACE : (place + 1) * PLACE]
        if not any(raw):
            continue
        length = int.from_bytes(raw[:2], "big")
        try:
            records.append(json.loads(keys.open_edge(raw[2 : 2 + length], _name_of(camera, place))))
        except Damaged:
            forged += not _torn(raw)
    return Found(records, forged)


def _name_of(camera: str, place: int) -> str:
    return f"passages:{camera}:{place}"


def _torn(raw: bytes) -> bool:
    """Return whether a part of the record never reached the disk: one of its sectors is still empty."""
    length = min(PLACE, 2 + int.from_bytes(raw[:2], "big"))
    sectors = [raw[start : min(start + _SECTOR, length)] for start in range(0, max(length, _SECTOR), _SECTOR)]
    return any(not any(sector) for sector in sectors) or not any(raw[:2])


def _write(file: int, content: bytes, at: int) -> None:
    """Write all of it: the system may write less at once."""
    while content:
        written = os.pwrite(file, content, at)
        content, at = content[written:], at + written
