"""Labelled images to find faces in.

In: a data folder (`labels/<set>.npz`, `true_boxes.tsv`, `face_free.txt`).  Out: `Picture`s, in a fixed order.
Does not know: detectors, measures.  Only what is kept from training is given out (`protocol`).
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

    `boxes` [G,4] xyxy px · `ignored` [G]: neither to be found nor an error when found · `points`
    [G,5,2] px, where a set has them · `main`: row of the main face, None where it is not labelled ·
    `levels`: name → [G], which faces count at that level of difficulty (WIDER FACE).
    """

    path: Path
    boxes: NDArray[np.float32]
    ignored: NDArray[np.bool_]
    points: NDArray[np.float32] | None = None
    main: int | None = None
    levels: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def read(self) -> NDArray[np.uint8] | None:
        """BGR, turned upright as its EXIF entry says; None when it cannot be read."""
        try:
            image = cv2.imread(str(self.path))
        except cv2.error:  # an image of more pixels than OpenCV takes
            return None
        return None if image is None else image.astype(np.uint8, copy=False)


def true_boxes(data: Path, set_name: str) -> list[Picture]:
    """Images whose every face was boxed by people, and that are kept for measuring."""
    return [
        Picture(data / path, boxes, np.zeros(len(boxes), bool))
        for path, boxes, complete in drawn_boxes(data, set_name)
        if complete and protocol.is_measured(set_name, path, "")
    ]


def main_faces(data: Path, set_name: str) -> list[Picture]:
    """Images of one person each, kept for measuring, with the labels of a machine.

    The main face is the one nearest the centre, weighed by its size.  LFW is given whole, an image
    without a label too; of the other sets an image without one says nothing.
    """
    with np.load(data / "labels" / f"{set_name}.npz") as stored:
        labels = {name: stored[name] for name in stored}  # each access to the file unpacks it anew
    celeba = protocol.celeba_identities(data)
    rows_of: dict[int, list[int]] = {}
    for row, image in enumerate(labels["image"]):
        rows_of.setdefault(int(image), []).append(row)
    found = []
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
        found.append(Picture(data / path, boxes, np.zeros(len(rows), bool), points, main))
    return found


def _main(boxes: NDArray[np.float32], width: float, height: float) -> int | None:
    """As training takes it (`face_packs.main_faces`), so that both mean the same face."""
    if not len(boxes):
        return None
    offset = np.hypot((boxes[:, 0] + boxes[:, 2]) / 2 / width - 0.5, (boxes[:, 1] + boxes[:, 3]) / 2 / height - 0.5)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return int(np.argmax(area * np.maximum(0.05, 1 - 1.5 * offset)))


def face_free(data: Path) -> list[Picture]:
    """Scenes without a face: the tenth that training never sees."""
    names = [name for name in (data / "labels" / "face_free.txt").read_text().split("\n") if name]
    empty = np.zeros((0, 4), np.float32)
    return [Picture(data / name, empty, np.zeros(0, bool)) for i, name in enumerate(names) if i % 10 == 9]
