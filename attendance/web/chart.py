"""The two score distributions as shapes for an inline SVG.

In: sorted scores, a threshold.  Out: a `Chart` of path strings and positions in the SVG's own units.
Does not know: templates' markup, colours.
Main choice: plain SVG made here instead of a charting library, so that it shows without scripts and
without anything from elsewhere; the script only moves the threshold.  Each curve is drawn to its own
height, by square roots: there are a thousand times more pairs of strangers than of the same person, and
the few rare ones beyond the threshold are what matters.  The price: areas are no shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendance.service.threshold import GalleryScores, histogram

WIDTH, HEIGHT = 720, 250
LEFT, RIGHT, TOP, BASE = 12, 708, 30, 214
BINS = 100  # steps of 0.02
RANGE_HIGH = 1.0


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`genuine`, `impostor`: closed outlines (SVG path data), "" without scores.  `low`: the score at the left edge."""

    genuine: str
    impostor: str
    low: float
    ticks: tuple[Tick, ...]
    threshold_x: float


def draw(scores: GalleryScores, threshold: float) -> Chart:
    """The chart from `low` (0, or the tenth below the lowest score) to 1."""
    lowest = min((float(one[0]) for one in (scores.genuine, scores.impostor) if len(one)), default=0.0)
    low = max(-1.0, min(0.0, math.floor(lowest * 10) / 10))
    steps = range(math.ceil(low * 5), 6)
    return Chart(
        genuine=_outline(scores.genuine, low),
        impostor=_outline(scores.impostor, low),
        low=low,
        ticks=tuple(Tick(x_of(step / 5, low), f"{step / 5:.1f}".replace("-", "−")) for step in steps),
        threshold_x=x_of(threshold, low),
    )


def x_of(score: float, low: float) -> float:
    """Where a score stands, SVG units; the script in threshold.js does the same sum."""
    return round(LEFT + (RIGHT - LEFT) * (score - low) / (RANGE_HIGH - low), 2)


def _outline(scores: NDArray[np.float32], low: float) -> str:
    counts, edges = histogram(scores, BINS)
    peak = int(counts.max())
    if peak == 0:
        return ""
    filled = np.flatnonzero(counts)
    points = []
    for index in range(int(filled[0]), int(filled[-1]) + 1):
        y = round(BASE - (BASE - TOP) * math.sqrt(int(counts[index]) / peak), 2)
        points += [f"{x_of(max(float(edges[index]), low), low)},{y}", f"{x_of(float(edges[index + 1]), low)},{y}"]
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    return f"M{first},{BASE}L" + " ".join(points) + f" {last},{BASE}Z"
