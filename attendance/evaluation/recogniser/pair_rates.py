"""Rates over pairs of photographs, with intervals that allow for pairs that share people.

In: scores of pairs, and the people of each pair.  Out: TAR at FAR with counts and intervals.
Does not know: images, networks, the source of the pairs.
Main choice: the bootstrap draws **people**, not pairs (Bolle et al., "The error of the ROC", 2004).  One odd
person spoils hundreds of pairs at once, and an interval over pairs would not show it.
Trade-off: a few hundred draws, and an interval about twice as wide as the flattering one.

A pair without both faces has the score NaN.  Among genuine pairs it is an error.  Among impostor pairs it
is left out: a stranger without a detected face is not let in and must not improve the rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.error_rates import wilson_interval

Floats = NDArray[np.float64]
DRAWS = 200


@dataclass(frozen=True, eq=False)
class Pairs:
    """`scores` [P], NaN without both faces; `first`, `second` [P]: numbers of the people (or photographs)."""

    scores: Floats
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.scores) == len(self.first) == len(self.second):
            raise ValueError("each pair has one score and two people")

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def found(self) -> Pairs:
        """The pairs with both faces."""
        there = ~np.isnan(self.scores)
        return Pairs(self.scores[there], self.first[there], self.second[there])

    def weights(self, times: Floats) -> Floats:
        """Return how often each pair occurs if person i was drawn `times[i]` times."""
        result = times[self.first]
        apart = self.first != self.second
        result[apart] *= times[self.second[apart]]
        return result


def draws(people: int, seed: int = 0, count: int = DRAWS) -> Iterator[Floats]:
    """Yield `count` times how often each person was drawn, with replacement."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield np.bincount(random.integers(0, people, people), minlength=people).astype(np.float64)


def percentiles(values: list[float]) -> list[float]:
    """Return the middle 95 %, rounded; [0, 1] without values."""
    if not values:
        return [0.0, 1.0]
    low, high = np.percentile(values, [2.5, 97.5])
    return [round(float(low), 5), round(float(high), 5)]


def interval(replicates: list[float], errors: int, trials: int, people: int) -> list[float]:
    """Return the bootstrap's interval; Wilson's over people if all or none were errors, when it would have no width."""
    if errors in (0, trials):
        low, high = wilson_interval(people if errors == 0 and trials else 0, people)
        return [round(low, 5), round(high, 5)]
    return percentiles(replicates)


def complement(bounds: list[float]) -> list[float]:
    """Return the interval of what was wrong, from that of what was right."""
    return [round(1 - bounds[1], 5), round(1 - bounds[0], 5)]


class Impostors:
    """The highest impostor scores, sorted once, so that a draw needs no sorting."""

    def __init__(self, pairs: Pairs, most: float) -> None:
        found = pairs.found
        if not len(found):
            raise ValueError("a false accept rate needs impostor pairs")
        self.count = len(found)
        # No draw of people reaches twenty times as far down as the whole set does.
        kept = min(self.count, int(np.ceil(20 * most * self.count)) + 1000)
        top = np.argsort(-found.scores, kind="stable")[:kept]
        self._top = Pairs(found.scores[top], found.first[top], found.second[top])
        people = int(max(found.first.max(), found.second.max())) + 1
        kinds, self._per_kind = np.unique(found.first * people + found.second, return_counts=True)
        self._kinds = Pairs(np.zeros(len(kinds)), kinds // people, kinds % people)

    def threshold(self, far: float, times: Floats | None = None) -> float:
        """Return the lowest threshold that at most `far` of the (drawn) impostor pairs reach."""
        if times is None:
            reached = np.arange(1, len(self._top) + 1, dtype=np.float64)
            total = float(self.count)
        else:
            reached = np.cumsum(self._top.weights(times))
            total = float(self._kinds.weights(times) @ self._per_kind)
        # Rounded, because 0.3 of 10 is 3 and not 2.9999999999999996.
        row = int(np.searchsorted(reached, round(far * total, 9), side="right"))
        return float(np.nextafter(self._top.scores[min(row, len(self._top) - 1)], np.inf))


def tar_at_far(
    genuine: Pairs, impostor: Pairs, fars: tuple[float, ...], people: int, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Return "tar_at_far_0.001" → rate, interval over people, threshold, counts.

    `people`: how many people there are.  A FAR of less than one impostor pair is marked `beyond_the_data`:
    its threshold lies just above the highest impostor score.
    """
    if not len(genuine):
        raise ValueError("a true accept rate needs genuine pairs")
    ranked = Impostors(impostor, max(fars))
    scores = np.where(np.isnan(genuine.scores), -np.inf, genuine.scores)
    thresholds = {far: ranked.threshold(far) for far in fars}
    replicates: dict[float, list[float]] = {far: [] for far in fars}
    for times in draws(people, seed):
        weights = genuine.weights(times)
        total = float(weights.sum())
        if not total:
            continue
        for far in fars:
            passed = scores >= ranked.threshold(far, times)
            replicates[far].append(float(weights[passed].sum()) / total)
    behind = len(np.unique(genuine.first))
    result = {}
    for far in fars:
        accepted = int((scores >= thresholds[far]).sum())
        result[f"tar_at_far_{far:g}"] = {
            "rate": round(accepted / len(scores), 5),
            "interval95_people": interval(replicates[far], len(scores) - accepted, len(scores), behind),
            "threshold": round(thresholds[far], 4),
            "genuine": len(scores),
            "impostor": ranked.count,
            "people": behind,
        } | ({"beyond_the_data": True} if far * ranked.count < 1 else {})
    return result


def of_people(labels: NDArray[np.int64], most_impostors: int, seed: int = 0) -> tuple[NDArray[np.int64], ...]:
    """Return the rows (a, b) of all genuine pairs, and of impostor pairs: all, or `most_impostors` drawn at random.

    `labels` [N]: the person of each photograph.  Drawn pairs are distinct; the seed fixes their order.
    """
    genuine: list[NDArray[np.int64]] = []
    for person in np.unique(labels):
        rows = np.flatnonzero(labels == person)
        a, b = np.triu_indices(len(rows), 1)
        genuine.append(np.stack([rows[a], rows[b]]))
    same = np.concatenate(genuine, axis=1) if genuine else np.zeros((2, 0), np.int64)
    count = len(labels)
    if count * (count - 1) // 2 - same.shape[1] <= most_impostors:
        a, b = np.triu_indices(count, 1)
    else:
        random = np.random.default_rng(seed)
        drawn = random.integers(0, count, (2, 3 * most_impostors))
        low, high = drawn.min(0), drawn.max(0)
        code = low * count + high
        code = code[labels[low] != labels[high]]
        _, at = np.unique(code, return_index=True)
        code = code[np.sort(at)][:most_impostors]
        a, b = code // count, code % count
    apart = labels[a] != labels[b]
    return same[0], same[1], a[apart], b[apart]


def scores_of(left: NDArray[np.float32], right: NDArray[np.float32], block: int = 100_000) -> Floats:
    """Return the cosine of row with row, NaN if either row is; in blocks, so that a million pairs fit in memory."""
    parts = [
        np.einsum("nd,nd->n", left[start : start + block], right[start : start + block])
        for start in range(0, len(left), block)
    ]
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def pairs_between(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]
) -> Pairs:
    """Return the pairs of rows a, b of one matrix [N,D], gathered in blocks."""
    block = 100_000
    parts = [scores_of(vectors[a[i : i + block]], vectors[b[i : i + block]]) for i in range(0, len(a), block)]
    return Pairs(np.concatenate(parts) if parts else np.zeros(0), labels[a], labels[b])
