"""The slider of risks: its positions, and which of them is nearest to a risk.

In: a risk, one in so many.  Out: a position.
Does not know: what a risk means for a threshold.
Main choice: sixteen round numbers instead of a free one.  Trade-off: another risk is set on the command line.
"""

from __future__ import annotations

import math

# Positions of the slider: at most one stranger in so many passes.
RISKS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


def nearest_step(risk: float) -> int:
    """Return the slider's position that comes nearest to a risk of one in so many."""
    return min(range(len(RISKS)), key=lambda step: abs(math.log(RISKS[step]) - math.log(max(risk, 1.0))))
