"""Labelled images, to measure detectors on.

In: a data folder (`labels/<set>.npz`, `true_boxes.tsv`, `face_free.txt`).  Out: `Picture`s, in a fixed order.
Does not know: detectors, measures.  It returns only images that are kept from training (`protocol`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.training import protocol
from attendance.training.labels import drawn_boxes


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One image and the faces in it.

    `boxes` [G,4] xyxy px · `ignored` [G]: neither must be found nor is an error if found · `points`
    [G,5,2] px, if the set has them · `main`: row of the main face, None if it is not labelled ·
    `levels`: name → [G], which faces count at that level of difficulty (WIDER FACE).
    """

    path: Path
    boxes: NDArray[np.float32]
    ignored: NDArray[np.bool_]
    points: NDArray[np.float32] | None = None
    main: int | None = None
    levels: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def read(self) -> NDArray[np.uint8] | None:
        """Return the image as BGR, turned upright by its EXIF entry; None if it cannot be read."""
        try:
            image = cv2.imread(str(self.path))
        except cv2.error:  # the image has more pixels than OpenCV accepts
            return None
        return None if image is None else image.astype(np.uint8, copy=False)


def true_boxes(data: Path, set_name: str) -> list[Picture]:
    """Return the images kept for measuring in which people boxed every face."""
    return [
        Picture(data / path, boxes, np.zeros(len(boxes), bool))
        for path, boxes, complete in drawn_boxes(data, set_name)
        if complete and protocol.is_measured(set_name, path, "")
    ]


def main_faces(data: Path, set_name: str) -> list[Picture]:
    """Return images of one person each, kept for measuring, with the labels of a machine.

    The main face is the one nearest the centre, weighted by its size.  LFW comes whole, with the images that
    have no label; of the other sets such images are left out, because they say nothing.
    """
    with np.load(data / "labels" / f"{set_name}.npz") as stored:
        labels = {name: stored[name] for name in stored}  # each access to the file unpacks it again
    celeba = protocol.celeba_identities(data)
    rows_of: dict[int, list[int]] = {}
    for row, image in enumerate(labels["image"]):
        rows_of.setdefault(int(image), []).append(row)
    shown = []
    for index, raw in enumerate(labels["path"]):
        path, rows = raw.decode(), rows_of.get(index, [])
        kept = protocol.is_measured(set_name, path, protocol.identity_of(set_name, path, celeba))
        if not kept or not (rows or set_name == "lfw"):
            continue
        width, height = (float(side) for side in labels["size"][index])
        whole = labels["box"][rows].astype(np.float32).reshape(-1, 4)
        boxes = np.clip(whole, 0, np.array([width, height] * 2, np.float32))
        points = labels["landmarks"][rows].astype(np.float32).reshape(-1, 5, 2)
        main = _main(whole, width, height)
        shown.append(Picture(data / path, boxes, np.zeros(len(rows), bool), points, main))
    return shown


def _main(boxes: NDArray[np.float32], width: float, height: float) -> int | None:
    """Return the row that training also takes (`face_packs.main_faces`), so that both mean the same face."""
    if not len(boxes):
        return None
    offset = np.hypot((boxes[:, 0] + boxes[:, 2]) / 2 / width - 0.5, (boxes[:, 1] + boxes[:, 3]) / 2 / height - 0.5)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return int(np.argmax(area * np.maximum(0.05, 1 - 1.5 * offset)))


def face_free(data: Path) -> list[Picture]:
    """Return scenes without a face: the tenth that training never sees."""
    names = [name for name in (data / "labels" / "face_free.txt").read_text().split("\n") if name]
    empty = np.zeros((0, 4), np.float32)
    return [Picture(data / name, empty, np.zeros(0, bool)) for i, name in enumerate(names) if i % 10 == 9]
