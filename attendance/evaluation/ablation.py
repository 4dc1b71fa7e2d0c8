"""What each choice of the detector's training is worth: short runs, measured alike.

In: a data folder, a length, names of variants (`training.ablation`).  Out: a line a variant, kept in the
folder as JSON, so that a stopped series goes on.
Does not know: what the choices are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from attendance.errors import UserError
from attendance.evaluation import detector_run
from attendance.evaluation.finders import LOW_CONFIDENCE, Found
from attendance.models import DetectionModel
from attendance.training import ablation
from attendance.vision.weights import sha256_of

LIMIT = 300  # images a set
CONFIDENCE = 0.5


class Network:
    """A detector that is only a file of numbers yet, in PyTorch."""

    confidence = CONFIDENCE

    def __init__(self, path: Path, size: int, name: str) -> None:
        self.name, self.key = name, sha256_of(path)
        self._net = DetectionModel(path, size)

    def find(self, image: NDArray[np.uint8]) -> Found:
        found = self._net.detect(image[..., ::-1], LOW_CONFIDENCE)
        return Found(found.boxes, found.scores, found.landmarks)


def run(
    data: Path, out: Path, names: Sequence[str], samples: int, size: int, start: Path | None, threads: int
) -> list[dict[str, Any]]:
    """Train and measure each variant that `out` has no line of yet; all lines, in the order of `VARIANTS`."""
    unknown = [name for name in names if name not in ablation.VARIANTS]
    if unknown:
        raise UserError(f"--only {unknown[0]}: there is no such variant; known are {', '.join(ablation.VARIANTS)}")
    sets = detector_run.sets_of(data, (), LIMIT)
    kept = {name: pictures for name, pictures in sets.main_faces.items() if name != "lfw"}  # kept for the final word
    sets = detector_run.Sets(kept, sets.crowds, sets.face_free)
    lines = []
    for name in names or ablation.VARIANTS:
        folder = out / name
        if not (folder / "line.json").exists():
            weights = ablation.train_variant(data, folder, name, samples, 16, start, threads)
            report, _ = detector_run.measure(Network(weights, size, name), sets, size)
            line = {"variant": name, "samples": samples, "size": size} | detector_run.without_curves(report)
            (folder / "line.json").write_text(json.dumps(line, indent=2) + "\n", encoding="utf-8")
        lines.append(json.loads((folder / "line.json").read_text(encoding="utf-8")))
        click.echo(words(lines[-1]))
    return lines


def words(line: dict[str, Any]) -> str:
    """One row of a table in Markdown: variant, AP, landmark error, main faces found, scenes without a face boxed."""
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
