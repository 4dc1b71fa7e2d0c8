"""How well faces are found.

In: an analyser, a data folder with labels.  Out: counts and rates with intervals.
Does not know: networks' insides.  Every image goes through `FaceAnalyser.detect`, as at the door.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.domain.error_rates import wilson_interval
from attendance.training import protocol
from attendance.vision.analyser import Detection, FaceAnalyser
from attendance.vision.boxes import iou_matrix

MATCH = 0.5


def rate(part: int, whole: int) -> dict[str, Any]:
    """A share with its counts and Wilson's 95 % interval; no share of nothing."""
    if not whole:
        return {"count": part, "of": whole, "rate": None, "interval95": None}
    low, high = wilson_interval(part, whole)
    return {"count": part, "of": whole, "rate": round(part / whole, 5), "interval95": [round(low, 5), round(high, 5)]}


def _boxes(found: list[Detection]) -> NDArray[np.float32]:
    """[N,4], best score first."""
    ordered = sorted(found, key=lambda face: -face.score)
    return np.array([[f.box.x1, f.box.y1, f.box.x2, f.box.y2] for f in ordered], np.float32).reshape(-1, 4)


def _read(path: Path) -> NDArray[np.uint8] | None:
    image = cv2.imread(str(path))
    return None if image is None else image.astype(np.uint8, copy=False)


def main_face(analyser: FaceAnalyser, data: Path, set_name: str, limit: int | None) -> dict[str, Any]:
    """The labelled main face found (IoU ≥ 0.5)?  Boxes that are on no labelled face; boxes beside the main face.

    The main face is the one nearest the centre, weighed by its size; an image without a label or that
    cannot be read counts as not found.  Landmark error: mean distance over the inter-ocular distance.
    """
    from attendance.training.face_packs import main_faces

    labels = np.load(data / "labels" / f"{set_name}.npz")
    main = {face.path: face.points for face in main_faces(data, set_name)}
    found = extra = beside = total_boxes = 0
    errors: list[float] = []
    paths = list(range(len(labels["path"])))[: limit or None]
    for index in tqdm(paths, desc=f"detect {set_name}", mininterval=5):
        path = labels["path"][index].decode()
        image = _read(data / path)
        if image is None or path not in main:
            continue
        detections = analyser.detect(image)
        ours = _boxes(detections)
        rows = np.flatnonzero(labels["image"] == index)
        truth = np.clip(labels["box"][rows], 0, np.tile(labels["size"][index], 2))
        overlap = iou_matrix(ours, truth.astype(np.float32))
        main_row = int(np.argmin([np.abs(p - main[path]).sum() for p in labels["landmarks"][rows]]))
        hit = bool(len(ours)) and bool((overlap[:, main_row] >= MATCH).any())
        found += hit
        total_boxes += len(ours)
        extra += int((overlap.max(1) < MATCH).sum()) if len(ours) else 0
        beside += len(ours) - hit
        if hit:
            best = sorted(detections, key=lambda f: -f.score)[int(np.argmax(overlap[:, main_row]))]
            eyes = float(np.hypot(*(main[path][1] - main[path][0])))
            errors.append(float(np.hypot(*(best.landmarks.points - main[path]).T).mean()) / max(eyes, 1.0))
    return {
        "protocol": f"{set_name}: labelled main face, IoU >= {MATCH}; all images, unreadable ones count as missed",
        "main_face_found": rate(found, len(paths)),
        "boxes_on_no_labelled_face_per_image": rate(min(extra, len(paths)), len(paths)),
        "boxes_beside_the_main_face_per_image": rate(min(beside, len(paths)), len(paths)),
        "boxes": total_boxes,
        "landmark_error_interocular_mean": round(float(np.mean(errors)), 4) if errors else None,
    }


def true_boxes(data: Path, set_name: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """(path, boxes [G,4]) of images whose every face was boxed by people, and that are kept for measuring."""
    for line in (data / "labels" / "true_boxes.tsv").read_text().splitlines()[1:]:
        path, _, _, labelled, boxes = line.split("\t")
        if not path.startswith(f"{set_name}/") or labelled != "all" or not protocol.is_measured(set_name, path, ""):
            continue
        yield path, np.array([b.split(",") for b in boxes.split(";") if b], np.float32).reshape(-1, 4)


def average_precision(scores: NDArray[np.float32], hits: NDArray[np.bool_], faces: int) -> float:
    """Area under precision against recall, precision made monotone (the VOC 2010 definition)."""
    order = np.argsort(-scores, kind="stable")
    true = np.cumsum(hits[order])
    precision = true / np.arange(1, len(order) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = np.concatenate([[0.0], true / max(faces, 1)])
    return float((np.diff(recall) * precision).sum())


def crowd(analyser: FaceAnalyser, data: Path, set_name: str, limit: int | None) -> dict[str, Any]:
    """AP at IoU 0.5 on boxes drawn by people.  Use an analyser with a low confidence."""
    scores: list[float] = []
    hits: list[bool] = []
    faces = images = 0
    for path, truth in list(true_boxes(data, set_name))[: limit or None]:
        image = _read(data / path)
        faces += len(truth)
        images += 1
        if image is None:
            continue
        found = sorted(analyser.detect(image), key=lambda face: -face.score)
        overlap = iou_matrix(_boxes(found), truth)
        taken = np.zeros(len(truth), bool)
        for row, face in enumerate(found):
            free = np.where(taken, -1.0, overlap[row]) if len(truth) else np.zeros(0)
            best = int(np.argmax(free)) if len(free) else -1
            hit = best >= 0 and free[best] >= MATCH
            if hit:
                taken[best] = True
            scores.append(face.score)
            hits.append(bool(hit))
    return {
        "protocol": f"{set_name}: true boxes, IoU >= {MATCH}, VOC 2010 average precision",
        "images": images,
        "faces": faces,
        "ap50": round(average_precision(np.array(scores, np.float32), np.array(hits, bool), faces), 4),
    }


def face_free(analyser: FaceAnalyser, data: Path, limit: int | None) -> dict[str, Any]:
    """Boxes in scenes without a face (the tenth that training never sees)."""
    names = [n for n in (data / "labels" / "face_free.txt").read_text().split("\n") if n]
    kept = [name for i, name in enumerate(names) if i % 10 == 9][: limit or None]
    with_box = sum(bool(analyser.detect(image)) for n in kept if (image := _read(data / n)) is not None)
    return {"protocol": "face-free scenes kept from training", "images_with_a_box": rate(with_box, len(kept))}
