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
from attendance.domain.calibration.site_calibration import StrangerScores, calibrate_site
from attendance.domain.calibration.stranger_scores import stranger_scores
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
# So many people are enrolled beside everybody but the stranger, drawn so often for each stranger.
ENROLLED, DRAWN = (12, 5), 3


def choices(visitors: Sequence[Visitor], fpir: float) -> dict[str, list[dict[str, Any]]]:
    """Measure each choice on neighbouring looks («passage») and on looks of all later sessions («attempt»)."""
    return {
        "passage": site.measure(visitors, fpir, [replace(way, run=True) for way in CHOICES]),
        "attempt": site.measure(visitors, fpir, CHOICES),
    }


def stated(
    visitors: Sequence[Visitor],
    reference: Vectors,
    model_id: str,
    resampled: int = 400,
    enrolled: Sequence[int] = ENROLLED,
) -> list[dict[str, Any]]:
    """Calibrate the other people's site for each person left out, and let that person come as the stranger.

    `reference` [K,D]: the packaged strangers.  A row for each way, number of people enrolled and risk:
    `sites_with_a_number` of `sites`, the median threshold and stated FPIR of a passage, the share of strangers'
    passages that reach it with the count and an interval over people, and the share of own passages refused (None where
    nobody is met again).  `resampled`: so often the calibration draws people anew.  `enrolled`: further sites of so
    many of the others, drawn DRAWN times for each person left out.
    """
    rows: list[dict[str, Any]] = []
    everybody = len(visitors) - 1
    for way in (CHOICES[-2], CHOICES[-1]):
        passing = replace(way, run=True)
        tries = [site.attempts(one, passing) for one in visitors]
        for number in (everybody, *sorted({one for one in enrolled if one < everybody}, reverse=True)):
            sites = _sites(len(visitors), number)
            rows += [
                _stated_row(visitors, tries, passing, sites, risk, reference, model_id, resampled) for risk in RISKS
            ]
    return rows


def _sites(people: int, enrolled: int) -> list[tuple[int, list[int]]]:
    """Return who is the stranger and who is enrolled, the same ones each time."""
    sites: list[tuple[int, list[int]]] = []
    for stranger in range(people):
        others = [one for one in range(people) if one != stranger]
        random = np.random.default_rng([enrolled, stranger])
        times = 1 if enrolled == len(others) else DRAWN
        sites += [(stranger, sorted(random.choice(others, enrolled, replace=False).tolist())) for _ in range(times)]
    return sites


def _stated_row(
    visitors: Sequence[Visitor],
    tries: Sequence[Vectors],
    way: Way,
    sites: Sequence[tuple[int, list[int]]],
    risk: int,
    reference: Vectors,
    model_id: str,
    resampled: int,
) -> dict[str, Any]:
    thresholds, fpirs, refused = [], [], []
    passed, came = [0] * len(visitors), [0] * len(visitors)
    photos = [site.with_a_face(one.photos) for one in visitors]
    for number, (stranger, enrolled) in enumerate(sites):
        gallery, scores = site_of(photos, enrolled, way, reference, model_id)
        target = 1 / risk / TRIES
        found = calibrate_site(scores, model_id, gallery.size, target, np.random.default_rng(number), resampled)
        if found.threshold is None:
            continue
        thresholds.append(found.threshold)
        if found.fpir is not None:
            fpirs.append(min(1.0, found.fpir * TRIES))
        best = best_of_all(site.attempt_scores(gallery, tries[stranger], way))
        seen = best[np.isfinite(best)]
        passed[stranger] += int((seen >= found.threshold).sum())
        came[stranger] += len(seen)
        refused += _refused(gallery, visitors, tries, enrolled, way, found.threshold)
    return {
        "way": way.name,
        "enrolled": len(sites[0][1]),
        "stated": f"1 in {risk}",
        "sites": len(sites),
        "sites_with_a_number": len(thresholds),
        "threshold_median": round(float(np.median(thresholds)), 3) if thresholds else None,
        "stated_fpir_median": round(float(np.median(fpirs)), 5) if fpirs else None,
        "strangers_let_in": sum(passed),
        "strangers_passages": sum(came),
        "measured_fpir": round(sum(passed) / sum(came), 5) if sum(came) else None,
        "interval95_people": _over_people(passed, came),
        "own_refused": round(float(np.mean(refused)), 5) if refused else None,
    }


def site_of(
    photos: Sequence[Vectors], enrolled: Sequence[int], way: Way, reference: Vectors, model_id: str
) -> tuple[Gallery, StrangerScores]:
    """Return the gallery of these people, and how strangers score there as the threshold page computes it."""
    inside = [person for person in enrolled if len(photos[person])]
    owners = np.repeat(inside, [len(photos[person]) for person in inside]).astype(np.int64)
    rows = np.concatenate([photos[person] for person in inside])
    means = np.stack([mean_of(photos[person]) for person in inside])
    scoring = Scoring(True, centre_of(means) if way.centre else None, attempt=True)
    gallery = Gallery(owners, rows, model_id, 0, scoring=scoring)
    return gallery, stranger_scores(gallery, rows, owners, means, reference, model_id)


def _refused(
    gallery: Gallery,
    visitors: Sequence[Visitor],
    tries: Sequence[Vectors],
    enrolled: Sequence[int],
    way: Way,
    threshold: float,
) -> list[float]:
    """Return the refused share of each known person's passages; one without a photo with a face is always refused."""
    shares = []
    for person in enrolled:
        if not visitors[person].elsewhere or not len(tries[person]):
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
    people = int((trials > 0).sum())
    if total.sum() in (0, trials.sum()):
        return complement(interval([], int(total.sum()), int(trials.sum()), people))
    times = np.stack(list(draws(len(total))))
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
    text.append(
        _line(["weights", "way", "enrolled", "risk", "stated", "strangers let in", "own refused", "threshold", "sites"])
    )
    text.append(_line(["---"] * 9))
    for name, values in networks.items():
        for row in values.get("stated", ()):
            let_in = f"{row['strangers_let_in']} of {row['strangers_passages']}"
            if row["measured_fpir"] is not None:
                let_in += f": {_share(row['measured_fpir'], row['interval95_people'])}"
            own = "" if row["own_refused"] is None else f"{row['own_refused']:.1%}"
            sites = f"{row['sites_with_a_number']} of {row['sites']} with a number"
            said = "" if row["stated_fpir_median"] is None else f"{row['stated_fpir_median']:.1%}"
            where = [name, row["way"], str(row["enrolled"]), row["stated"]]
            text.append(_line([*where, said, let_in, own, str(row["threshold_median"]), sites]))
    return "\n".join(text) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _share(rate: float, bounds: Sequence[float]) -> str:
    return f"{rate:.1%} ({bounds[0]:.1%} to {bounds[1]:.1%})"
