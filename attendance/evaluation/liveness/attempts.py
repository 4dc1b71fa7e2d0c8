"""Rates over attempts, as a door decides: some looks at one track, of which the first may be enough.

In: packed faces with the network's logits, an operating point.  Out: a `Rate` for each set and kind with sessions.
Does not know: pictures, networks, cues of motion (a pack holds pictures apart from each other).
Main choice: an attempt is so many pictures of one session in a row, decided by the rule of the gate itself.
Trade-off: sets of single photographs have no attempts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.liveness.fusion import MOST_LOOKS, Verdict, attempt, point_of
from attendance.evaluation.liveness.measures import Rate, rate

if TYPE_CHECKING:
    from attendance.training.liveness.pack import Pack

FILMED = ("nuaa", "webcam_clips")  # sets whose pictures come in sessions


@dataclass(frozen=True, slots=True)
class Attempts:
    """`single`: what the first look alone would have decided · `looks`: of the network, mean and median."""

    what: str
    live: bool
    pooled: Rate
    single: Rate
    looks: float
    median_looks: float


def attempts(
    faces: Pack, logits: NDArray[np.float64], point: Mapping[str, float], part: NDArray[np.bool_]
) -> list[Attempts]:
    """Return the rates over attempts of the rows of `part`, by set and kind."""
    at = point_of(point)
    assert at is not None
    found = []
    for set_name, species in sorted(set(zip(faces.set_name[part], faces.species[part], strict=True))):
        if str(set_name) not in FILMED:
            continue
        groups = in_a_row(faces, np.flatnonzero(part & (faces.set_name == set_name) & (faces.species == species)))
        if not groups:
            continue
        live = str(species) == "live"
        judged = [attempt([float(value) for value in logits[rows]], at) for rows in groups]
        first = [attempt([float(logits[rows[0]])], at) for rows in groups]
        people = np.array([str(faces.person[rows[0]]) for rows in groups])
        wrong, alone = (
            np.array([(one.verdict is Verdict.LIVE) != live for one in many]) for many in (judged, first)
        )  # fmt: skip
        looks = [one.looks for one in judged]
        what = f"{set_name} {species}"
        found.append(
            Attempts(
                what, live, rate(wrong, people), rate(alone, people), float(np.mean(looks)), float(np.median(looks))
            )
        )
    return sorted(found, key=lambda one: (one.live, -one.pooled.share))


def in_a_row(faces: Pack, rows: NDArray[np.intp]) -> list[list[int]]:
    """Return the rows, so many at a time as a door takes looks, session by session; what is left over is left out."""
    sessions: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, row in enumerate(rows):
        path = PurePosixPath(str(faces.path[row]))
        session, _, number = path.stem.rpartition("_")
        # A video is one session, whose pictures were packed in order; else the name ends with the picture's number.
        if str(faces.set_name[row]) == "nuaa" and number.isdigit():
            sessions[f"{path.parent}/{session}"].append((int(number), int(row)))
        else:
            sessions[str(path)].append((place, int(row)))
    found = []
    for _name, numbered in sorted(sessions.items()):
        ordered = [row for _number, row in sorted(numbered)]
        whole = len(ordered) - len(ordered) % MOST_LOOKS
        found += [ordered[start : start + MOST_LOOKS] for start in range(0, whole, MOST_LOOKS)]
    return found
