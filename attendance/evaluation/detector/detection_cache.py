"""The detections of every picture of a set, computed once and kept in a file.

In: pictures, a `FaceDetector`.  Out: `PictureDetections` for each picture.
Does not know: measures.
Main choice: with `keep`, detections are saved every few minutes under the detector's weights and size.  A run
that was cut short continues, and another measure needs no second detection.
Trade-off: up to 10 KB a picture; and a change of the code goes unnoticed, so measure that with an empty folder.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import numpy as np
from tqdm import tqdm

from attendance.evaluation.detector.detectors import FaceDetector
from attendance.evaluation.detector.measures import PictureDetections
from attendance.evaluation.detector.pictures import Picture
from attendance.vision.boxes import Detections

SAVE_S = 120.0


def cached_detections(
    pictures: Sequence[Picture], detector: FaceDetector, size: int, name: str, keep: Path | None
) -> list[PictureDetections]:
    """Return the detections of each picture, in order.  `name`: of the set; `keep`: the folder of kept files."""
    store = None
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", f"{name}-{detector.name}-{size}-{detector.key[:12]}")
        store = keep / f"{plain}.npz"
    results = _kept(store, pictures) if store is not None else []
    remaining = pictures[len(results) :]
    saved = monotonic()
    for picture in tqdm(remaining, desc=f"{detector.name} at {size}: {name}", mininterval=5, disable=None):
        image = picture.read()
        if image is None:
            results.append(PictureDetections(Detections.nothing(), None))
        else:
            results.append(PictureDetections(detector.detect(image), size / max(image.shape[:2])))
        if store is not None and (monotonic() - saved > SAVE_S or len(results) == len(pictures)):
            _save(store, pictures, results)
            saved = monotonic()
    return results


def _save(path: Path, pictures: Sequence[Picture], results: Sequence[PictureDetections]) -> None:
    """Write the file completely or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        path=np.array([str(picture.path) for picture in pictures[: len(results)]]),
        scale=np.array([np.nan if result.scale is None else result.scale for result in results]),
        count=np.array([len(result.detections.scores) for result in results]),
        boxes=np.concatenate([result.detections.boxes for result in results]),
        scores=np.concatenate([result.detections.scores for result in results]),
        points=np.concatenate([result.detections.landmarks for result in results]),
    )
    part.replace(path)


def _kept(path: Path, pictures: Sequence[Picture]) -> list[PictureDetections]:
    """Return what an earlier run found in the first of these pictures; [] if it saw others."""
    try:
        with path.open("rb") as file, np.load(file) as stored:  # np.load leaves a broken file open
            values = {name: stored[name] for name in ("path", "scale", "count", "boxes", "scores", "points")}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):  # missing or cut short: detect again
        return []
    many = min(len(values["path"]), len(pictures))
    if values["path"][:many].tolist() != [str(picture.path) for picture in pictures[:many]]:
        return []
    ends = np.cumsum(values["count"])
    results = []
    for index in range(many):
        part = slice(ends[index] - values["count"][index], ends[index])
        scale = float(values["scale"][index])
        detections = Detections(values["boxes"][part], values["scores"][part], values["points"][part])
        results.append(PictureDetections(detections, None if np.isnan(scale) else scale))
    return results
