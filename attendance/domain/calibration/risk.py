"""From an accepted risk to a threshold for a gallery of this size, with its rates and intervals.

In: how strangers score against the people of a gallery, as a matrix of raw cosines; a target such as 1
stranger in 1,000; a source of chance from the caller.  Out: a `Calibration`: threshold, rates, intervals, and a
verdict that says whether these are measured, extrapolated, or nothing at all.
Does not know: where the scores come from, who is who.
Main choice: the threshold comes from 1-(1-FMR)^N and is checked against the galleries of N people that the data
hold (`direct_fpir`: their exact mean, which knows that some strangers resemble many).  Uncertain are people and
not pairs, so the intervals come from drawing people again (bootstrap), widened to Wilson's over strangers where few
matched.  Below what the data show, the tail is assumed to be exponential, which for cosines errs towards too high.
Trade-off: with few strangers the upper end says "could be far more", and rightly so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.error_rates import (
    direct_fpir,
    fmr_for_fpir,
    fmrs_for_fpir,
    fpir_at_gallery_size,
    fpirs_at_gallery_size,
    wilson_interval,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Fewer strangers, or fewer people to compare them with, give no number at all.
MIN_STRANGERS = 50
MIN_PEOPLE = 5
# The tail is fitted above the score that so many different strangers reach …
TAIL_STRANGERS = 30
# … and below so many matching strangers a rate counts as extrapolated.
SEEN = 10
# How far below the last rate that was seen the tail is believed.
REACH = 100.0
# At and above this cosine two pictures are as good as one: a gallery that needs such a threshold has duplicates.
ALIKE = 0.99
LOWEST = 0.05


class Verdict(StrEnum):
    """What a calibration is worth; only the first three come with numbers.  Stored by value."""

    MEASURED = "measured"
    EXTRAPOLATED = "extrapolated"
    ESTIMATED = "estimated"
    NOT_ENOUGH = "not enough data"
    BROKEN = "broken scores"
    FOREIGN = "another model's scores"
    ALIKE = "faces not told apart"

    @property
    def usable(self) -> bool:
        return self in (Verdict.MEASURED, Verdict.EXTRAPOLATED, Verdict.ESTIMATED)


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """`scores` [S,M]: each stranger's best raw cosine with each person of a gallery.

    One row is one stranger.  `own` [S]: the column that is that same person, left out; -1 for none.
    `sampled`: the gallery's people stand for others of their kind (a research set), and are not the very
    people at the door.  Raises ValueError for shapes that do not fit.
    """

    scores: NDArray[np.float32]
    own: Ints
    model_id: str
    sampled: bool = False

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or self.own.shape != (len(self.scores),):
            raise ValueError(f"scores are [S,M] with own [S], not {self.scores.shape} with {self.own.shape}")
        if len(self.own) and not (self.own.min() >= -1 and self.own.max() < self.scores.shape[1]):
            raise ValueError("own names a column or is -1")

    @property
    def people(self) -> int:
        return int(self.scores.shape[1])

    @property
    def comparisons(self) -> int:
        return self.scores.size - int((self.own >= 0).sum())


@dataclass(frozen=True, slots=True)
class Calibration:
    """`fpir`: chance that a stranger passes among `people`; `low`..`high` its 95 % interval.

    `formula`: 1-(1-fmr)^N; `direct`: the mean over all galleries of N that the data hold, None where they hold
    none or the tail is extrapolated.  `trial`: where a trial with as many other strangers will come out, 95 %.
    `seen`: different strangers that matched at the threshold, of `strangers`.  Without a usable verdict all
    numbers are None.  `missing`: without so many more people there is no number; 0 where it is not people that are
    missing.
    """

    verdict: Verdict
    target: float
    people: int
    strangers: int
    comparisons: int
    threshold: float | None = None
    fmr: float | None = None
    formula: float | None = None
    direct: float | None = None
    low: float | None = None
    high: float | None = None
    trial: tuple[float, float] | None = None
    seen: int = 0
    missing: int = 0

    @property
    def fpir(self) -> float | None:
        return self.formula if self.direct is None else self.direct


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """What is looked up again and again: `scores` [S,M], a stranger's own column at -inf; `best` [S] of each row."""

    scores: NDArray[np.float32]
    best: NDArray[np.float32]
    has_own: NDArray[np.bool_]
    comparisons: int
    sampled: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Tail:
    """Cells at or above `at`, which many different strangers reach: their excess over it is taken for exponential."""

    at: float
    rate: float
    excess: float
    row: Ints
    column: Ints
    above: Floats


