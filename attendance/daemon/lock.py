"""One daemon a camera on this computer.

In: a file.  Out: the file's lock, held while the block runs; UserError with its holder otherwise.
Does not know: cameras, the database.
Main choice: `flock`, because the kernel releases it however the process dies, so that a killed daemon can
be started again at once.  Trade-off: it says nothing about other computers; the claim in the database does.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attendance.errors import UserError


def lock_file(database: Path, camera: str) -> Path:
    """Return the lock's file, beside the database: one for each camera, whatever characters its name has."""
    word = re.sub(r"[^A-Za-z0-9-]+", "_", camera)[:40]
    # Two names may give one word; the digest keeps them apart.
    digest = hashlib.sha256(camera.encode()).hexdigest()[:8]
    return database.with_name(f"{database.name}.{word}-{digest}.lock")


@contextmanager
def held(path: Path, owner: str, what: str) -> Iterator[None]:
    """Hold the lock during the block.  UserError if another process has it, or the file cannot be made.

    The file stays behind: removing it would let two processes hold locks on two files of one name.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; check the rights of its folder") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 200).decode(errors="replace").strip() or "another daemon"
            raise UserError(
                f"{what} is held by {holder}: stop that daemon, or give this one another name with --name"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{owner}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)  # lets go of the lock, too
