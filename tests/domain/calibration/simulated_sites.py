"""Invented sites whose truth is known, to ask how often a stated interval holds it.

`python -m tests.domain.calibration.simulated_sites 1000` prints the coverage of so many sites;
docs/LOG.md keeps the numbers.
A face is a point on a sphere, people and strangers alike, but that packaged strangers may lack what all at one door
have in common; the truth is what 50,000 further strangers get.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendance.domain.calibration.risk import Calibration, Strangers, calibrate
from attendance.domain.calibration.site_calibration import StrangerScores, calibrate_site

Vectors = NDArray[np.float32]
DIMENSIONS = 16


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of `sites` with a number: how often the plain interval held the truth, and the trial's a trial."""

    sites: int
    truth_inside: int
    trial_inside: int
    truth_above: int
    verdicts: Counter[str]

    def __str__(self) -> str:
        shares = [f"{count / max(1, self.sites):.1%}" for count in (self.truth_inside, self.trial_inside)]
        above = f"{self.truth_above / max(1, self.sites):.1%}"
        return f"{self.sites} sites: truth inside {shares[0]}, trial inside {shares[1]}, truth above {above}"


def faces(random: np.random.Generator, number: int) -> Vectors:
    """Unit rows; a third of all come from a few families, so that some resemble many."""
    points = random.normal(size=(number, DIMENSIONS))
    centres = np.random.default_rng(99).normal(size=(6, DIMENSIONS))
    members = random.random(number) < 1 / 3
    points[members] += 0.7 * centres[random.integers(0, len(centres), int(members.sum()))]
    rows: Vectors = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return rows


def site(random: np.random.Generator, people: int, strangers: int) -> tuple[Vectors, Strangers]:
    """A gallery, and strangers and its own people held against it, as `service.site_scores` does it."""
    gallery = faces(random, people)
    outside = faces(random, strangers)
    own = np.concatenate([np.full(strangers, -1, np.int64), np.arange(people)])
    return gallery, Strangers(np.concatenate([outside, gallery]) @ gallery.T, own, "m")


def in_its_light(rows: Vectors, likeness: float) -> Vectors:
    """The same faces with something in common that packaged strangers lack, such as a door's light and camera."""
    common = faces(np.random.default_rng(77), 1)
    moved = rows.astype(np.float64) + likeness * common
    result: Vectors = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return result


def site_scores(
    random: np.random.Generator, people: int, strangers: int, likeness: float = 0.0
) -> tuple[Vectors, StrangerScores]:
    """A gallery, its people held against each other, and packaged strangers from elsewhere against them."""
    gallery = in_its_light(faces(random, people), likeness)
    own = Strangers(gallery @ gallery.T, np.arange(people), "m")
    outside = Strangers(faces(random, strangers) @ gallery.T, np.full(strangers, -1, np.int64), "m")
    return gallery, StrangerScores(own, outside)


def passing(
    random: np.random.Generator, gallery: Vectors, threshold: float, number: int, likeness: float = 0.0
) -> float:
    """The share of so many new strangers at this door who pass."""
    passed = 0
    for start in range(0, number, 20_000):
        comers = in_its_light(faces(random, min(20_000, number - start)), likeness)
        best = (comers @ gallery.T).max(axis=1)
        passed += int((best >= np.float64(threshold)).sum())
    return passed / number


def coverage(
    sites: int,
    people: int,
    strangers: int,
    target: float,
    seed: int,
    truth: int = 50_000,
    likeness: float | None = None,
) -> Coverage:
    """`likeness` None: all strangers are of one kind and count as one; else as a site does it."""
    random = np.random.default_rng(seed)
    inside = trials = above = usable = 0
    verdicts: Counter[str] = Counter()
    for _ in range(sites):
        if likeness is None:
            gallery, known = site(random, people, strangers)
            found: Calibration = calibrate(known, "m", people, target, random)
        else:
            gallery, scores = site_scores(random, people, strangers, likeness)
            found = calibrate_site(scores, "m", people, target, random)
        light, again = likeness or 0.0, found.strangers
        verdicts[found.verdict.value] += 1
        if found.threshold is None or found.low is None or found.high is None or found.trial is None:
            continue
        usable += 1
        share = passing(random, gallery, found.threshold, truth, light)
        inside += found.low <= share <= found.high
        above += share > found.high
        trials += found.trial[0] <= passing(random, gallery, found.threshold, again, light) <= found.trial[1]
    return Coverage(usable, inside, trials, above, verdicts)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for people, target, likeness in (
        (50, 0.02, None),
        (50, 0.001, None),
        (300, 0.001, None),
        (20, 0.01, 0.4),
        (100, 0.01, 0.4),
        (100, 0.001, 0.4),
        (300, 0.01, 0.4),
        (300, 0.001, 0.4),
    ):
        found = coverage(count, people, 1500, target, seed=1, likeness=likeness)
        kind = "one kind of strangers" if likeness is None else "packaged ones unlike those at the door"
        what = f"N = {people}, 1 in {1 / target:,.0f}, {kind}"
        sys.stdout.write(f"{what}: {found} {dict(found.verdicts)}\n")
        sys.stdout.flush()
