"""Batches that a thread makes ahead of their use.

In: a function from a step's number to its batch, and the first step.  Out: the batches, in order.
Does not know: images.
Main choice: a batch depends on its step's number only, so a run that was stopped sees the same batches as one that
was not.  Trade-off: waiting batches are made again after a stop.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Full, Queue
from threading import Event, Thread
from types import TracebackType
from typing import Generic, TypeVar

import torch

T = TypeVar("T")
WAIT_S = 0.2


class Ahead(Generic[T]):
    """Make batches in a thread: `with Ahead(make, first) as batches`, then `batches.next()` is make(first), and so on.

    At most `depth` batches wait.  `next` raises what `make` raised.
    """

    def __init__(self, make: Callable[[int], T], first: int, depth: int = 2) -> None:
        self._make, self._step = make, first
        self._ready: Queue[T | Exception] = Queue(depth)
        self._stop = Event()
        self._thread = Thread(target=self._work, name="batches", daemon=True)

    def __enter__(self) -> Ahead[T]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def next(self) -> T:
        """Wait for the next batch and return it."""
        found = self._ready.get()
        if isinstance(found, Exception):
            raise found
        return found

    def _work(self) -> None:
        torch.set_flush_denormal(True)  # a thread's own setting
        while not self._stop.is_set():
            try:
                made: T | Exception = self._make(self._step)
            except Exception as error:  # raised again in next()
                made = error
            self._put(made)
            if isinstance(made, Exception):
                return
            self._step += 1

    def _put(self, made: T | Exception) -> None:
        while not self._stop.is_set():
            try:
                self._ready.put(made, timeout=WAIT_S)
            except Full:
                continue
            return
