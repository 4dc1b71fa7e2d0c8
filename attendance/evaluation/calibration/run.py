"""Does a calibrated threshold keep its word?  On people of LFW, whom no network here learned from.

In: the settings' networks, the LFW folder, perhaps the packaged strangers.  Out: how often the share of strangers that
really passed lay inside what was stated, by risk and gallery size; numbers and a picture.
Does not know: how a threshold is computed (`domain/calibration`).
Main choice: people are split and not images, and two questions are asked.  `half`: calibrated on the one half of the
people, measured on the other, as the mean over all galleries of N in it.  `site`: a gallery of N is enrolled,
calibrated with the packaged strangers as a site does it, and people whom nobody has seen walk up: the harder one,
since one gallery may resemble many and the packaged strangers are machine-made.  The price: the same 5,749 people
serve all splits, so that the splits are not independent of each other.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.config import Settings
from attendance.domain.calibration.error_rates import direct_fpir
from attendance.domain.calibration.risk import Calibration, Strangers, calibrate
from attendance.domain.calibration.site_calibration import SiteScores, calibrate_site
from attendance.errors import UserError
from attendance.evaluation.recogniser.embedding import gallery_for
from attendance.evaluation.recogniser.embedding_cache import embed, key_of
from attendance.evaluation.recogniser.recognition import IMAGES
from attendance.vision.serving import cards_for

SIZES = (100, 500, 1000)
RISKS = (100, 1000)
SPLITS = 50

Vectors = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass
class Trials:
    """What was stated and what came out, split by split, of one protocol, risk and gallery size."""

    protocol: str
    risk: int
    people: int
    stated: list[Calibration] = field(default_factory=list)
    measured: list[float] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        usable = [(one, found) for one, found in zip(self.stated, self.measured, strict=True) if one.verdict.usable]
        fpir, inside, plain, below = [], [], [], []
        for one, found in usable:
            assert one.fpir is not None
            assert one.trial is not None
            assert one.low is not None
            assert one.high is not None
            fpir.append(one.fpir)
            inside.append(one.trial[0] <= found <= one.trial[1])
            plain.append(one.low <= found <= one.high)
            below.append(found <= one.high)
        measured = [found for _, found in usable]
        return {
            "protocol": self.protocol,
            "risk": f"1 in {self.risk:,}",
            "people": self.people,
            "splits": len(self.stated),
            "with_a_number": len(usable),
            "verdicts": dict(Counter(one.verdict.value for one in self.stated)),
            "threshold_median": _median([one.threshold or 0.0 for one, _ in usable]),
            "stated_fpir_median": _median(fpir),
            "measured_fpir_median": _median(measured),
            "measured_fpir_95": [round(float(q), 6) for q in np.quantile(measured, [0.025, 0.975])] if usable else None,
            "inside_trial_interval": _share(inside),
            "inside_plain_interval": _share(plain),
            "not_above_plain_interval": _share(below),
        }


def evaluate_calibration(
    settings: Settings,
    data: Path,
    reference: Vectors | None = None,
    keep: Path | None = None,
    splits: int = SPLITS,
    sizes: Sequence[int] = SIZES,
    risks: Sequence[int] = RISKS,
    out: Path | None = None,
    plots: Path | None = None,
) -> dict[str, Any]:
    """Embeds LFW (kept in `keep`), runs both protocols, writes what was asked for; returns the numbers."""
    faces = _lfw(settings, data, keep)
    card = cards_for(settings)[1]
    if max(sizes) + 50 > len(faces) // 2:
        raise UserError(f"{len(faces)} people with a face are too few to split for a gallery of {max(sizes)}")
    trials = run(faces, card.model_id, reference, splits, sizes, risks)
    numbers: dict[str, Any] = {
        "model_id": card.model_id,
        "people": len(faces),
        "packaged_strangers": 0 if reference is None else len(reference),
        "protocols": {
            "half": "calibrated on one half of LFW's people, measured on the other: mean over all galleries of N in it",
            "site": "N people enrolled, calibrated as a site does it; LFW's other half walks up",
        },
        "rows": [one.row() for one in trials],
    }
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    if plots is not None:
        from attendance.evaluation.calibration.plots import draw

        draw(trials, plots)
    sys.stdout.write(table_of(numbers["rows"]) + "\n")
    return numbers


def run(
    faces: Vectors,
    model_id: str,
    reference: Vectors | None,
    splits: int,
    sizes: Sequence[int],
    risks: Sequence[int],
) -> list[Trials]:
    """`faces` [P,D]: one of each person."""
    # Two sources, so that the splits stay the same whatever is drawn in between.
    halves, random = np.random.default_rng(0), np.random.default_rng(1)
    half = {(risk, size): Trials("half", risk, size) for risk in risks for size in sizes}
    site = {(risk, size): Trials("site", risk, size) for risk in risks for size in sizes}
    for _ in tqdm(range(splits), desc="splits", mininterval=5, disable=None):
        order = halves.permutation(len(faces))
        one, other = faces[order[: len(faces) // 2]], faces[order[len(faces) // 2 :]]
        known, unseen = (Strangers(a @ a.T, np.arange(len(a)), model_id, sampled=True) for a in (one, other))
        for (risk, size), trial in half.items():
            stated = calibrate(known, model_id, size, 1 / risk, random)
            trial.stated.append(stated)
            trial.measured.append(np.nan if stated.threshold is None else mean_fpir(unseen, stated.threshold, size))
        if reference is not None:
            for (risk, size), trial in site.items():
                stated, found = _at_a_site(one[:size], other, reference, model_id, risk, random)
                trial.stated.append(stated)
                trial.measured.append(found)
    return [*half.values(), *(site.values() if reference is not None else ())]


def mean_fpir(strangers: Strangers, threshold: float, people: int) -> float:
    """Of strangers among everybody: the mean over all galleries of so many others."""
    reached = strangers.scores >= np.float64(threshold)
    has_own = strangers.own >= 0
    reached[np.flatnonzero(has_own), strangers.own[has_own]] = False
    return float(direct_fpir(reached.sum(axis=1), strangers.people, people, has_own).mean())


def _at_a_site(
    gallery: Vectors, strangers: Vectors, reference: Vectors, model_id: str, risk: int, random: np.random.Generator
) -> tuple[Calibration, float]:
    """As `service/evidence` composes it."""
    own = Strangers(gallery @ gallery.T, np.arange(len(gallery)), model_id)
    outside = Strangers(reference @ gallery.T, np.full(len(reference), -1, np.int64), model_id)
    stated = calibrate_site(SiteScores(own, outside), model_id, len(gallery), 1 / risk, random)
    if stated.threshold is None:
        return stated, float("nan")
    return stated, float(((strangers @ gallery.T).max(axis=1) >= np.float64(stated.threshold)).mean())


def _lfw(settings: Settings, data: Path, keep: Path | None) -> Vectors:
    """[P,D]: the first image of each person with a face on it."""
    folder = data / "lfw"
    if not folder.is_dir():
        raise UserError(f"--data: there is no folder {folder}")
    paths = []
    for person in sorted(one for one in folder.iterdir() if one.is_dir()):
        images = sorted(path for path in person.iterdir() if path.suffix.lower() in IMAGES)
        paths += images[:1]
    if not paths:
        raise UserError(f"{folder} holds no folders with images")
    gallery, embedders = gallery_for(settings)
    name = embedders[0].name
    found = embed(gallery, [name], paths, keep, key_of(cards_for(settings), settings))[name]
    return found[np.isfinite(found).all(axis=1)]


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as text, in the order of the numbers."""
    head = ("", "risk", "N", "threshold", "stated", "measured", "in trial", "in 95 %", "not above", "verdicts")
    lines = [head, *(_line(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["protocol"],
        row["risk"],
        f"{row['people']:,}",
        _number(row["threshold_median"], ".3f"),
        _number(row["stated_fpir_median"], ".3%"),
        _number(row["measured_fpir_median"], ".3%"),
        *(_number(row[key], ".0%") for key in _SHARES),
        ", ".join(f"{count} {verdict}" for verdict, count in sorted(row["verdicts"].items())),
    )


_SHARES = ("inside_trial_interval", "inside_plain_interval", "not_above_plain_interval")


def _number(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 6) if values else None


def _share(hits: Sequence[bool]) -> float | None:
    return round(float(np.mean(hits)), 4) if hits else None
