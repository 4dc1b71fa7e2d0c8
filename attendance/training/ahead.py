"""Batches made ahead of their use, by a thread.

In: a function from a step's number to its batch, and the first step.  Out: the batches, in order.
Does not know: images.  What a step sees depends on its number only, so a run that is stopped and goes on sees
the same as one that was not.
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
    """`with Ahead(make, first) as batches: batches.next()` is make(first), then make(first + 1), …

    At most `depth` wait.  What `make` raises, `next` raises.
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
        """The next batch; waits for it."""
        found = self._ready.get()
        if isinstance(found, Exception):
            raise found
        return found

    def _work(self) -> None:
        torch.set_flush_denormal(True)  # a thread's own setting
        while not self._stop.is_set():
            try:
                made: T | Exception = self._make(self._step)
            except Exception as error:  # told to who waits
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
