"""Where a liveness threshold is put: from logits of living people and of attacks to an operating point's numbers.

In: scores (higher is alive) of both kinds.  Out: slope and offset of a log-likelihood ratio; a limit.
Does not know: pictures, networks, whether a set or a door's drill gave the scores.
Main choice: one way for the networks' cards and for drills, so that their points mean the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
DOUBT = 1.0  # below the limit by so much: more looks before the verdict


def limit_at(live: Scores, bpcer: float) -> float:
    """Return the score below which the share `bpcer` of live people lies."""
    if not len(live):
        raise ValueError("no live people to fix a threshold on")
    return float(np.quantile(live, bpcer))


def calibration(live: Scores, attacks: Scores, steps: int = 200) -> tuple[float, float]:
    """Return slope and offset that turn a logit into a log-likelihood ratio (logistic regression, both classes equal).

    A weak pull towards a slope of 1 keeps it finite where the classes do not overlap.
    """
    if not len(live) or not len(attacks):
        raise ValueError("a calibration needs live people and attacks")
    # Brought to one scale first: Newton's steps overshoot on a logit that lies far from 0.
    middle = float(live.mean() + attacks.mean()) / 2
    spread = float(np.sqrt((live.var() + attacks.var()) / 2 + (live.mean() - attacks.mean()) ** 2 / 4)) or 1.0
    x = (np.concatenate([live, attacks]) - middle) / spread
    y = np.concatenate([np.ones(len(live)), np.zeros(len(attacks))])
    weight = np.concatenate([np.full(len(live), 0.5 / len(live)), np.full(len(attacks), 0.5 / len(attacks))])
    design = np.column_stack([x, np.ones(len(x))])
    pull, start = np.array([1e-3, 1e-5]), np.array([spread, 0.0])
    found = np.zeros(2)
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -40, 40)))
        gradient = design.T @ (weight * (chance - y)) + pull * (found - start)
        curve = (design * (weight * chance * (1 - chance))[:, None]).T @ design + np.diag(pull)
        step = np.clip(np.linalg.solve(curve, gradient), -1.0, 1.0)
        found = found - step
        if float(np.abs(step).max()) < 1e-9:
            break
    found = np.array([found[0] / spread, found[1] - found[0] * middle / spread])
    return max(float(found[0]), 1e-3), float(found[1])
