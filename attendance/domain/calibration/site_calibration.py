"""The risk at one site, from its people if they suffice, else from packaged strangers moved to resemble them.

In: how a site's people score against each other, and how packaged strangers score against them.  Out: `Calibration`s.
Does not know: where scores come from.
Main choice: strangers come through the same camera and light as the people who are enrolled, and score higher
than pictures from elsewhere: measured on LFW, thresholds from machine-made faces alone let in 8 to 30 times the stated
share.  So a site's people stand in as strangers to each other if that gives a number.  If it does not,
the packaged strangers' scores are moved and stretched until middle and upper end match the site's own, never
down.  Below ten people they are moved as far as chance leaves open.  Trade-off: with few people the threshold is higher
than necessary, and the verdict says "estimated".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from attendance.domain.calibration.risk import (
    ALIKE,
    MIN_PEOPLE,
    Calibration,
    Floats,
    Strangers,
    Verdict,
    calibrate,
    curve,
    least_people,
    nothing_to_say,
    reach,
)

# The upper end that is matched: of twenty people's 380 comparisons, 19 lie above it.
UPPER = 0.95
MOVES = 100
# With fewer people the move itself is uncertain, and its upper 95 % bound counts.
FEW = 10
# More people are not needed to know middle and upper end, and would only take long.
_MOST = 200
# Verdicts about the scores themselves: no other source mends them.
_SPOILT = (Verdict.BROKEN, Verdict.FOREIGN, Verdict.ALIKE)


@dataclass(frozen=True, slots=True, eq=False)
class StrangerScores:
    """How strangers score against a site's people.

    `own` [N,N]: each of the site's people as a stranger to the others · `outside` [K,N]: packaged strangers.
    """

    own: Strangers
    outside: Strangers | None


def calibrate_site(
    scores: StrangerScores, model_id: str, people: int, target: float, random: np.random.Generator, draws: int = 400
) -> Calibration:
    """Return the lowest threshold at which at most a share `target` of strangers passes among `people`."""
    own = calibrate(scores.own, model_id, people, target, random, draws)
    if own.verdict.usable or own.verdict in _SPOILT:
        return own
    alone = own.missing or max(0, least_people(target) - scores.own.people)
    if scores.outside is None:
        return replace(own, missing=alone)
    if scores.own.people < MIN_PEOPLE:
        return replace(own, missing=MIN_PEOPLE - scores.own.people)
    if _all_alike(scores.own):
        return _without_numbers(own, Verdict.ALIKE)
    outside = calibrate(scores.outside, model_id, people, target, random, draws)
    if outside.threshold is None:
        return replace(outside, missing=alone) if outside.verdict is Verdict.NOT_ENOUGH else outside
    move = _Move.of(scores, random)
    # Up to there the site's own people speak, and say that more than `target` pass.
    floor = reach(scores.own, model_id, people)
    threshold = max(outside.threshold, move.up(outside.threshold), floor or 0.0)
    few = scores.own.people < FEW
    if few:  # their scores may lie anywhere: as high as chance leaves open
        threshold = max(threshold, move.up_at_most(outside.threshold))
    if threshold >= ALIKE:
        alike = float(_among(scores.own).max(initial=-1.0)) >= ALIKE
        nothing = _without_numbers(outside, Verdict.ALIKE if alike else Verdict.NOT_ENOUGH)
        return nothing if alike else replace(nothing, missing=FEW - scores.own.people if few else alone)
    (calibration,) = _moved(scores.outside, move, model_id, people, [threshold], target, random, draws)
    return calibration


def curve_site(
    scores: StrangerScores,
    model_id: str,
    people: int,
    thresholds: Sequence[float],
    target: float,
    random: np.random.Generator,
    draws: int = 400,
) -> list[Calibration]:
    """Return what each of these thresholds risks among `people`; `target` is only noted."""
    own = curve(scores.own, model_id, people, thresholds, target, random, draws)
    if scores.outside is None or not own or own[0].verdict in _SPOILT:
        return own
    if _all_alike(scores.own):
        return [_without_numbers(calibration, Verdict.ALIKE) for calibration in own]
    nothing = nothing_to_say(scores.outside, model_id, people, target)
    if nothing is not None:
        return [calibration if calibration.verdict.usable else nothing for calibration in own]
    move = _Move.of(scores, random)
    moved = _moved(scores.outside, move, model_id, people, thresholds, target, random, draws)
    return [mine if mine.verdict.usable else other for mine, other in zip(own, moved, strict=True)]


@dataclass(frozen=True, slots=True)
class _Move:
    """Middle and spread of the packaged strangers' scores, and [MOVES] of the site's own, its people drawn anew."""

    middle: float
    spread: float
    own_middle: float
    own_spread: float
    middles: Floats
    spreads: Floats

    @classmethod
    def of(cls, scores: StrangerScores, random: np.random.Generator) -> _Move:
        assert scores.outside is not None
        middle, upper = np.quantile(scores.outside.scores, [0.5, UPPER])
        own_middle, own_upper = _ends(_among(scores.own))
        number, matrix = scores.own.people, scores.own.scores
        drawn = []
        for _ in range(MOVES):
            chosen = random.integers(0, number, min(number, _MOST))
            part = matrix[np.ix_(chosen, chosen)]
            drawn.append(_ends(part[chosen[:, None] != chosen[None, :]]))
        ends = np.array(drawn)
        return cls(
            float(middle),
            max(float(upper - middle), 1e-3),
            own_middle,
            max(own_upper - own_middle, 1e-3),
            ends[:, 0],
            np.maximum(ends[:, 1] - ends[:, 0], 1e-3),
        )

    def up(self, threshold: float) -> float:
        """Return which threshold of the site's own scores this one of packaged strangers becomes."""
        return self.own_middle + (threshold - self.middle) * self.own_spread / self.spread

    def up_at_most(self, threshold: float) -> float:
        """Return as high as chance may have `up`, 95 %: the site's people are drawn again."""
        drawn = self.middles + (threshold - self.middle) * self.spreads / self.spread
        return float(np.quantile(drawn, 0.975))

    def back(self, threshold: float) -> tuple[float, float]:
        """Return the reverse, never above `threshold` itself: as it is, and as low as chance may have it (95 %)."""
        moved = self.middle + (threshold - self.own_middle) * self.spread / self.own_spread
        drawn = self.middle + (threshold - self.middles) * self.spread / self.spreads
        return min(threshold, moved), min(threshold, moved, float(np.quantile(drawn, 0.025)))


