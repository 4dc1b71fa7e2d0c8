"""Attempts that were refused a moment ago: after several of one face, the door waits before it decides about it again.

In: the pooled template of each refused attempt, with its time.  Out: whether a face was refused too often.
Does not know: people, cameras, doors.
Main choice: the face that was refused waits, and nobody else: passers-by who are refused do not keep the people of a
site out.  Trade-off: templates of strangers are kept for some minutes, in memory only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

# The oldest of more are forgotten: so many strangers an hour come to no door.
REMEMBERED = 256


@dataclass(slots=True, eq=False)
class RefusedAttempts:
    """Of one camera.  `most`: refused attempts of one face within `within`, after which it waits; 0: it never does."""

    most: int = 5
    within: timedelta = timedelta(minutes=5)
    _kept: deque[tuple[int, datetime, NDArray[np.float32]]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def note(self, attempt: int, vector: NDArray[np.float32], at: datetime) -> None:
        """Remember the pooled unit vector [D] of a refused attempt, by its number."""
        if self.most:
            self._kept.append((attempt, at, vector))

    def forget(self, attempt: int) -> None:
        """Forget an attempt that was granted after all."""
        left = [one for one in self._kept if one[0] != attempt]
        self._kept.clear()
        self._kept.extend(left)

    def too_many(self, vector: NDArray[np.float32], threshold: float, at: datetime, attempt: int) -> bool:
        """Return whether `most` other attempts of a face this near, by its cosine, were refused within the time.

        When time runs backwards all are forgotten: ages could no longer be known.
        """
        if self._kept and at < self._kept[-1][1]:
            self._kept.clear()
        while self._kept and at - self._kept[0][1] > self.within:
            self._kept.popleft()
        if not self.most:
            return False
        others = [kept for number, _, kept in self._kept if number != attempt and kept.shape == vector.shape]
        return sum(float(kept @ vector) >= threshold for kept in others) >= self.most
