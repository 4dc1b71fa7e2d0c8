"""A folder in WIDER FACE's layout, in three forms, with bright blocks for faces."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat

EVENTS = ("0--Parade", "1--Handshaking")
# Image → faces as x, y, width, height, flagged invalid.  Those of 20 px have a bright cell of stride 8 in their middle,
# which the tiny detector of tests/vision takes for a face of 19.2 px.
IMAGES = {
    "0--Parade/0_Parade_a": [(58, 58, 20, 20, 0), (154, 154, 20, 20, 0), (200, 20, 30, 6, 0)],
    "0--Parade/0_Parade_b": [],
    "1--Handshaking/1_Handshaking_c": [(90, 90, 20, 20, 0), (0, 0, 40, 40, 1)],
}


def write_images(folder: Path) -> None:
    for name, faces in IMAGES.items():
        image = np.full((256, 256, 3), 60, np.uint8)
        for x, y, width, _, _ in faces:
            if width == 20:
                image[y + 6 : y + 14, x + 6 : x + 14] = 255
        path = folder / "images" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 100])


def write_text(folder: Path, zeros: bool = True) -> Path:
    """`zeros`: an image without faces has a line of zeros, as in the original."""
    lines = []
    for name, faces in IMAGES.items():
        lines += [f"{name}.jpg", str(len(faces))]
        lines += [f"{x} {y} {width} {height} 0 0 0 {invalid} 0 0 " for x, y, width, height, invalid in faces]
        lines += ["0 0 0 0 0 0 0 0 0 0 "] if not faces and zeros else []
    path = folder / "wider_face_val_bbx_gt.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def write_voc(folder: Path) -> None:
    for name, faces in IMAGES.items():
        things = "".join(
            f"<object><name>face</name><difficult>{invalid}</difficult><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
            f"<xmax>{x + width}</xmax><ymax>{y + height}</ymax></bndbox></object>"
            for x, y, width, height, invalid in faces
        )
        path = folder / "Annotations" / f"{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<annotation><filename>{Path(name).name}.jpg</filename>{things}</annotation>")


def write_levels(folder: Path, kept: dict[str, dict[str, list[int]]]) -> None:
    """`kept`: level → image → rows from 1, as MATLAB counts."""

    def cells(values: list[object]) -> np.ndarray:  # type: ignore[type-arg]
        array = np.empty((len(values), 1), object)
        for row, value in enumerate(values):
            array[row, 0] = value
        return array

    by_event = [[name for name in IMAGES if name.startswith(event)] for event in EVENTS]
    files = cells([cells([Path(name).name for name in names]) for names in by_event])
    savemat(folder / "wider_face_val.mat", {"event_list": cells(list(EVENTS)), "file_list": files})
    for level, rows in kept.items():
        lists = cells(
            [cells([np.array(rows.get(n, []), np.uint8).reshape(-1, 1) for n in names]) for names in by_event]
        )
        savemat(folder / f"wider_{level}_val.mat", {"gt_list": lists})