def calibrate(
    strangers: Strangers,
    model_id: str,
    people: int,
    target: float,
    random: np.random.Generator,
    draws: int = 400,
) -> Calibration:
    """Return the lowest threshold at which at most a share `target` of strangers passes among `people`."""
    if not 0 < target < 1 or people < 0:
        raise ValueError(f"no risk of {target} for {people} people")
    nothing = nothing_to_say(strangers, model_id, people, target)
    if nothing is not None:
        return nothing
    cells = _cells(strangers)
    tail = _tail(cells)
    threshold, far = _threshold(cells, tail, people, target)
    if threshold >= ALIKE:
        # A tail that is extrapolated to 1 says that the data end, not that faces are alike.
        reached = float(cells.best.max()) >= ALIKE
        return _none(Verdict.ALIKE if reached else Verdict.NOT_ENOUGH, strangers, people, target)
    if far:
        nothing = _none(Verdict.NOT_ENOUGH, strangers, people, target)
        own_people = bool(cells.has_own.all()) and not cells.sampled
        needed = least_people(target, len(tail.row)) if own_people else 0
        return replace(nothing, missing=max(0, needed - strangers.people))
    return _judge(cells, tail, people, max(threshold, LOWEST), target, random, draws)


def curve(
    strangers: Strangers,
    model_id: str,
    people: int,
    thresholds: Sequence[float],
    target: float,
    random: np.random.Generator,
    draws: int = 400,
) -> list[Calibration]:
    """Return what each of these thresholds risks among `people`; `target` is only noted."""
    nothing = nothing_to_say(strangers, model_id, people, target)
    if nothing is not None:
        return [nothing] * len(thresholds)
    cells = _cells(strangers)
    tail = _tail(cells)
    return [_judge(cells, tail, people, threshold, target, random, draws) for threshold in thresholds]


def least_people(target: float, above: int = TAIL_STRANGERS + 1) -> int:
    """Return how many people it takes, each a stranger to the others, to say anything at a risk of `target`.

    `above`: so many comparisons begin the tail, which is believed down to a REACH-th of their share; the default is the
    fewest that are possible.
    """
    return max(MIN_STRANGERS, math.ceil(1 + above / (REACH * -math.log1p(-target))))


def reach(strangers: Strangers, model_id: str, people: int) -> float | None:
    """Return the highest threshold of which these strangers say anything; None if they say nothing at all."""
    if nothing_to_say(strangers, model_id, people, 0.5) is not None:
        return None
    tail = _tail(_cells(strangers))
    return tail.at + tail.excess * math.log(REACH)


def nothing_to_say(strangers: Strangers, model_id: str, people: int, target: float) -> Calibration | None:
    """Return the verdict if no number may be given at any threshold, else None."""
    scores, verdict = strangers.scores, None
    if strangers.model_id != model_id:
        verdict = Verdict.FOREIGN
    elif scores.size and not (np.isfinite(scores).all() and np.abs(scores).max() <= 1.001):
        verdict = Verdict.BROKEN
    elif people < 1 or len(scores) < MIN_STRANGERS or strangers.people < MIN_PEOPLE:
        verdict = Verdict.NOT_ENOUGH
    elif float(np.std(scores[:, :100])) < 1e-6 or np.median(scores) >= ALIKE:
        verdict = Verdict.ALIKE
    return None if verdict is None else _none(verdict, strangers, people, target)


