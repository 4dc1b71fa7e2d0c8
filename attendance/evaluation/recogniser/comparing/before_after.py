"""A site before and after each choice: what a passage costs its own people, and what strangers do at a stated risk.

In: the people of a site as vectors, by weights; optionally packaged strangers.  Out: rows with counts and intervals, as
JSON and as Markdown tables.
Does not know: images, networks, the database.
Main choice: each choice is added to the old way alone, then all together, so that a row shows its own worth.  The
stated risk is checked as `calibrate` states it: each person is left out once, the others calibrate, and the person left
out comes as the stranger.  Trade-off: with fifteen people a rate below one in fifteen is seen only in a stranger's
passages, which resemble each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.scoring import Scoring, Vectors, centre_of, mean_of
from attendance.domain.access.track import LOOKS_MOST, TRIES
from attendance.domain.calibration.risk import Strangers
from attendance.domain.calibration.site_calibration import StrangerScores, calibrate_site
from attendance.evaluation.recogniser import site
from attendance.evaluation.recogniser.identification import best_of_all
from attendance.evaluation.recogniser.pair_rates import complement, draws, interval, percentiles
from attendance.evaluation.recogniser.site import LOOKS_AN_ATTEMPT, Visitor, Way

BEFORE = Way("before: each of 3 looks, best photo", False, LOOKS_AN_ATTEMPT, each=True)
CHOICES = (
    BEFORE,
    Way("looks pooled", False, LOOKS_MOST, growing=True),
    Way("photos pooled", True, LOOKS_AN_ATTEMPT, each=True),
    Way("photos pooled, centre", True, LOOKS_AN_ATTEMPT, centre=True, each=True),
    Way("looks and photos pooled", True, LOOKS_MOST, growing=True),
    Way("all together", True, LOOKS_MOST, centre=True, growing=True),
)
RISKS = (20, 100)


def choices(visitors: Sequence[Visitor], fpir: float) -> dict[str, list[dict[str, Any]]]:
    """Measure each choice on neighbouring looks («passage») and on looks of all later sessions («attempt»)."""
    return {
        "passage": site.measure(visitors, fpir, [replace(way, run=True) for way in CHOICES]),
        "attempt": site.measure(visitors, fpir, CHOICES),
    }


def stated(
    visitors: Sequence[Visitor], reference: Vectors, model_id: str, resampled: int = 400
) -> list[dict[str, Any]]:
    """Calibrate the other people's site for each person left out, and let that person come as the stranger.

    `reference` [K,D]: the packaged strangers.  A row for each way and risk: `sites_with_a_number` of `sites`, the
    median threshold, the share of strangers' passages that reach it with the count and an interval over people, and the
    share of own passages refused (None where nobody is met again).  `resampled`: so often the calibration draws
    people anew.
    """
    rows: list[dict[str, Any]] = []
    for way in (CHOICES[-2], CHOICES[-1]):
        passing = replace(way, run=True)
        tries = [site.attempts(one, passing) for one in visitors]
        rows += [_stated_row(visitors, tries, passing, risk, reference, model_id, resampled) for risk in RISKS]
    return rows


def _stated_row(
    visitors: Sequence[Visitor],
    tries: Sequence[Vectors],
    way: Way,
    risk: int,
    reference: Vectors,
    model_id: str,
    resampled: int,
) -> dict[str, Any]:
    thresholds, passed, came, refused = [], [], [], []
    photos = [site.with_a_face(one.photos) for one in visitors]
    for left_out in range(len(visitors)):
        gallery = site.gallery_without(photos, left_out, way)
        scores = StrangerScores(
            Strangers(among(photos, way, gallery), np.arange(gallery.size), model_id),
            Strangers(gallery.person_scores(reference), np.full(len(reference), -1, np.int64), model_id),
        )
        target = 1 / risk / TRIES
        found = calibrate_site(scores, model_id, gallery.size, target, np.random.default_rng(left_out), resampled)
        if found.threshold is None:
            continue
        thresholds.append(found.threshold)
        best = best_of_all(site.attempt_scores(gallery, tries[left_out], way))
        seen = best[np.isfinite(best)]
        passed.append(int((seen >= found.threshold).sum()))
        came.append(len(seen))
        refused += _refused(gallery, visitors, tries, left_out, way, found.threshold)
    return {
        "way": way.name,
        "stated": f"1 in {risk}",
        "sites": len(visitors),
        "sites_with_a_number": len(thresholds),
        "threshold_median": round(float(np.median(thresholds)), 3) if thresholds else None,
        "strangers_let_in": sum(passed),
        "strangers_passages": sum(came),
        "measured_fpir": round(sum(passed) / sum(came), 5) if sum(came) else None,
        "interval95_people": _over_people(passed, came),
        "own_refused": round(float(np.mean(refused)), 5) if refused else None,
    }


def among(photos: Sequence[Vectors], way: Way, gallery: Gallery) -> Vectors:
    """Return how the enrolled people score against each other, [N,N]; who stands in as a stranger is in no centre."""
    means = np.stack([mean_of(photos[person]) for person in gallery.person_ids])
    if not way.centre or gallery.size <= 2:
        return gallery.person_scores(means)
    scores = np.empty((gallery.size, gallery.size), np.float32)
    for number in range(gallery.size):
        without = Scoring(True, centre_of(np.delete(means, number, axis=0)))
        scores[number] = without.faces(means) @ without.faces(means[[number]])[0]
    return scores


def _refused(
    gallery: Gallery, visitors: Sequence[Visitor], tries: Sequence[Vectors], left_out: int, way: Way, threshold: float
) -> list[float]:
    """Return the refused share of each known person's passages; one without a photo with a face is always refused."""
    shares = []
    for person, one in enumerate(visitors):
        if person == left_out or not one.elsewhere or not len(tries[person]):
            continue
        if person not in gallery.person_ids:
            shares.append(1.0)
            continue
        scores = site.attempt_scores(gallery, tries[person], way)
        own = gallery.person_ids.index(person)
        right = (scores.argmax(1) == own) & (scores[:, own] >= threshold)
        shares.append(float(1 - right.mean()))
    return shares


