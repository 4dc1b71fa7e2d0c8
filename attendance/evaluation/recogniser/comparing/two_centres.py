"""One centre for photos and looks, or one for each side, where the photos come from another camera than the looks.

In: people of a site as vectors.  Out: a row for each way, with own people refused at one FPIR, intervals over people,
and the difference from one centre.
Does not know: images, networks, how another camera is imitated.
Main choice: the camera's centre is computed as a door could: from pooled looks of passages that were granted without
any centre, one mean a person, shrunk like the other one, and without the person who is judged.  Trade-off: the
threshold is the one that the strangers of the test need; a site, which keeps no looks, could compute its own from
photos only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attendance.domain.access.scoring import MEAN_PHOTO, Scoring, Vectors, centre_of, mean_of
from attendance.evaluation.recogniser.identification import best_of_all, if_ranked_first
from attendance.evaluation.recogniser.pair_rates import Floats, draws, percentiles
from attendance.evaluation.recogniser.site import (
    LOOKS_AN_ATTEMPT,
    Folds,
    Visitor,
    Way,
    attempts,
    met_again,
    pooled,
    with_a_face,
)

PASSAGES = (10, 30, 100)
NONE, ONE = "no centre", "one centre"
_ATTEMPT = Way("attempt", True, LOOKS_AN_ATTEMPT)
_HEAD = "| way | own people refused, 95 % over people | threshold | against one centre, 95 % |\n|---|---|---|---|\n"


def measure(visitors: Sequence[Visitor], fpir: float = 0.01) -> list[dict[str, Any]]:
    """Return a row for each way; ValueError with fewer than three people, or if nobody is met in another session."""
    met = met_again(visitors)
    tries = [np.stack([pooled(look) for look in attempts(one, _ATTEMPT)]) for one in visitors]
    plain = folds(visitors, tries, NONE)
    granted = plain.rate(np.ones(len(visitors)), fpir, met)[1]
    found = {NONE: plain, ONE: folds(visitors, tries, ONE)}
    for number in PASSAGES:
        found[f"two centres, {number} passages"] = folds(visitors, tries, ONE, number, granted)
    rates = {name: one.rate(np.ones(len(visitors)), fpir, met) for name, one in found.items()}
    again = {name: _again(one, fpir, met) for name, one in found.items()}
    return [
        {
            "way": name,
            "fpir": fpir,
            "fnir": round(rate, 5),
            "interval95_people": percentiles(_known(again[name])),
            "threshold": round(threshold, 4),
            "against_one_centre": round(rate - rates[ONE][0], 5),
            "against_one_centre95": percentiles(_known(np.subtract(again[name], again[ONE]))),
        }
        for name, (rate, threshold) in rates.items()
    ]


def folds(
    visitors: Sequence[Visitor], tries: Sequence[Vectors], way: str, passages: int = 0, granted: float = 0.0
) -> Folds:
    """Score each person once as the stranger.  `passages`: so many, which reached `granted`, make the camera's centre.

    `tries`: by person the pooled looks [A,D] of each attempt; NaN without a found face.
    """
    means = np.stack([mean_of(with_a_face(one.photos)) for one in visitors])
    known: list[list[Floats]] = []
    strangers: list[Floats] = []
    for left_out in range(len(visitors)):
        inside = [number for number in range(len(visitors)) if number != left_out]
        scoring = MEAN_PHOTO if way == NONE else Scoring(True, centre_of(means[inside]))
        people, chosen = scoring.faces(means[inside]), _chosen(means, tries, inside, passages, granted, left_out)
        row: list[Floats] = []
        for number, looks in enumerate(tries):
            looked = Scoring(True, _camera_centre(chosen, tries, number)) if passages else scoring
            scores = looked.faces(looks).astype(np.float64) @ people.T.astype(np.float64)
            scores = np.where(np.isnan(scores), -np.inf, scores)
            if number == left_out:
                strangers.append(best_of_all(scores))
                row.append(np.zeros(0))
            else:
                row.append(if_ranked_first(scores, np.full(len(scores), inside.index(number))))
        known.append(row)
    return Folds(known, strangers)


def table(parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the rows of each camera as a Markdown table."""
    lines = []
    for title, rows in parts.items():
        lines.append(f"{title}\n\n{_HEAD}")
        for row in rows:
            (low, high), (less, more) = row["interval95_people"], row["against_one_centre95"]
            lines.append(
                f"| {row['way']} | {100 * row['fnir']:.1f} % ({100 * low:.1f} to {100 * high:.1f}) | "
                f"{row['threshold']:.3f} | {100 * row['against_one_centre']:+.1f} ({100 * less:+.1f} to "
                f"{100 * more:+.1f}) |\n"
            )
        lines.append("\n")
    return "".join(lines)


def _chosen(
    means: Vectors, tries: Sequence[Vectors], inside: Sequence[int], passages: int, granted: float, seed: int
) -> list[tuple[int, int]]:
    """Return (person, attempt) of at most so many random passages that were granted without a centre."""
    found = []
    for place, number in enumerate(inside):
        scores = np.nan_to_num(tries[number] @ means[inside].T, nan=-1.0)
        passed = (scores.argmax(axis=1) == place) & (scores[:, place] >= granted)
        found += [(number, attempt) for attempt in np.flatnonzero(passed).tolist()]
    order = np.random.default_rng(seed).permutation(len(found))[:passages]
    return [found[index] for index in order.tolist()]


def _camera_centre(chosen: Sequence[tuple[int, int]], tries: Sequence[Vectors], without: int) -> Vectors | None:
    """Return the shrunk mean over the people of these passages but one; None for fewer than two."""
    by_person: dict[int, list[Vectors]] = {}
    for number, attempt in chosen:
        if number != without:
            by_person.setdefault(number, []).append(tries[number][attempt])
    if len(by_person) < 2:
        return None
    return centre_of(np.stack([mean_of(np.stack(rows)) for rows in by_person.values()]))


def _again(found: Folds, fpir: float, met: Any) -> Floats:
    """Return FNIR for each redraw of the people; NaN where none can be said."""
    result = []
    for times in draws(len(met)):
        try:
            result.append(found.rate(times, fpir, met)[0])
        except ValueError:  # nobody of whom a face was seen
            result.append(float("nan"))
    return np.array(result)


def _known(values: Floats) -> list[float]:
    return [float(value) for value in values if not np.isnan(value)]