def _none(verdict: Verdict, strangers: Strangers, people: int, target: float) -> Calibration:
    return Calibration(verdict, target, people, len(strangers.scores), max(0, strangers.comparisons))


def _cells(strangers: Strangers) -> _Cells:
    scores = strangers.scores.astype(np.float32, copy=True)
    has_own = strangers.own >= 0
    scores[np.flatnonzero(has_own), strangers.own[has_own]] = -np.inf
    return _Cells(scores, scores.max(axis=1), has_own, strangers.comparisons, strangers.sampled)


def _tail(cells: _Cells) -> _Tail:
    """Return the tail above the best score of the stranger who comes TAIL_STRANGERS places after the first."""
    at = np.partition(cells.best, -TAIL_STRANGERS - 1)[-TAIL_STRANGERS - 1]
    row, column = np.nonzero(cells.scores >= at)
    above = cells.scores[row, column].astype(np.float64) - float(at)
    return _Tail(float(at), len(row) / cells.comparisons, max(float(above.mean()), 1e-6), row, column, above)


def _threshold(cells: _Cells, tail: _Tail, people: int, target: float) -> tuple[float, bool]:
    """Return the lowest threshold with at most this risk, and whether it is too far out to trust the tail."""
    fmr = fmr_for_fpir(target, people)
    counted = _just_above(cells.scores.reshape(-1), fmr * cells.comparisons)
    if people == cells.scores.shape[1] and not cells.sampled:
        # The very people at the door: how many strangers pass is counted, too, whomever they resemble.
        counted = max(counted, _just_above(cells.best, target * len(cells.best)))
    if (cells.best >= counted).sum() >= SEEN:
        return counted, False
    beyond = tail.at + tail.excess * max(0.0, math.log(tail.rate / fmr))
    # Never below what the cells themselves say: there the tail is heavier than it was taken for.
    return max(beyond, counted), fmr < tail.rate / REACH


def _just_above(scores: NDArray[np.float32], allowed: float) -> float:
    """Return the lowest number that at most so many of the scores reach."""
    count = math.floor(round(allowed, 9))
    if count >= len(scores):
        return LOWEST
    return float(np.nextafter(np.partition(scores, -count - 1)[-count - 1], np.float32(np.inf)))


def _judge(
    cells: _Cells,
    tail: _Tail,
    people: int,
    threshold: float,
    target: float,
    random: np.random.Generator,
    draws: int,
) -> Calibration:
    number, columns = cells.scores.shape
    reached = cells.scores >= np.float64(threshold)
    seen = int((cells.best >= np.float64(threshold)).sum())
    measured = seen >= SEEN
    fmr = int(reached.sum()) / cells.comparisons
    if not measured:
        # The fitted tail hangs on its start: where both speak, the worse of the two.
        fitted = tail.rate * math.exp(-max(0.0, threshold - tail.at) / tail.excess)
        if max(fitted, fmr) < tail.rate / REACH:
            return Calibration(Verdict.NOT_ENOUGH, target, people, number, cells.comparisons)
        fmr = max(fitted, fmr)
    formula = fpir_at_gallery_size(fmr, people)
    each = None
    if measured and people <= columns:
        each = direct_fpir(reached.sum(axis=1), columns, people, cells.has_own)
    # Among people who are each other's strangers, whoever matches is matched: so many looks are half as many.
    twos = 2 if cells.has_own.all() else 1
    independent = number // (1 if cells.sampled else twos)
    if each is not None and not cells.sampled:
        # The people at the door are given; only strangers are drawn anew.
        again = _redrawn_mean(each, independent, random, draws)
    else:
        again = _redraw(cells, tail, reached, None if measured else threshold, independent, random, draws)
        again = fpirs_at_gallery_size(np.minimum(again, 1 - 1e-12), people)
    direct = None if each is None else float(each.mean())
    estimate = formula if direct is None else direct
    low, high = _interval(again, estimate, independent, seen, measured)
    events = cells.comparisons / (twos if cells.sampled else 1)
    ahead = _trial(again, estimate, people, None if measured else events, random)
    trial = min(low, ahead[0]), max(high, ahead[1])
    verdict = Verdict.MEASURED if measured else Verdict.EXTRAPOLATED
    return Calibration(
        verdict,
        target,
        people,
        number,
        cells.comparisons,
        float(threshold),
        fmr,
        formula,
        direct,
        low,
        high,
        trial,
        seen,
    )


