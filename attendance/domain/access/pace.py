"""How fast pictures come, and what that stretches; how old a picture may be that opens a door.

In: the time of each picture; how long each look took.  Out: by how much the durations of an attempt are stretched; the
greatest age of the picture that decides.
Does not know: cameras, faces, why pictures are slow.
Main choice: below two pictures a second the durations grow so that they hold as many pictures as at two a second, up to
MOST times.  The number of looks that must agree stays.  Trade-off: a place counts as left that much later.

Why this is as safe: a decision asks for the same number of agreeing looks, the newest of them from the picture in hand,
and a stretched window never holds more pictures, that is, chances of a lucky look, than one at two a second, where
cameras send ten and more.  Another face in the same place still ends an attempt by its embedding.  Beyond MOST the
looks would no longer belong to one visit: nobody passes, and that is said.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# The pace for which the durations of the settings are made; ten a second and more are usual.
USUAL = timedelta(seconds=0.5)
MOST = 4.0
REMEMBERED = 7  # intervals; their median ignores a lost connection
_FEWEST = 3
# It is slow beyond `USUAL` and no longer slow below this, so that nothing flickers in between.
_WELL = timedelta(seconds=0.4)


@dataclass(slots=True)
class Pace:
    """Of one camera.  `slow`: fewer than two pictures a second; `interval`: from one to the next, None at first."""

    slow: bool = False
    interval: timedelta | None = None
    _newest: datetime | None = None
    _intervals: deque[timedelta] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def add(self, at: datetime) -> None:
        """Note a picture.  When time runs backwards, what was known is forgotten."""
        if self._newest is not None and at < self._newest:
            self._intervals.clear()
            self.interval, self.slow = None, False
        elif self._newest is not None:
            self._intervals.append(at - self._newest)
        self._newest = at
        if len(self._intervals) >= _FEWEST:
            self.interval = sorted(self._intervals)[len(self._intervals) // 2]
            self.slow = self.interval > (_WELL if self.slow else USUAL)

    @property
    def stretch(self) -> float:
        """Return by how much durations are multiplied: 1 to MOST."""
        return 1.0 if self.interval is None else min(MOST, max(1.0, self.interval / USUAL))

    @property
    def too_slow(self) -> bool:
        """Return whether looks are so far apart that no attempt holds enough of them."""
        return self.interval is not None and self.interval > USUAL * MOST


# The greatest age of the picture that opens a door, from its coming to the decision, seconds.
FRESH_S = 0.3
# Where a look takes longer than that, so many looks instead; but never older than where nobody is recognised any more.
LOOKS, OLDEST_S = 1.5, 2.0


@dataclass(slots=True)
class Ages:
    """How long the looks at one camera took, each from the coming of its picture to its embedding.

    Whoever stands there is seen again in the next picture, so a picture that waited longer than usual does not decide.
    Why a slow computer may take longer: its newest picture is always as old as a look takes, and a limit below that
    would let nobody in, without seeing anybody sooner.
    """

    _took: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def add(self, seconds: float) -> None:
        """Note how long a look took."""
        self._took.append(seconds)

    @property
    def limit_s(self) -> float:
        """Return the greatest age of a picture that may decide now, seconds: FRESH_S to OLDEST_S."""
        if len(self._took) < _FEWEST:
            return FRESH_S
        return min(OLDEST_S, max(FRESH_S, LOOKS * statistics.median(self._took)))
