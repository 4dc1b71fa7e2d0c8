"""The worth of each choice in a network's training: short runs, measured alike.

In: a data folder, a length, names of variants (`training.ablation`).  Out: a line for each variant, kept in the
folder as JSON, so that a stopped series continues.
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
from attendance.evaluation.detector import protocols
from attendance.evaluation.detector.detectors import LOW_CONFIDENCE
from attendance.evaluation.recogniser import pair_rates
from attendance.vision.boxes import Detections
from attendance.vision.weights import sha256_of

LIMIT = 300  # images a set
CONFIDENCE = 0.5
FARS = (1e-2, 1e-3)
IMPOSTORS = 500_000


class TrainedDetector:
    """A detector in PyTorch, straight from its training: a file of numbers without graph and card."""

    confidence = CONFIDENCE

    def __init__(self, path: Path, size: int, name: str) -> None:
        from attendance.models import DetectionModel

        self.name, self.key = name, sha256_of(path)
        self._net = DetectionModel(path, size)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        return self._net.detect(image, LOW_CONFIDENCE)


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
    """Train and measure each variant without a line in `out`; return all lines, in the order of the variants."""
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

    sets: list[protocols.Sets] = []

    def measure(name: str, folder: Path) -> dict[str, Any]:
        if not sets:
            whole = protocols.sets_of(data, (), LIMIT)
            kept = {n: pictures for n, pictures in whole.main_faces.items() if n != "lfw"}  # only for final results
            sets.append(protocols.Sets(kept, whole.crowds, whole.face_free))
        weights = ablation.train_detector(data, folder, name, samples, start, threads)
        report, _ = protocols.measure(TrainedDetector(weights, size, name), sets[0], size)
        return protocols.without_curves(report)

    return measure


def _recogniser(data: Path, samples: int, size: int, start: Path | None, threads: int) -> Measure:
    from attendance.training import ablation

    def measure(name: str, folder: Path) -> dict[str, Any]:
        weights = ablation.train_recogniser(data, folder, name, samples, size, start, threads)
        vectors, names = ablation.packed_embeddings(data, weights, size)
        labels = np.unique(names, return_inverse=True)[1].astype(np.int64)
        a, b, c, d = pair_rates.of_people(labels, IMPOSTORS)
        genuine, impostor = (pair_rates.pairs_between(vectors, labels, *rows) for rows in ((a, b), (c, d)))
        return {"kept": pair_rates.tar_at_far(genuine, impostor, FARS, int(labels.max()) + 1)}

    return measure


def words(line: dict[str, Any]) -> str:
    """Return one row of a Markdown table.

    Detector: variant, AP, landmark error, main faces found, scenes without a face that got a box.  Recogniser:
    variant, TAR at each FAR.
    """
    if "kept" in line:
        tars = [_share(rate["rate"], rate["interval95_people"]) for rate in line["kept"].values()]
        return "| " + " | ".join([line["variant"], *tars]) + " |"
    aps = [line[name]["ap50"] for name in protocols.CROWDS if name in line]
    cells = [line["variant"], *(_share(ap["value"], ap["interval95"]) for ap in aps)]
    for name in line:
        if name in protocols.MAIN_FACE_SETS:
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