def _redrawn_mean(each: Floats, size: int, random: np.random.Generator, draws: int) -> Floats:
    """Return the mean of so many of them, drawn with replacement."""
    value, count = np.unique(each, return_counts=True)
    result: Floats = random.multinomial(size, count / len(each), draws) @ value / size
    return result


def _redraw(
    cells: _Cells,
    tail: _Tail,
    reached: NDArray[np.bool_],
    beyond: float | None,
    size: int,
    random: np.random.Generator,
    draws: int,
) -> Floats:
    """Return FMR [draws] with `size` strangers (and a sampled gallery's people) drawn anew; `beyond`: from the tail."""
    number, columns = reached.shape
    row, column = np.nonzero(reached) if beyond is None else (tail.row, tail.column)
    # Strangers who are the gallery's people themselves are drawn together with them.
    same = cells.sampled and number == columns and bool(cells.has_own.all())
    result = np.empty(draws)
    for index in range(draws):
        weight = np.bincount(random.integers(0, number, size), minlength=number).astype(np.float64)
        other = np.ones(columns)
        if same:
            other = weight
        elif cells.sampled:
            other = np.bincount(random.integers(0, columns, columns), minlength=columns).astype(np.float64)
        compared = float(weight.sum() * other.sum())
        if same:
            compared -= float(weight @ weight)
        elif not cells.sampled:
            compared -= float(weight[cells.has_own].sum())
        both = weight[row] * other[column]
        fmr = float(both.sum()) / compared if compared else 0.0
        if beyond is not None and fmr:
            excess = max(float(both @ tail.above) / float(both.sum()), 1e-6)
            fmr *= math.exp(-max(0.0, beyond - tail.at) / excess)
        result[index] = fmr
    return result


def _interval(again: Floats, estimate: float, strangers: int, seen: int, measured: bool) -> tuple[float, float]:
    """Return the redrawn 95 %, together with Wilson's over strangers."""
    low, high = (float(each) for each in np.quantile(again, [0.025, 0.975]))
    errors = estimate * strangers
    # Extrapolated: what was seen bounds it from above; from below, only the redrawn tail speaks.
    wilson_low = wilson_interval(math.floor(errors), strangers)[0] if measured else 0.0
    wilson_high = wilson_interval(math.ceil(errors) if measured else max(seen, math.ceil(errors)), strangers)[1]
    return min(low, wilson_low, estimate), min(1.0, max(high, wilson_high, estimate))


def _trial(
    again: Floats, estimate: float, people: int, events: float | None, random: np.random.Generator
) -> tuple[float, float]:
    """Return where a trial with as many other strangers will come out, 95 %: both it and the estimate may be off.

    `events`: so few will match that they are counted one by one, of so many; None: many will.
    """
    if events is None:
        half = len(again) // 2
        ahead = np.clip(again[:half] + again[half : 2 * half] - estimate, 0, 1)
    else:
        fmr = fmrs_for_fpir(np.minimum(again, 1 - 1e-12), people)
        seen = np.minimum(random.poisson(fmr * events) / events, 1 - 1e-12)
        ahead = fpirs_at_gallery_size(seen, people)
    return float(np.quantile(ahead, 0.025)), float(np.quantile(ahead, 0.975))
