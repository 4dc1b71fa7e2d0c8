"""What templates that grow do to a site: strangers let in at the threshold of before, and own people refused.

In: people of a site with looks of the time between enrolment and the last visit, as vectors.  Out: a row for each
number of grown templates, with and without the centre, with counts and intervals over people.
Does not know: images, networks, PINs: every look of the time between counts as confirmed.
Main choice: the product's own rule says which looks may grow (`domain/people/growth.confirms`), at the threshold of
before, and they join the mean of a person's photos, as at the doors.  Which of them grow is chance, and a few strangers
make the difference: so it is drawn several times, and a row holds the mean and the range.  Each draw of the bootstrap
finds its own threshold of before, so that a row is compared with the one without growth on the same people.
Trade-off: few sets have people in three sessions; with two, the last one is cut in half, and what grows is nearer to
the visit than at a door.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import Vectors
from attendance.domain.faces import Template
from attendance.domain.people.growth import REDUNDANT, confirms
from attendance.evaluation.recogniser import site
from attendance.evaluation.recogniser.pair_rates import Floats, complement, draws, interval, percentiles
from attendance.evaluation.recogniser.site import LOOKS_AN_ATTEMPT, Folds, Visitor, Way

WAYS = (
    Way("attempt, mean of the photos", True, LOOKS_AN_ATTEMPT),
    Way("attempt, mean, centre", True, LOOKS_AN_ATTEMPT, centre=True),
)
# As a door has it by default.
MARGIN = 0.05
# So often it is drawn which looks grow.
TIMES = 5


@dataclass(frozen=True, eq=False)
class Grower:
    """A visitor, and looks [B,D] of the time between enrolment and the visit; NaN without a found face."""

    visitor: Visitor
    between: Vectors


def measure(people: Sequence[Grower], numbers: Sequence[int], fpir: float = 0.01) -> list[dict[str, Any]]:
    """Return a row for each way and number of grown templates a person, first without any.

    `fpir_kept`, `own_refused_kept`: at the threshold that let the share `fpir` of strangers in before anything grew ·
    `own_refused`: at the threshold that does so now.  Raises ValueError with fewer than three people, or if nobody is
    met in another session.
    """
    visitors = [one.visitor for one in people]
    met = site.met_again(visitors)
    rows: list[dict[str, Any]] = []
    for way in WAYS:
        before = site.folds(visitors, way)
        threshold = before.rate(np.ones(len(visitors)), fpir, met)[1]
        for number in (0, *sorted({one for one in numbers if one > 0})):
            drawn = [grown_templates(people, way, threshold, number, seed) for seed in range(TIMES if number else 1)]
            after = [site.folds(visitors, way, grown) if number else before for grown in drawn]
            rows.append(_row(way, number, drawn, before, after, fpir, met))
    return rows


def grown_templates(
    people: Sequence[Grower], way: Way, threshold: float, most: int, seed: int = 0
) -> list[list[Vectors]]:
    """Return by stranger and person the templates [G,D] that grow, at most so many a person, drawn by `seed`."""
    photos = [site.with_a_face(one.visitor.photos) for one in people]
    between = [site.with_a_face(one.between) for one in people]
    dim = people[0].between.shape[-1]
    found: list[list[Vectors]] = []
    for left_out in range(len(people)):
        gallery = site.gallery_without(photos, left_out, way)
        point = OperatingPoint(
            threshold,
            MARGIN,
            gallery.model_id,
            "calibration",
            datetime(2024, 1, 1, tzinfo=UTC),
            gallery.scoring.version,
        )
        row: list[Vectors] = []
        for person, looks in enumerate(between):
            chosen = np.empty((0, dim), np.float32)
            if most and person in gallery.person_ids:
                # The same looks whoever is the stranger, as far as they may grow.
                order = np.random.default_rng([seed, person]).permutation(len(looks))
                chosen = _chosen(looks[order], person, photos[person], gallery, point)[:most]
            row.append(chosen)
        found.append(row)
    return found


def _chosen(looks: Vectors, person: int, photos: Vectors, gallery: Gallery, point: OperatingPoint) -> Vectors:
    """Return the looks that may grow, none of them nearly a photo."""
    able = [
        look for look in looks
        if float((photos @ look).max()) < REDUNDANT
        and confirms(Template(look, gallery.model_id), person, gallery, gallery, point)
    ]  # fmt: skip
    return np.array(able, np.float32).reshape(-1, looks.shape[-1])


def _row(
    way: Way,
    number: int,
    grown: Sequence[Sequence[Sequence[Vectors]]],
    before: Folds,
    after: Sequence[Folds],
    fpir: float,
    met: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> dict[str, Any]:
    everybody = np.ones(len(met))
    threshold = before.rate(everybody, fpir, met)[1]
    drawn = [times for times in draws(len(met)) if (times * met).any()]

    def kept(times: Floats) -> float:
        return before.rate(times, fpir, met)[1]

    def mean(of: Callable[[Folds], float]) -> float:
        return float(np.mean([of(one) for one in after]))

    each = [one.let_in(everybody, threshold) for one in after]
    let_in, refused_kept = float(np.mean(each)), mean(lambda one: one.refused(everybody, threshold, met))
    refused = mean(lambda one: one.rate(everybody, fpir, met)[0])
    counts = [len(one) for draw in grown for fold, row in enumerate(draw) for who, one in enumerate(row) if who != fold]
    people, known = len(met), int(met.sum())
    return {
        "way": way.name,
        "grown_at_most": number,
        "grown_a_person": round(float(np.mean(counts)), 2),
        "fpir_kept": round(let_in, 5),
        "fpir_kept_range": [round(min(each), 5), round(max(each), 5)],
        "fpir_kept_interval95": _bounds(
            let_in, people, drawn, lambda times: mean(lambda one: one.let_in(times, kept(times)))
        ),
        "tries_of_strangers": sum(int((~np.isnan(scores)).sum()) for scores in before.strangers),
        "own_refused_kept": round(refused_kept, 5),
        "own_refused_kept_interval95": _bounds(
            refused_kept, known, drawn, lambda times: mean(lambda one: one.refused(times, kept(times), met))
        ),
        "own_refused": round(refused, 5),
        "own_refused_interval95": _bounds(
            refused, known, drawn, lambda times: mean(lambda one: one.rate(times, fpir, met)[0])
        ),
        "threshold_before": round(threshold, 4),
        "threshold": round(mean(lambda one: one.rate(everybody, fpir, met)[1]), 4),
        "known": known,
        "strangers": people,
    }


def _bounds(rate: float, people: int, drawn: Sequence[Floats], of: Callable[[Floats], float]) -> list[float]:
    """Return a 95 % interval over people; Wilson's if all or none, where the bootstrap has no width."""
    if rate in (0, 1):
        return complement(interval([], round(rate * people), people, people))
    replicates = []
    for times in drawn:
        try:
            value = of(times)
        except ValueError:  # nobody of whom a face was seen
            continue
        if not np.isnan(value):
            replicates.append(value)
    return percentiles(replicates)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    names = (
        "way",
        "grown at most",
        "grown a person",
        "FPIR, threshold kept",
        "own refused, threshold kept",
        "own refused",
    )
    text = [f"| {' | '.join(names)} | counts |", f"|{' --- |' * (len(names) + 1)}"]
    for row in rows:
        cells = [row["way"], str(row["grown_at_most"]), f"{row['grown_a_person']:.2f}"]
        for name in ("fpir_kept", "own_refused_kept", "own_refused"):
            low, high = row[f"{name}_interval95"]
            cells.append(f"{row[name]:.1%} ({low:.1%} to {high:.1%})")
        low, high = row["fpir_kept_range"]
        cells[3] += f", by draw {low:.1%} to {high:.1%}"
        cells.append(f"{row['known']} known, {row['tries_of_strangers']} tries of {row['strangers']} strangers")
        text.append(f"| {' | '.join(cells)} |")
    return "\n".join(text) + "\n"
