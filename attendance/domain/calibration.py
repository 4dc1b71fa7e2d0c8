"""From an accepted risk to a threshold for a gallery of this size, with what stands behind it.

In: how strangers score against the people of a gallery, as a matrix of raw cosines; a target such as 1
stranger in 1,000; a source of chance from the caller.  Out: a `Calibration`: threshold, rates, intervals, and a
verdict that says whether these are measured, extrapolated, or nothing at all.
Does not know: where the scores come from, who is who.
Main choice: the threshold comes from 1-(1-FMR)^N and is checked against the galleries of N people that the data
hold (`direct_fpir`: their exact mean, which knows that some strangers resemble many).  What is uncertain are people and
not pairs, so the intervals come from drawing people again (bootstrap), widened to Wilson's over strangers where few
matched.  Below what the data show, the tail is taken for exponential, which for cosines errs towards a threshold too high.
The price: with few strangers the upper end says "could be far more", and rightly so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from attendance.domain.error_rates import fpir_at_gallery_size, wilson_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Fewer strangers, or fewer people to compare them with, give no number at all.
MIN_STRANGERS = 50
MIN_PEOPLE = 10
# The tail is fitted above the score that so many different strangers reach …
TAIL_STRANGERS = 30
# … and below so many matching strangers a rate counts as extrapolated.
SEEN = 10
# How far below the last rate that was seen the tail is believed.
REACH = 100.0
# At and above this cosine two pictures are as good as one: whoever needs such a threshold has duplicates.
ALIKE = 0.99
LOWEST = 0.05


class Verdict(StrEnum):
    """What a calibration is worth; only the first two come with numbers."""

    MEASURED = "measured"
    EXTRAPOLATED = "extrapolated"
    NOT_ENOUGH = "not enough data"
    BROKEN = "broken scores"
    FOREIGN = "another model's scores"
    ALIKE = "faces not told apart"

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def usable(self) -> bool:
        return self in (Verdict.MEASURED, Verdict.EXTRAPOLATED)


_WORDS = {
    Verdict.MEASURED: "So many strangers were seen at this threshold that the rate is a measurement.",
    Verdict.EXTRAPOLATED: "Too few strangers were seen at this threshold; the rate is drawn on from more frequent ones.",
    Verdict.NOT_ENOUGH: "There are too few people or too few strangers to say anything at this risk.",
    Verdict.BROKEN: "Some scores are not numbers, so none is believed: check the weights and enrol again.",
    Verdict.FOREIGN: "These scores come from another model: make a reference for this one, or enrol again.",
    Verdict.ALIKE: "Different people score as if they were one: look for people enrolled twice, or with the same photo.",
}


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
    numbers are None.
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

    @property
    def fpir(self) -> float | None:
        return self.formula if self.direct is None else self.direct


@dataclass(frozen=True, slots=True, eq=False)
class _Top:
    """The highest cells, best first: value, row, column; and the fitted tail above `at`."""

    value: Floats
    row: Ints
    column: Ints
    at: float
    rate: float
    excess: float
    whole: bool  # no cell was left out


def calibrate(
    strangers: Strangers,
    model_id: str,
    people: int,
    target: float,
    random: np.random.Generator,
    draws: int = 400,
) -> Calibration:
    """The lowest threshold at which at most a share `target` of strangers passes among `people`."""
    if not 0 < target < 1 or people < 0:
        raise ValueError(f"no risk of {target} for {people} people")
    nothing = _nothing(strangers, model_id, people, target)
    if nothing is not None:
        return nothing
    fmr = -math.expm1(math.log1p(-target) / people)
    top = _top(strangers, fmr)
    if top is None:
        return _none(Verdict.NOT_ENOUGH, strangers, people, target)
    threshold, extrapolated = _threshold(top, fmr, strangers.comparisons)
    if extrapolated and fmr < top.rate / REACH:
        return _none(Verdict.NOT_ENOUGH, strangers, people, target)
    if threshold >= ALIKE:
        # A tail that is drawn on to 1 says that the data end, not that faces are alike.
        reached = float(top.value[0]) >= ALIKE
        return _none(Verdict.ALIKE if reached else Verdict.NOT_ENOUGH, strangers, people, target)
    return at_threshold(strangers, model_id, people, max(threshold, LOWEST), target, random, draws)


def at_threshold(
    strangers: Strangers,
    model_id: str,
    people: int,
    threshold: float,
    target: float,
    random: np.random.Generator,
    draws: int = 400,
) -> Calibration:
    """What a given threshold risks among `people`; `target` is only noted, and tells how much of the tail to look at."""
    nothing = _nothing(strangers, model_id, people, target)
    if nothing is not None:
        return nothing
    top = _top(strangers, float((strangers.scores >= threshold).sum()) / strangers.comparisons)
    if top is None:
        return _none(Verdict.NOT_ENOUGH, strangers, people, target)
    reached = top.value >= threshold
    rows = np.unique(top.row[reached])
    measured = len(rows) >= SEEN
    fmr = int(reached.sum()) / strangers.comparisons
    if not measured:
        # The fitted tail hangs on its start: where both speak, the worse of the two.
        fitted = top.rate * math.exp(-max(0.0, threshold - top.at) / top.excess)
        fmr = max(fitted, fmr)
        if fmr < top.rate / REACH:
            return _none(Verdict.NOT_ENOUGH, strangers, people, target)
    formula = fpir_at_gallery_size(min(fmr, 1.0), people)
    matches = np.bincount(top.row[reached], minlength=len(strangers.scores))
    direct = None
    if measured and people <= strangers.people - 1 + int(not (strangers.own >= 0).any()):
        direct = float(direct_fpir(matches, strangers.people, people, strangers.own >= 0).mean())
    estimate = formula if direct is None else direct
    again = _redraw(strangers, top, threshold, people, measured, random, draws)
    low, high = _interval(again, estimate, len(strangers.scores), len(rows), measured)
    half = len(again) // 2
    ahead = np.clip(again[:half] + again[half : 2 * half] - estimate, 0, 1)
    return Calibration(
        Verdict.MEASURED if measured else Verdict.EXTRAPOLATED,
        target,
        people,
        len(strangers.scores),
        strangers.comparisons,
        float(threshold),
        fmr,
        formula,
        direct,
        low,
        high,
        (float(np.quantile(ahead, 0.025)), float(np.quantile(ahead, 0.975))),
        len(rows),
    )


def direct_fpir(matches: Ints, size: int, people: int, own: NDArray[np.bool_] | None = None) -> Floats:
    """For strangers that match `matches` of `size` people: their chance of a match in a random `people` of them.

    Exact, 1 - C(size-k, people) / C(size, people), so it is the mean over every gallery that could be drawn.
    `own`: strangers whose own column does not count, so that one person fewer is left to draw from.
    """
    sizes = np.full(len(matches), size) - (0 if own is None else own.astype(np.int64))
    people = min(people, size)
    table = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1)))])
    drawn = np.minimum(people, sizes)
    rest = sizes - matches
    certain = rest < drawn
    safe = np.where(certain, drawn, rest)
    log_none = table[safe] - table[safe - drawn] - table[sizes] + table[sizes - drawn]
    return np.where(certain, 1.0, -np.expm1(log_none))


@dataclass(frozen=True, slots=True)
class Share:
    """`value` of `trials` looks of `people` people, with the 95 % interval; None without any."""

    value: float | None
    low: float
    high: float
    trials: int
    people: int


def share_refused(
    genuine: NDArray[np.float32], owners: Ints, threshold: float, random: np.random.Generator, draws: int = 400
) -> Share:
    """How often people's own looks stay below the threshold: the mean over people, redrawn by people.

    Wilson's over people, taken together with it, speaks where nobody, or nearly nobody, was refused.
    """
    finite = np.isfinite(genuine)
    if not len(genuine) or not finite.all():
        return Share(None, 0.0, 1.0, int(finite.sum()), len(np.unique(owners)))
    _, index = np.unique(owners, return_inverse=True)
    refused = np.bincount(index, genuine < np.float64(threshold)) / np.bincount(index)
    number = len(refused)
    means = refused[random.integers(0, number, (draws, number))].mean(axis=1)
    value = float(refused.mean())
    low, high = (float(each) for each in np.quantile(means, [0.025, 0.975]))
    wilson = (
        wilson_interval(math.floor(value * number), number)[0],
        wilson_interval(math.ceil(value * number), number)[1],
    )
    return Share(value, min(low, wilson[0]), max(high, wilson[1]), len(genuine), number)


def _nothing(strangers: Strangers, model_id: str, people: int, target: float) -> Calibration | None:
    """The verdict where no number may be given."""
    verdict = None
    if strangers.model_id != model_id:
        verdict = Verdict.FOREIGN
    elif people < 1 or len(strangers.scores) < MIN_STRANGERS or strangers.people < MIN_PEOPLE:
        verdict = Verdict.NOT_ENOUGH
    elif not np.isfinite(strangers.scores).all() or np.abs(strangers.scores).max() > 1.001:
        verdict = Verdict.BROKEN
    elif float(np.std(strangers.scores[:, : MIN_PEOPLE * 10])) < 1e-6 or np.median(strangers.scores) >= ALIKE:
        verdict = Verdict.ALIKE
    return None if verdict is None else _none(verdict, strangers, people, target)


def _none(verdict: Verdict, strangers: Strangers, people: int, target: float) -> Calibration:
    return Calibration(verdict, target, people, len(strangers.scores), max(0, strangers.comparisons))


def _top(strangers: Strangers, fmr: float) -> _Top | None:
    """The highest cells: enough for a rate of `fmr` and for TAIL_STRANGERS strangers; None when they do not exist."""
    scores = strangers.scores.astype(np.float32, copy=True)
    rows = np.flatnonzero(strangers.own >= 0)
    scores[rows, strangers.own[rows]] = -np.inf
    flat = scores.reshape(-1)
    share = max(1.5 * fmr + 10 / flat.size, 4 * TAIL_STRANGERS / flat.size, 0.0005)
    while True:
        keep = min(strangers.comparisons, math.ceil(share * flat.size))
        # Everything at least as good as the last that is kept, so that a tie is kept whole.
        floor = np.partition(flat, flat.size - keep)[flat.size - keep]
        found = np.flatnonzero(flat >= floor) if np.isfinite(floor) else np.flatnonzero(np.isfinite(flat))
        found = found[np.argsort(-flat[found], kind="stable")]
        row = found // scores.shape[1]
        first = np.sort(np.unique(row, return_index=True)[1])
        whole = len(found) >= strangers.comparisons
        if len(first) > TAIL_STRANGERS or whole:
            break
        share *= 4
    if len(first) <= TAIL_STRANGERS:
        return None
    value = flat[found].astype(np.float64)
    at = float(value[first[TAIL_STRANGERS]])
    above = value[value >= at]
    excess = max(float(above.mean() - at), 1e-6)
    return _Top(value, row, found % scores.shape[1], at, len(above) / strangers.comparisons, excess, whole)


def _threshold(top: _Top, fmr: float, comparisons: int) -> tuple[float, bool]:
    """The lowest threshold with at most this rate, and whether it lies in the fitted tail."""
    allowed = math.floor(round(fmr * comparisons, 9))
    if allowed < len(top.value):
        threshold = float(np.nextafter(top.value[allowed], np.inf))
        if len(np.unique(top.row[top.value >= threshold])) >= SEEN:
            return threshold, False
    elif top.whole:
        return float(top.value[-1]), False
    beyond = top.at + top.excess * max(0.0, math.log(top.rate / fmr))
    # Never below what the cells themselves say: there the tail is heavier than it was taken for.
    counted = float(np.nextafter(top.value[min(allowed, len(top.value) - 1)], np.inf))
    return max(beyond, counted), True


def _redraw(
    strangers: Strangers,
    top: _Top,
    threshold: float,
    people: int,
    measured: bool,
    random: np.random.Generator,
    draws: int,
) -> Floats:
    """The estimate again, with strangers (and a sampled gallery's people) drawn anew."""
    number, columns = len(strangers.scores), strangers.people
    same = bool((strangers.own >= 0).any())
    inside = top.value >= (threshold if measured else top.at)
    row, column, value = top.row[inside], top.column[inside], top.value[inside]
    rate: Callable[[float, float], float] = lambda hits, cells: hits / cells if cells else 0.0  # noqa: E731
    result = np.empty(draws)
    fixed = None
    if measured and not strangers.sampled and people <= columns - int(same):
        matches = np.bincount(row, minlength=number)
        fixed = direct_fpir(matches, columns, people, strangers.own >= 0)
    for index in range(draws):
        weight = np.bincount(random.integers(0, number, number), minlength=number).astype(np.float64)
        if fixed is not None:
            result[index] = float(weight @ fixed) / number
            continue
        other = np.ones(columns)
        if strangers.sampled:
            if same and number == columns:  # the strangers are the gallery's people: one draw of people
                other = weight[np.argsort(strangers.own)]
            else:
                other = np.bincount(random.integers(0, columns, columns), minlength=columns).astype(np.float64)
        cells = float(weight.sum() * other.sum())
        if same:
            known = strangers.own >= 0
            cells -= float(weight[known] @ other[strangers.own[known]])
        both = weight[row] * other[column]
        fmr = rate(float(both.sum()), cells)
        if not measured:
            total = float(both.sum())
            excess = max(float(both @ (value - top.at)) / total, 1e-6) if total else 1e-6
            fmr *= math.exp(-max(0.0, threshold - top.at) / excess)
        result[index] = fpir_at_gallery_size(min(fmr, 1.0), people)
    return result


def _interval(again: Floats, estimate: float, strangers: int, seen: int, measured: bool) -> tuple[float, float]:
    """The redrawn 95 %, together with Wilson's over strangers."""
    low, high = (float(each) for each in np.quantile(again, [0.025, 0.975]))
    errors = estimate * strangers
    # Extrapolated: what was seen bounds it from above; from below, only the redrawn tail speaks.
    wilson_low = wilson_interval(math.floor(errors), strangers)[0] if measured else 0.0
    wilson_high = wilson_interval(math.ceil(errors) if measured else max(seen, math.ceil(errors)), strangers)[1]
    return min(low, wilson_low, estimate), min(1.0, max(high, wilson_high, estimate))
