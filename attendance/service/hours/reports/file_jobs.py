"""Long files, written in the background one after the other, with progress, and kept for an hour.

In: whose file it is, its name, how to write it.  Out: a `Making` to show; the bytes once they are there.
Does not know: the web, what is in a file.
Main choice: the bytes are in a file without a name (the system removes it with the last handle), so that an
interruption leaves no personal data behind.  Trade-off: after a restart the file is made again.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import IO
from weakref import finalize

from attendance.errors import Phrase, UserError
from attendance.service.ports import Clock

log = logging.getLogger(__name__)

# A file that nobody fetched is removed after this time.
KEPT = timedelta(hours=1)
# So many files an operator may have; one more removes their oldest.
MOST = 3
_STEP = 1 << 18

Progress = Callable[[int], None]
Writer = Callable[[Progress], Iterable[bytes]]


class Stage(StrEnum):
    WAITING = "waiting"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Making:
    """How far a file is: `done` of `total` people are in it.  `size`: bytes, once it is ready."""

    key: str
    by: str
    name: str
    kind: str
    at: datetime
    total: int
    done: int = 0
    stage: Stage = Stage.WAITING
    size: int = 0
    words: Phrase | None = None

    @property
    def busy(self) -> bool:
        return self.stage in (Stage.WAITING, Stage.MAKING)


class Stopped(Exception):
    """The file is no longer wanted."""


class FileJobs:
    """The site's long files; safe for the threads of a web server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._making: dict[str, Making] = {}
        self._files: dict[str, IO[bytes]] = {}
        self._worker = ThreadPoolExecutor(1, "long file")
        finalize(self, _close, self._files)

    def begin(self, by: str, name: str, kind: str, total: int, write: Writer) -> Making:
        """Begin a file of `by`, called `name`.  `write(progress)` yields its bytes and counts the people."""
        making = Making(secrets.token_urlsafe(12), by, name, kind, self._clock.now(), total)
        with self._turn:
            self._forget_old()
            own = [key for key, other in self._making.items() if other.by == by]
            for key in own[: max(0, len(own) - MOST + 1)]:
                self._remove(key)
            self._making[making.key] = making
        context = copy_context()  # the language of the request
        self._worker.submit(context.run, self._run, making.key, write)
        return making

    def making(self, by: str, key: str) -> Making | None:
        """Return how far a file of `by` is; None if there is none (any more)."""
        with self._turn:
            self._forget_old()
            found = self._making.get(key)
            return found if found is not None and found.by == by else None

    def stop(self, by: str, key: str) -> None:
        """Remove a file of `by`, whether or not it is ready."""
        with self._turn:
            found = self._making.get(key)
            if found is not None and found.by == by:
                self._remove(key)

    def read(self, by: str, key: str) -> Iterator[bytes] | None:
        """Return the bytes of a file of `by` in pieces; None if it is not ready."""
        with self._turn:
            found, file = self._making.get(key), self._files.get(key)
            if found is None or file is None or found.by != by or found.stage is not Stage.READY:
                return None
            return self._pieces(file, found.size)

    def close(self) -> None:
        """Remove all files and end the worker."""
        with self._turn:
            for key in list(self._making):
                self._remove(key)
        self._worker.shutdown()

    # --- with the lock held ---

    def _forget_old(self) -> None:
        now = self._clock.now()
        for key, making in list(self._making.items()):
            if not making.busy and abs(now - making.at) > KEPT:
                self._remove(key)

    def _remove(self, key: str) -> None:
        self._making.pop(key, None)
        file = self._files.pop(key, None)
        if file is not None:
            file.close()

    # --- without it ---

    def _run(self, key: str, write: Writer) -> None:
        file = tempfile.TemporaryFile()  # noqa: SIM115  lives until it is fetched or forgotten
        try:
            size = 0
            self._change(key, stage=Stage.MAKING)
            for piece in write(lambda done: self._change(key, done=done)):
                file.write(piece)
                size += len(piece)
            file.flush()
            with self._turn:
                if key not in self._making:
                    raise Stopped
                self._files[key] = file
            self._change(key, stage=Stage.READY, size=size)
        except Stopped:
            file.close()
        except UserError as error:
            self._fail(key, file, error.words)
        except Exception:
            log.exception("a long file could not be made")
            self._fail(key, file, Phrase("the file could not be made: details are in the site’s log"))

    def _fail(self, key: str, file: IO[bytes], words: Phrase) -> None:
        file.close()
        with suppress(Stopped):
            self._change(key, stage=Stage.FAILED, words=words)

    def _change(self, key: str, **changes: object) -> None:
        with self._turn:
            if key not in self._making:
                raise Stopped
            self._making[key] = replace(self._making[key], at=self._clock.now(), **changes)  # type: ignore[arg-type]

    def _pieces(self, file: IO[bytes], size: int) -> Iterator[bytes]:
        at = 0
        while at < size:
            with self._turn:
                if file.closed:
                    return
                file.seek(at)
                piece = file.read(min(_STEP, size - at))
            if not piece:
                return
            at += len(piece)
            yield piece


def _close(files: dict[str, IO[bytes]]) -> None:
    for file in files.values():
        file.close()
