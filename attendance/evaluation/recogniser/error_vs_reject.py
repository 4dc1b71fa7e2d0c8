"""Whether a quality number predicts errors: the error-versus-reject curve.

In: genuine scores, a threshold, a quality for each.  Out: FNMR after rejecting the worst few percent.
Does not know: how the quality is computed.
Main choice: ISO/IEC 29794-1's curve at a fixed threshold.  A number that predicts nothing leaves FNMR
unchanged; a perfect one lowers it one for one.  `use` says where the curve lies between the two up to
20 % rejected: 0 no use, 1 perfect, below 0 worse than chance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = tuple(round(0.01 * step, 2) for step in range(31))
TO = 0.2


def error_vs_reject(scores: NDArray[np.float64], quality: NDArray[np.float64], threshold: float) -> list[float]:
    """Return FNMR at each of STEPS.  `scores` [P], NaN without a face; `quality` [P], NaN is rejected first."""
    wrong = ~(scores >= threshold)
    order = np.argsort(np.where(np.isnan(quality), -np.inf, quality), kind="stable")
    kept = wrong[order]
    return [float(kept[int(round(step * len(kept), 9)) :].mean()) for step in STEPS]


def use(rates: list[float]) -> float | None:
    """Return 1 if the errors are rejected first, 0 if at random; None without errors."""
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
    """Return for each quality FNMR at 0, 5, 10, 20 % rejected, the whole curve, and its use.

    Pairs without a face have no quality and are left out.
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
