"""Every picture of a set shown to a detector once; goes on where it stopped.

In: pictures, a `Finder`.  Out: a `Look` for each picture.
Does not know: measures.
Main choice: with `keep`, what was found is written down every few minutes, under the detector's
numbers and size, so that a run that was cut short, or one with another measure, costs no second look;
the price is up to 10 KB a picture, and that a change of the code is not noticed: measure that with an
empty folder.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import numpy as np
from tqdm import tqdm

from attendance.evaluation.detector.detection import Look
from attendance.evaluation.detector.detectors import Finder, Found
from attendance.evaluation.detector.pictures import Picture

SAVE_S = 120.0


def look_at(pictures: Sequence[Picture], finder: Finder, size: int, name: str, keep: Path | None) -> list[Look]:
    """One look each, in order; `name`: of the set."""
    store = None
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", f"{name}-{finder.name}-{size}-{finder.key[:12]}")
        store = keep / f"{plain}.npz"
    looks = _kept(store, pictures) if store is not None else []
    left = pictures[len(looks) :]
    saved = monotonic()
    for picture in tqdm(left, desc=f"{finder.name} at {size}: {name}", mininterval=5, disable=None):
        image = picture.read()
        if image is None:
            looks.append(Look(Found.nothing(), None))
        else:
            looks.append(Look(finder.find(image), size / max(image.shape[:2])))
        if store is not None and (monotonic() - saved > SAVE_S or len(looks) == len(pictures)):
            _save(store, pictures, looks)
            saved = monotonic()
    return looks


def _save(path: Path, pictures: Sequence[Picture], looks: Sequence[Look]) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        path=np.array([str(picture.path) for picture in pictures[: len(looks)]]),
        scale=np.array([np.nan if look.scale is None else look.scale for look in looks]),
        count=np.array([len(look.found.scores) for look in looks]),
        boxes=np.concatenate([look.found.boxes for look in looks]),
        scores=np.concatenate([look.found.scores for look in looks]),
        points=np.concatenate([look.found.points for look in looks]),
    )
    part.replace(path)


def _kept(path: Path, pictures: Sequence[Picture]) -> list[Look]:
    """What an earlier run found in the first of these pictures; [] where it saw others."""
    try:
        with path.open("rb") as file, np.load(file) as stored:  # np.load leaves a broken file open
            values = {name: stored[name] for name in ("path", "scale", "count", "boxes", "scores", "points")}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):  # not there, or cut short: look again
        return []
    many = min(len(values["path"]), len(pictures))
    if values["path"][:many].tolist() != [str(picture.path) for picture in pictures[:many]]:
        return []
    ends = np.cumsum(values["count"])
    looks = []
    for index in range(many):
        part = slice(ends[index] - values["count"][index], ends[index])
        scale = float(values["scale"][index])
        found = Found(values["boxes"][part], values["scores"][part], values["points"][part])
        looks.append(Look(found, None if np.isnan(scale) else scale))
    return looks
