"""Backups of people's keys, apart from those of the database and kept for fewer days.

In: a folder, wrapped keys by their random ids, the time.  Out: files; keys found in them.
Does not know: what the keys open; the master key, by which they are wrapped.
Main choice: the keys of erased people are taken out of the files here at once; copies elsewhere end after
`backup.key_days`.  Trade-off: a backup of the database that is older than every backup of keys has no templates.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attendance.errors import UserError
from attendance.files.durable import replace_file

_NAME = re.compile(r"keys-(\d{8}T\d{6}Z)\.json")


def write(folder: Path, keys: Mapping[str, bytes], fingerprint: str | None, at: datetime) -> Path:
    """Write a file with these keys, whole and flushed; UserError if that fails.  `fingerprint`: of the master key."""
    path = folder / f"keys-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"
    content = {"fingerprint": fingerprint, "keys": {uid: base64.b64encode(key).decode() for uid, key in keys.items()}}
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, json.dumps(content).encode())
    except OSError as error:
        raise UserError(
            "no backup of the keys in %(folder)s (%(strerror)s): set backup.key_folder",
            folder=folder,
            strerror=error.strerror,
        ) from error
    return path


def list_files(folder: Path) -> list[tuple[datetime, Path]]:
    """Return the files, newest first; none if there is no such folder."""
    names: list[Path] = []
    with suppress(OSError):
        names = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    made = [datetime.strptime(path.name[5:21], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for path in names]
    return sorted(zip(made, names, strict=True), reverse=True)


def prune(folder: Path, days: int, now: datetime) -> int:
    """Delete files that are older than `days`, but never the newest; return how many went."""
    old = [path for made_at, path in list_files(folder)[1:] if now - made_at > timedelta(days=days)]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def read_all(folder: Path) -> dict[str, bytes]:
    """Return every key of every file; what cannot be read is left out."""
    found: dict[str, bytes] = {}
    for _made_at, path in list_files(folder):
        with suppress(UserError):
            found = read(path) | found
    return found


def read(path: Path) -> dict[str, bytes]:
    """Return the keys of one file; UserError if it is not a backup of keys."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["keys"]
        return {str(uid): base64.b64decode(text, validate=True) for uid, text in found.items()}
    except OSError as error:
        raise UserError("cannot read %(path)s: %(strerror)s", path=path, strerror=error.strerror) from error
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise UserError("%(path)s is not a backup of keys: choose another file", path=path) from error


def keep_only(folder: Path, live: Collection[str]) -> int:
    """Take the keys of everybody who is not enrolled any more out of every file; return how many went.

    UserError if a file cannot be written anew.
    """
    gone = 0
    for _made_at, path in list_files(folder):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            kept = {uid: text for uid, text in content["keys"].items() if uid in live}
            if len(kept) < len(content["keys"]):
                gone += len(content["keys"]) - len(kept)
                replace_file(path, json.dumps(content | {"keys": kept}).encode())
        except OSError as error:
            raise UserError(
                "%(path)s cannot be rid of an erased key: %(strerror)s", path=path, strerror=error.strerror
            ) from error
        except (AttributeError, KeyError, TypeError, ValueError):
            path.unlink(missing_ok=True)  # it cannot be read, so nothing is lost and nothing may linger
    return gone
