"""The calibration's protocols: whether a calibrated threshold keeps its stated risk.

In: one embedding of each person (LFW's, whom no network here learned from), optionally the packaged strangers.
Out: `Trials`: how often the share of strangers who passed lay inside what was stated, by risk and gallery size.
Does not know: networks, files; how a threshold is computed (`domain/calibration`).
Main choice: people are split and not images, and two questions are asked.  `half`: calibrate on one half of the
people, measure on the other, as the mean over all its galleries of N.  `site`: enrol N people, calibrate with the
packaged strangers as a site does, and let unseen people come.  The second is harder: one gallery may resemble many
people, and the packaged strangers are machine-made.
Trade-off: the same 5,749 people serve all splits, so the splits depend on each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.domain.calibration.error_rates import direct_fpir
from attendance.domain.calibration.risk import Calibration, Strangers, calibrate
from attendance.domain.calibration.site_calibration import StrangerScores, calibrate_site

SIZES = (100, 500, 1000)
RISKS = (100, 1000)
SPLITS = 50

Vectors = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass
class Trials:
    """The stated and the measured rate, split by split, of one protocol, risk and gallery size."""

    protocol: str
    risk: int
    people: int
    stated: list[Calibration] = field(default_factory=list)
    measured: list[float] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """Return the counts, medians and shares over all splits."""
        usable = [
            (stated, passed) for stated, passed in zip(self.stated, self.measured, strict=True) if stated.verdict.usable
        ]
        fpir, inside, plain, below = [], [], [], []
        for stated, passed in usable:
            assert stated.fpir is not None
            assert stated.trial is not None
            assert stated.low is not None
            assert stated.high is not None
            fpir.append(stated.fpir)
            inside.append(stated.trial[0] <= passed <= stated.trial[1])
            plain.append(stated.low <= passed <= stated.high)
            below.append(passed <= stated.high)
        measured = [passed for _, passed in usable]
        return {
            "protocol": self.protocol,
            "risk": f"1 in {self.risk:,}",
            "people": self.people,
            "splits": len(self.stated),
            "with_a_number": len(usable),
            "verdicts": dict(Counter(stated.verdict.value for stated in self.stated)),
            "threshold_median": _median([stated.threshold or 0.0 for stated, _ in usable]),
            "stated_fpir_median": _median(fpir),
            "measured_fpir_median": _median(measured),
            "measured_fpir_95": [round(float(q), 6) for q in np.quantile(measured, [0.025, 0.975])] if usable else None,
            "inside_trial_interval": _share(inside),
            "inside_plain_interval": _share(plain),
            "not_above_plain_interval": _share(below),
        }


def run(
    faces: Vectors,
    model_id: str,
    reference: Vectors | None,
    splits: int,
    sizes: Sequence[int],
    risks: Sequence[int],
) -> list[Trials]:
    """Run both protocols; `faces` [P,D]: one of each person.  Without `reference`, only `half` runs."""
    # Two generators, so that the splits stay the same whatever is drawn in between.
    halves, random = np.random.default_rng(0), np.random.default_rng(1)
    half = {(risk, size): Trials("half", risk, size) for risk in risks for size in sizes}
    site = {(risk, size): Trials("site", risk, size) for risk in risks for size in sizes}
    for _ in tqdm(range(splits), desc="splits", mininterval=5, disable=None):
        order = halves.permutation(len(faces))
        first, second = faces[order[: len(faces) // 2]], faces[order[len(faces) // 2 :]]
        known, unseen = (Strangers(a @ a.T, np.arange(len(a)), model_id, sampled=True) for a in (first, second))
        for (risk, size), trial in half.items():
            stated = calibrate(known, model_id, size, 1 / risk, random)
            trial.stated.append(stated)
            trial.measured.append(np.nan if stated.threshold is None else mean_fpir(unseen, stated.threshold, size))
        if reference is not None:
            for (risk, size), trial in site.items():
                stated, passed = _at_a_site(first[:size], second, reference, model_id, risk, random)
                trial.stated.append(stated)
                trial.measured.append(passed)
    return [*half.values(), *(site.values() if reference is not None else ())]


def mean_fpir(strangers: Strangers, threshold: float, people: int) -> float:
    """Return the share of strangers who pass, as the mean over all galleries of `people` others."""
    reached = strangers.scores >= np.float64(threshold)
    has_own = strangers.own >= 0
    reached[np.flatnonzero(has_own), strangers.own[has_own]] = False
    return float(direct_fpir(reached.sum(axis=1), strangers.people, people, has_own).mean())


def _at_a_site(
    gallery: Vectors, strangers: Vectors, reference: Vectors, model_id: str, risk: int, random: np.random.Generator
) -> tuple[Calibration, float]:
    """Calibrate as a site does (`service.calibration.offers`); return it with the share of `strangers` who pass."""
    own = Strangers(gallery @ gallery.T, np.arange(len(gallery)), model_id)
    outside = Strangers(reference @ gallery.T, np.full(len(reference), -1, np.int64), model_id)
    stated = calibrate_site(StrangerScores(own, outside), model_id, len(gallery), 1 / risk, random)
    if stated.threshold is None:
        return stated, float("nan")
    return stated, float(((strangers @ gallery.T).max(axis=1) >= np.float64(stated.threshold)).mean())


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 6) if values else None


def _share(hits: Sequence[bool]) -> float | None:
    return round(float(np.mean(hits)), 4) if hits else None