def _moved(
    outside: Strangers,
    move: _Move,
    model_id: str,
    people: int,
    thresholds: Sequence[float],
    target: float,
    random: np.random.Generator,
    draws: int,
) -> list[Calibration]:
    """Return what moved packaged strangers say of these thresholds; the interval includes the move's own chance."""
    places = [move.back(threshold) for threshold in thresholds]
    rates = curve(outside, model_id, people, [place for place, _ in places], target, random, draws)
    worst = curve(outside, model_id, people, [low for _, low in places], target, random, 2)
    result = []
    for threshold, rate, other in zip(thresholds, rates, worst, strict=True):
        if rate.high is None or rate.trial is None:
            result.append(rate)
            continue
        most = max(rate.high, other.fpir or 0.0)
        trial = (0.0, max(rate.trial[1], most))
        # Nobody knows how much too careful this is, so that from below nothing is said.
        result.append(
            replace(rate, verdict=Verdict.ESTIMATED, threshold=float(threshold), low=0.0, high=most, trial=trial)
        )
    return result


def _ends(scores: Floats | np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> tuple[float, float]:
    if not scores.size:
        return math.nan, math.nan
    middle, upper = np.quantile(scores, [0.5, UPPER])
    return float(middle), float(upper)


def _among(own: Strangers) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the scores between two people."""
    keep = np.ones(own.scores.shape, bool)
    rows = np.flatnonzero(own.own >= 0)
    keep[rows, own.own[rows]] = False
    return own.scores[keep]


def _all_alike(own: Strangers) -> bool:
    """Return whether even a few people show that all faces score as one person."""
    among = _among(own)
    return bool(among.size) and float(np.median(among)) >= ALIKE


def _without_numbers(calibration: Calibration, verdict: Verdict) -> Calibration:
    return Calibration(verdict, calibration.target, calibration.people, calibration.strangers, calibration.comparisons)
