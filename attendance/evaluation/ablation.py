"""What each choice of a network's training is worth: short runs, measured alike.

In: a data folder, a length, names of variants (`training.ablation`).  Out: a line a variant, kept in the
folder as JSON, so that a stopped series goes on.
Does not know: what the choices are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.errors import UserError
from attendance.evaluation.detector import run as detector_run
from attendance.evaluation.detector.detectors import LOW_CONFIDENCE, Found
from attendance.evaluation.recogniser import pair_rates
from attendance.vision.weights import sha256_of

LIMIT = 300  # images a set
CONFIDENCE = 0.5
FARS = (1e-2, 1e-3)
IMPOSTORS = 500_000


class Network:
    """A detector that is only a file of numbers yet, in PyTorch."""

    confidence = CONFIDENCE

    def __init__(self, path: Path, size: int, name: str) -> None:
        from attendance.models import DetectionModel

        self.name, self.key = name, sha256_of(path)
        self._net = DetectionModel(path, size)

    def find(self, image: NDArray[np.uint8]) -> Found:
        found = self._net.detect(image[..., ::-1], LOW_CONFIDENCE)
        return Found(found.boxes, found.scores, found.landmarks)


def run(
    kind: str,
    data: Path,
    out: Path,
    names: Sequence[str],
    samples: int,
    size: int,
    start: Path | None,
    threads: int,
) -> list[dict[str, Any]]:
    """Train and measure each variant that `out` has no line of yet; all lines, in the order of the variants."""
    from attendance.training import ablation

    known = ablation.DETECTOR if kind == "detector" else ablation.RECOGNISER
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"--only {unknown[0]}: there is no such variant; known are {', '.join(known)}")
    measure = (_detector if kind == "detector" else _recogniser)(data, samples, size, start, threads)
    lines = []
    for name in names or known:
        folder = out / name
        if not (folder / "line.json").exists():
            line = {"variant": name, "samples": samples, "size": size} | measure(name, folder)
            (folder / "line.json").write_text(json.dumps(line, indent=2) + "\n", encoding="utf-8")
        lines.append(json.loads((folder / "line.json").read_text(encoding="utf-8")))
        sys.stdout.write(words(lines[-1]) + "\n")
        sys.stdout.flush()
    return lines


Measure = Callable[[str, Path], dict[str, Any]]


def _detector(data: Path, samples: int, size: int, start: Path | None, threads: int) -> Measure:
    from attendance.training import ablation

    sets: list[detector_run.Sets] = []

    def measure(name: str, folder: Path) -> dict[str, Any]:
        if not sets:
            found = detector_run.sets_of(data, (), LIMIT)
            kept = {n: pictures for n, pictures in found.main_faces.items() if n != "lfw"}  # for the final word only
            sets.append(detector_run.Sets(kept, found.crowds, found.face_free))
        weights = ablation.train_detector(data, folder, name, samples, start, threads)
        report, _ = detector_run.measure(Network(weights, size, name), sets[0], size)
        return detector_run.without_curves(report)

    return measure


def _recogniser(data: Path, samples: int, size: int, start: Path | None, threads: int) -> Measure:
    from attendance.training import ablation

    def measure(name: str, folder: Path) -> dict[str, Any]:
        weights = ablation.train_recogniser(data, folder, name, samples, size, start, threads)
        vectors, names = ablation.cached_embeddings(data, weights, size)
        labels = np.unique(names, return_inverse=True)[1].astype(np.int64)
        a, b, c, d = pair_rates.of_people(labels, IMPOSTORS)
        genuine, impostor = (pair_rates.pairs_between(vectors, labels, *rows) for rows in ((a, b), (c, d)))
        return {"kept": pair_rates.tar_at_far(genuine, impostor, FARS, int(labels.max()) + 1)}

    return measure


def words(line: dict[str, Any]) -> str:
    """One row of a table in Markdown.

    Of a detector: variant, AP, landmark error, main faces found, scenes without a face boxed; of a recogniser:
    variant, TAR at each FAR.
    """
    if "kept" in line:
        tars = [_share(one["rate"], one["interval95_people"]) for one in line["kept"].values()]
        return "| " + " | ".join([line["variant"], *tars]) + " |"
    aps = [line[name]["ap50"] for name in detector_run.CROWDS if name in line]
    cells = [line["variant"], *(_share(ap["value"], ap["interval95"]) for ap in aps)]
    for name in line:
        if name in detector_run.MAIN_FACE_SETS:
            error, found = line[name]["landmark_error_interocular"], line[name]["main_face_found"]
            cells += [_share(error["mean"], error["interval95"]), _share(found["rate"], found["interval95"])]
    if "face_free" in line:
        boxed = line["face_free"]["images_with_a_box"]
        cells.append(_share(boxed["rate"], boxed["interval95"]))
    return "| " + " | ".join(cells) + " |"


def _share(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None or interval is None:
        return "none"
    return f"{100 * value:.1f} % ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"
