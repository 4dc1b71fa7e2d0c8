"""Files that a power cut leaves whole: the old content or the new one, and under their name.

In: paths, bytes.  Out: files that are on the disk when a function returns.  OSError: the old file is still there.
Does not know: what the files are for.
Main choice: the folder is flushed too, since a rename that is only in memory would be undone by a power cut.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes, *, keep_rights: bool = False) -> None:
    """Put `content` into the place of a file, for its own user only.

    `keep_rights`: a file that is there already stays open to whom it was open, where the system allows it.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if keep_rights and path.exists():
            with suppress(OSError):
                shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def flush_file(path: Path) -> None:
    """Write a finished file and its name through to the disk."""
    _flush(path, os.O_RDONLY)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Write the folder's entries to the disk, so that a power cut takes no file back that was made in it."""
    _flush(folder, os.O_RDONLY | os.O_DIRECTORY)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
