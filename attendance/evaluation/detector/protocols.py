"""The detector's protocols: each set, each input size, each detector, in one run.

In: settings, folders, sizes, the peers' files.  Out: one report as plain values; `without_curves` for a card.
Does not know: the command line, files that are written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attendance.config import Settings
from attendance.errors import UserError
from attendance.evaluation.detector import detectors, measures, pictures, wider
from attendance.evaluation.detector.detection_cache import cached_detections
from attendance.evaluation.detector.detectors import FaceDetector
from attendance.evaluation.detector.measures import Curve, PictureDetections
from attendance.evaluation.detector.pictures import Picture

# Photographs of one person each with labelled points: name → description for the report.
MAIN_FACE_SETS = {
    "lfw": "LFW, every image; boxes and points of SCRFD-500M, which is therefore judged by its own",
    "celeba_wild": "CelebA photographs of people kept from training; boxes and points of SCRFD-500M, as for LFW",
}
CROWDS = {"facemask853": "facemask853, images kept from training; every face boxed by people"}
PROTOCOL = {
    "input": "each image fitted into a square of this side, the same for every detector but for the rim's colour: "
    "grey for ours, black for the peers, as each was trained",
    "match": "IoU >= 0.5; boxes by score, each to the face it overlaps most; a second box on a face is wrong",
    "ap50": "area under the monotone precision-recall curve (VOC 2010), bootstrap over images",
    "ap50_lead": "our ap50 less the other's, both of the same draws of images",
    "intervals": "95 %: Wilson for shares, bootstrap over images "
    f"({measures.AP_DRAWS} draws for ap50, else {measures.DRAWS}) for the others",
    "confidence": "ours: detector.confidence; YuNet 0.9, SCRFD 0.5, as their owners set them",
    "height": "of the labelled box, px in the input square",
    "at_equal_false_alarms": "each at the confidence that leaves at most 1 in 200 face-free scenes with a box",
    "landmark_error_interocular": "mean distance of the five points over the eye distance, faces found",
    "wider": "invalid faces, and those under 10 px in the image, are neither to be found nor errors",
}


@dataclass(frozen=True)
class Sets:
    """The sets to measure on; one that is not there is None or missing."""

    main_faces: dict[str, list[Picture]]
    crowds: dict[str, list[Picture]]
    face_free: list[Picture] | None


def sets_of(data: Path | None, wider_folders: Sequence[Path], limit: int | None) -> Sets:
    """Return every set that is there, the first `limit` pictures of each; raise UserError if there is none."""
    mains: dict[str, list[Picture]] = {}
    crowds: dict[str, list[Picture]] = {}
    free = None
    if data is not None:
        labels = data / "labels"
        if not labels.is_dir():
            raise UserError(f"{data} has no folder labels: see docs/your-own-networks.md")
        mains = {n: pictures.main_faces(data, n) for n in MAIN_FACE_SETS if (labels / f"{n}.npz").exists()}
        if (labels / "true_boxes.tsv").exists():
            crowds = {name: pictures.true_boxes(data, name) for name in CROWDS}
        if (labels / "face_free.txt").exists():
            free = pictures.face_free(data)
    for folder in wider_folders:
        crowds[_name_of(folder, crowds)] = wider.read(folder)
    sets = Sets(
        {name: kept[:limit] for name, kept in mains.items() if kept},
        {name: kept[:limit] for name, kept in crowds.items() if kept},
        free[:limit] if free else None,
    )
    if not (sets.main_faces or sets.crowds or sets.face_free):
        raise UserError(f"{data} holds no set to measure on: see docs/your-own-networks.md")
    return sets


def _name_of(folder: Path, taken: dict[str, list[Picture]]) -> str:
    name = f"wider:{folder.resolve().name}"
    return name if name not in taken else f"wider:{folder}"


def run(
    settings: Settings, sets: Sets, sizes: Sequence[int], peers: Sequence[Path] = (), keep: Path | None = None
) -> dict[str, Any]:
    """Return {"sizes": {"256": {detector: {set: report}}}}, ours first."""
    threads = settings.models.threads or len(os.sched_getaffinity(0))
    by_size: dict[str, dict[str, Any]] = {}
    for size in sizes:
        compared: list[FaceDetector] = [
            detectors.ServedDetector(settings, size),
            *detectors.peers(peers, size, threads),
        ]
        reports, curves = {}, {}
        for detector in compared:
            reports[detector.name], curves[detector.name] = measure(detector, sets, size, keep)
        ours, *others = reports
        for name, curve in curves[ours].items() if others else ():
            reports[ours][name]["ap50_lead"] = {other: curve.lead(curves[other][name]) for other in others}
        by_size[str(size)] = reports
    return {"protocol": PROTOCOL | {"sets": _described(sets)}, "sizes": by_size}


def _described(sets: Sets) -> dict[str, str]:
    described = {
        name: text for name, text in (MAIN_FACE_SETS | CROWDS).items() if name in {**sets.main_faces, **sets.crowds}
    }
    if sets.face_free is not None:
        described["face_free"] = (
            "scenes without a face, the tenth kept from training; selected because YuNet finds none in them, "
            "so that YuNet's own count, and its equal_false_alarms, are better here than elsewhere"
        )
    for name in sets.crowds:
        described.setdefault(name, "a folder in WIDER FACE's layout")
    return described


def measure(
    detector: FaceDetector, sets: Sets, size: int, keep: Path | None = None
) -> tuple[dict[str, Any], dict[str, Curve]]:
    """Measure one detector at one size on every set; also return the curves of the crowds, to compare detectors."""
    report: dict[str, Any] = {}
    curves = {}
    equal: float | None = None
    if sets.face_free is not None:
        results = _results_of(sets.face_free, detector, size, "face_free", keep)
        report["face_free"] = measures.face_free(results, detector.confidence)
        equal = measures.confidence_for(results, measures.FALSE_ALARM)
    for name, shown in sets.crowds.items():
        results = _results_of(shown, detector, size, name, keep)
        curves[name] = Curve(shown, results)
        report[name] = measures.crowd(shown, results, detector.confidence, equal, curves[name])
    for name, shown in sets.main_faces.items():
        results = _results_of(shown, detector, size, name, keep)
        report[name] = measures.main_face(shown, results, detector.confidence)
    return report, curves


def _results_of(
    shown: list[Picture], detector: FaceDetector, size: int, name: str, keep: Path | None
) -> list[PictureDetections]:
    results = cached_detections(shown, detector, size, name, keep)
    if all(result.scale is None for result in results):
        raise UserError(f"none of the {len(results)} images of {name} can be read, such as {shown[0].path}")
    return results


def without_curves(result: dict[str, Any]) -> dict[str, Any]:
    """Return the report without the points of its curves, for a card."""
    return {
        key: without_curves(value) if isinstance(value, dict) else value
        for key, value in result.items()
        if key != "curve"
    }