def _over_people(passed: Sequence[int], came: Sequence[int]) -> list[float] | None:
    """Return a 95 % interval of the pooled share, people drawn anew; Wilson's over people where all are alike."""
    if not sum(came):
        return None
    total, trials = np.array(passed), np.array(came)
    people = len(total)
    if total.sum() in (0, trials.sum()):
        return complement(interval([], int(total.sum()), int(trials.sum()), people))
    times = np.stack(list(draws(people)))
    shares = (times @ total) / np.maximum(times @ trials, 1)
    return percentiles(shares.tolist())


def tables(result: Mapping[str, Any]) -> str:
    """Return Markdown: own people refused by choice and weights, then what is stated against what strangers do."""
    networks = result["networks"]
    text = []
    for kind in ("passage", "attempt"):
        by_network = [values[kind] for values in networks.values()]
        text.append(_line([f"{kind}: own people refused", *networks, "counts"]))
        text.append(_line(["---"] * (len(networks) + 2)))
        for rows in zip(*by_network, strict=True):
            counts = (
                f"{rows[0]['known']} known, {rows[0]['strangers']} strangers; "
                f"{rows[0]['tries_of_known']} and {rows[0]['tries_of_strangers']} tries"
            )
            cells = [_share(row["fnir"], row["interval95_people"]) for row in rows]
            text.append(_line([rows[0]["way"], *cells, counts]))
        text.append("")
    text.append(_line(["weights", "way", "stated", "strangers let in", "own refused", "threshold", "sites"]))
    text.append(_line(["---"] * 7))
    for name, values in networks.items():
        for row in values.get("stated", ()):
            let_in = f"{row['strangers_let_in']} of {row['strangers_passages']}"
            if row["measured_fpir"] is not None:
                let_in += f": {_share(row['measured_fpir'], row['interval95_people'])}"
            own = "" if row["own_refused"] is None else f"{row['own_refused']:.1%}"
            sites = f"{row['sites_with_a_number']} of {row['sites']} with a number"
            text.append(_line([name, row["way"], row["stated"], let_in, own, str(row["threshold_median"]), sites]))
    return "\n".join(text) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _share(rate: float, bounds: Sequence[float]) -> str:
    return f"{rate:.1%} ({bounds[0]:.1%} to {bounds[1]:.1%})"
