"""The two score distributions, and the two kinds of error against each other, as shapes for inline SVGs.

In: sorted scores, a threshold; a calibration's curve.  Out: a `Chart` and a `Det` of path strings and positions in
the SVG's own units.
Does not know: templates' markup, colours.
Main choice: plain SVG made here instead of a charting library, so that it shows without scripts and
without anything from elsewhere; the script only moves the threshold.  Each curve is drawn to its own
height, by square roots: there are a thousand times more pairs of strangers than of the same person, and
the few rare ones beyond the threshold are what matters.  Trade-off: areas are not shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.risk import Verdict
from attendance.service.calibration.offers import CurvePoint
from attendance.service.calibration.threshold import GalleryScores, histogram

WIDTH, HEIGHT = 720, 250
LEFT, RIGHT, TOP, BASE = 12, 708, 30, 214
BINS = 100  # steps of 0.02
RANGE_HIGH = 1.0
# The other figure: chance of a stranger by powers of ten, own people refused by square roots.
DET_LEFT, DET_RIGHT, DET_TOP, DET_BASE = 78, 708, 16, 204
DET_SHARES = (0.0, 0.05, 0.25, 0.5, 1.0)  # of the axis
DET_TOPS = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)


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
    """Return the chart from `low` (0, or the tenth below the lowest score) to 1."""
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


@dataclass(frozen=True, slots=True)
class Det:
    """How many of one's own people are refused, over the chance that a stranger passes (SVG path data, "" for none).

    `measured` and `drawn_on`: the measured and the extrapolated part of the line; `band`: the 95 % of the chance.
    `first`: the power of ten at the left edge; `top`: the share at the upper one.
    """

    measured: str
    drawn_on: str
    band: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    first: int
    top: float

    def dot(self, chance: float | None, share: float | None) -> tuple[float, float] | None:
        """Where a threshold stands; None where one of its two rates is not known."""
        if chance is None or share is None:
            return None
        return self.x_of(chance), self.y_of(share)

    def x_of(self, chance: float) -> float:
        power = math.log10(max(chance, 10.0**self.first))
        return round(DET_LEFT + (DET_RIGHT - DET_LEFT) * (power - self.first) / -self.first, 2)

    def y_of(self, share: float) -> float:
        return round(DET_BASE - (DET_BASE - DET_TOP) * math.sqrt(min(max(share / self.top, 0.0), 1.0)), 2)


def draw_det(points: Sequence[CurvePoint]) -> Det | None:
    """None where nothing can be said at any threshold."""
    known = [one for one in points if one.fpir is not None and one.refused is not None and one.fpir > 0]
    if len(known) < 2:
        return None
    lowest = min(one.fpir for one in known if one.fpir is not None)
    first = min(-2, max(-7, math.floor(math.log10(lowest) + 1e-9)))
    most = max(one.refused for one in known if one.refused is not None)
    top = next(one for one in DET_TOPS if one >= most)
    empty = Det("", "", "", (), (), first, top)

    def place(one: CurvePoint, chance: float | None) -> str:
        return f"{empty.x_of(chance or 0.0)},{empty.y_of(one.refused or 0.0)}"

    # The last measured point begins the part that is drawn on, so that the line has no gap.
    measured = [one for one in known if one.verdict is Verdict.MEASURED]
    drawn_on = [one for one in known if one.verdict is not Verdict.MEASURED]
    if measured and drawn_on:
        drawn_on = [measured[-1], *drawn_on]
    edges = [place(one, one.low) for one in known] + [place(one, one.high) for one in reversed(known)]
    return Det(
        measured="M" + " ".join(place(one, one.fpir) for one in measured) if measured else "",
        drawn_on="M" + " ".join(place(one, one.fpir) for one in drawn_on) if drawn_on else "",
        band="M" + " ".join(edges) + "Z",
        across=tuple(Tick(empty.x_of(10.0**power), _one_in(power)) for power in range(first, 1)),
        up=tuple(Tick(empty.y_of(share * top), f"{100 * share * top:.3g} %") for share in DET_SHARES),
        first=first,
        top=top,
    )


def _one_in(power: int) -> str:
    return "all" if power == 0 else f"1 in {10**-power:,}"
