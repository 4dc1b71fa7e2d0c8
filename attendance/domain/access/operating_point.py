"""The threshold and margin of a decision, and how far apart two candidates must be.

In: numbers.  Out: `OperatingPoint`; whether the best candidate stands out.
Does not know: where a threshold comes from (`domain/calibration`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from attendance.domain.access.scoring import BEST_PHOTO

# People known to look alike must be this many times the margin apart, and at least so far.
LOOK_ALIKE_FACTOR = 2.0


LOOK_ALIKE_LEAST = 0.05


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The raw cosine from which two faces count as one person, and where that number comes from.

    `margin`: how much nearer the best person must be than the second.  `scoring`: the version of the scores that the
    threshold is for (`scoring.Scoring.version`).  Raises ValueError unless
    0 < threshold ≤ 1 (at 0, half of all strangers would pass) and 0 ≤ margin ≤ 1.
    """

    threshold: float
    margin: float
    model_id: str
    source: str
    created_at: datetime
    scoring: str = BEST_PHOTO.version

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:  # NaN fails too
            raise ValueError(f"a threshold is above 0 and at most 1, not {self.threshold}")
        if not 0 <= self.margin <= 1:
            raise ValueError(f"a margin is from 0 to 1, not {self.margin}")
        if not self.model_id:
            raise ValueError("an operating point names its model")


def stands_out(score: float, runner_up: float | None, margin: float) -> bool:
    """Return whether the best person is far enough ahead of the second (None: no second); False for a tie."""
    return runner_up is None or (score - runner_up >= margin and score > runner_up)


def look_alike_margin(margin: float) -> float:
    """Return the margin between two people on the look-alike list, from the margin between others."""
    return min(1.0, max(LOOK_ALIKE_FACTOR * margin, LOOK_ALIKE_LEAST))
