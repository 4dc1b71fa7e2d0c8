"""Does a quality number predict errors?  The error-versus-discard curve.

In: genuine scores, a threshold, a quality for each.  Out: FNMR when the worst so many percent are not used.
Does not know: what the quality is made of.
Main choice: ISO/IEC 29794-1's curve at a fixed threshold.  A number that predicts nothing leaves
FNMR where it was; a perfect one brings it down one for one.  `use` is where the curve lies between
the two up to 20 % discarded: 0 no use, 1 perfect, below 0 worse than chance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = tuple(round(0.01 * step, 2) for step in range(31))
TO = 0.2


def error_vs_reject(scores: NDArray[np.float64], quality: NDArray[np.float64], threshold: float) -> list[float]:
    """FNMR at each of STEPS.  `scores` [P] with NaN for no face, `quality` [P] (NaN: the first to go)."""
    wrong = ~(scores >= threshold)
    order = np.argsort(np.where(np.isnan(quality), -np.inf, quality), kind="stable")
    kept = wrong[order]
    return [float(kept[int(round(step * len(kept), 9)) :].mean()) for step in STEPS]


def use(rates: list[float]) -> float | None:
    """1: the errors go first; 0: by chance.  None when nothing was wrong."""
    start = rates[0]
    if start <= 0:
        return None
    upto = [index for index, step in enumerate(STEPS) if step <= TO]
    steps = np.array(STEPS)[upto]
    perfect = np.maximum(0.0, (start - steps) / (1 - steps))
    gap = float((start - perfect).sum())
    return float((start - np.array(rates)[upto]).sum()) / gap if gap else None


def report(
    scores: NDArray[np.float64], qualities: dict[str, NDArray[np.float64]], threshold: float
) -> dict[str, dict[str, Any]]:
    """By quality: FNMR at 0, 5, 10, 20 % discarded, the whole curve, and its use.

    Pairs without a face have no quality and are left out: what is not seen cannot be judged.
    """
    seen = ~np.isnan(scores)
    result: dict[str, dict[str, Any]] = {}
    if not seen.any():
        return result
    for name, quality in qualities.items():
        rates = error_vs_reject(scores[seen], quality[seen], threshold)
        worth = use(rates)
        result[name] = {
            "fnmr_by_discard": {f"{step:g}": round(rates[STEPS.index(step)], 5) for step in (0.0, 0.05, 0.1, 0.2)},
            "use": None if worth is None else round(worth, 4),
            "curve": [round(rate, 5) for rate in rates],
            "pairs": int(seen.sum()),
        }
    return result
