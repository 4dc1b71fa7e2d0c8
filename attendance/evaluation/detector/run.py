"""The whole measurement of the detector: each set, each input size, each detector, in one run.

In: settings, folders, sizes, the peers' files.  Out: one report, as plain values; `without_curves` for
a card.
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
from attendance.evaluation.detector import detection, detectors, pictures, wider
from attendance.evaluation.detector.detection import Curve, Look
from attendance.evaluation.detector.detection_cache import look_at
from attendance.evaluation.detector.detectors import Finder
from attendance.evaluation.detector.pictures import Picture

# Photographs of one person whose five points are labelled: name → what is said of it.
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
    f"({detection.AP_DRAWS} draws for ap50, else {detection.DRAWS}) for the others",
    "confidence": "ours: detector.confidence; YuNet 0.9, SCRFD 0.5, as their owners set them",
    "height": "of the labelled box, px in the input square",
    "at_equal_false_alarms": "each at the confidence that leaves at most 1 in 200 face-free scenes with a box",
    "landmark_error_interocular": "mean distance of the five points over the eye distance, faces found",
    "wider": "invalid faces, and those under 10 px in the image, are neither to be found nor errors",
}


@dataclass(frozen=True)
class Sets:
    """What there is to measure on; a set that is not there is None or missing."""

    main_faces: dict[str, list[Picture]]
    crowds: dict[str, list[Picture]]
    face_free: list[Picture] | None


def sets_of(data: Path | None, wider_folders: Sequence[Path], limit: int | None) -> Sets:
    """Every set that is there, the first `limit` pictures of each; UserError when there is none."""
    mains: dict[str, list[Picture]] = {}
    crowds: dict[str, list[Picture]] = {}
    free = None
    if data is not None:
        labels = data / "labels"
        if not labels.is_dir():
            raise UserError(f"{data} has no folder labels: see the README on training data")
        mains = {n: pictures.main_faces(data, n) for n in MAIN_FACE_SETS if (labels / f"{n}.npz").exists()}
        if (labels / "true_boxes.tsv").exists():
            crowds = {name: pictures.true_boxes(data, name) for name in CROWDS}
        if (labels / "face_free.txt").exists():
            free = pictures.face_free(data)
    for folder in wider_folders:
        crowds[_name_of(folder, crowds)] = wider.read(folder)
    found = Sets(
        {name: kept[:limit] for name, kept in mains.items() if kept},
        {name: kept[:limit] for name, kept in crowds.items() if kept},
        free[:limit] if free else None,
    )
    if not (found.main_faces or found.crowds or found.face_free):
        raise UserError(f"{data} holds no set to measure on: see the README on training data")
    return found


def _name_of(folder: Path, taken: dict[str, list[Picture]]) -> str:
    name = f"wider:{folder.resolve().name}"
    return name if name not in taken else f"wider:{folder}"


def run(
    settings: Settings, sets: Sets, sizes: Sequence[int], peers: Sequence[Path] = (), keep: Path | None = None
) -> dict[str, Any]:
    """{"sizes": {"256": {detector: {set: report}}}}, ours first."""
    threads = settings.models.threads or len(os.sched_getaffinity(0))
    by_size: dict[str, dict[str, Any]] = {}
    for size in sizes:
        compared: list[Finder] = [detectors.Ours(settings, size), *detectors.peers(peers, size, threads)]
        reports, curves = {}, {}
        for finder in compared:
            reports[finder.name], curves[finder.name] = measure(finder, sets, size, keep)
        ours, *others = reports
        for name, curve in curves[ours].items() if others else ():
            reports[ours][name]["ap50_lead"] = {other: curve.lead(curves[other][name]) for other in others}
        by_size[str(size)] = reports
    return {"protocol": PROTOCOL | {"sets": _said(sets)}, "sizes": by_size}


def _said(sets: Sets) -> dict[str, str]:
    said = {
        name: text for name, text in (MAIN_FACE_SETS | CROWDS).items() if name in {**sets.main_faces, **sets.crowds}
    }
    if sets.face_free is not None:
        said["face_free"] = (
            "scenes without a face, the tenth kept from training; chosen as those where YuNet finds none, "
            "so that YuNet's own count, and its equal_false_alarms, are better than they would be elsewhere"
        )
    for name in sets.crowds:
        said.setdefault(name, "a folder in WIDER FACE's layout")
    return said


def measure(finder: Finder, sets: Sets, size: int, keep: Path | None = None) -> tuple[dict[str, Any], dict[str, Curve]]:
    """One detector at one size on every set; with the curves of the crowds, to compare detectors."""
    result: dict[str, Any] = {}
    curves = {}
    equal = None
    if sets.face_free is not None:
        looks = _looks(sets.face_free, finder, size, "face_free", keep)
        result["face_free"] = detection.face_free(looks, finder.confidence)
        equal = detection.confidence_for(looks, detection.FALSE_ALARM)
    for name, shown in sets.crowds.items():
        looks = _looks(shown, finder, size, name, keep)
        curves[name] = Curve(shown, looks)
        result[name] = detection.crowd(shown, looks, finder.confidence, equal, curves[name])
    for name, shown in sets.main_faces.items():
        looks = _looks(shown, finder, size, name, keep)
        result[name] = detection.main_face(shown, looks, finder.confidence)
    return result, curves


def _looks(shown: list[Picture], finder: Finder, size: int, name: str, keep: Path | None) -> list[Look]:
    looks = look_at(shown, finder, size, name, keep)
    if all(look.scale is None for look in looks):
        raise UserError(f"none of the {len(looks)} images of {name} can be read, such as {shown[0].path}")
    return looks


def without_curves(result: dict[str, Any]) -> dict[str, Any]:
    """The report without the points of its curves, for a card."""
    return {
        key: without_curves(value) if isinstance(value, dict) else value
        for key, value in result.items()
        if key != "curve"
    }
