"""Attempts that were refused a moment ago: after several of one face, the door waits before it decides about it again.

In: the pooled template of each refused attempt, with its time.  Out: whether a face was refused too often.
Does not know: people, cameras, doors.
Main choice: the face that was refused waits, and nobody else: passers-by who are refused do not keep the people of a
site out.  Trade-off: templates of strangers are kept for some minutes, in memory only.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.scoring import ATTEMPT_MEAN, Scoring

# The oldest of more are forgotten: so many strangers an hour come to no door.
REMEMBERED = 256


@dataclass(slots=True, eq=False)
class RefusedAttempts:
    """Of one camera.  `most`: refused attempts of one face within `within`, after which it waits; 0: it never does."""

    most: int = 5
    within: timedelta = timedelta(minutes=5)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _kept: deque[tuple[int, datetime, NDArray[np.float32]]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def number(self) -> int:
        """Return a number that no other attempt has, also after the tracks were begun anew."""
        return next(self._numbers)

    def note(self, attempt: int, vector: NDArray[np.float32], at: datetime) -> None:
        """Remember the pooled unit vector [D] of a refused attempt, by its number."""
        if self.most:
            self._kept.append((attempt, at, vector))

    def forget(self, attempt: int) -> None:
        """Forget an attempt that was granted after all."""
        left = [one for one in self._kept if one[0] != attempt]
        self._kept.clear()
        self._kept.extend(left)

    def too_many(
        self,
        vector: NDArray[np.float32],
        threshold: float,
        at: datetime,
        attempt: int,
        scoring: Scoring = ATTEMPT_MEAN,
    ) -> bool:
        """Return whether `most` other attempts of a face this near were refused within the time.

        `threshold` is one of `scoring`: with a centre it is lower, and two people of one camera may reach it while the
        centre is not taken off.  When time runs backwards all are forgotten: ages could no longer be known.
        """
        if self._kept and at < self._kept[-1][1]:
            self._kept.clear()
        while self._kept and at - self._kept[0][1] > self.within:
            self._kept.popleft()
        if not self.most:
            return False
        others = [kept for number, _, kept in self._kept if number != attempt and kept.shape == vector.shape]
        if len(others) < self.most:
            return False
        near = scoring.faces(np.stack(others)) @ scoring.faces(vector[None])[0]
        return int((near >= threshold).sum()) >= self.most
