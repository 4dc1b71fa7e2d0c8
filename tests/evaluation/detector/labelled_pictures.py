"""Labelled pictures in a folder, and a detector that finds what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.vision.boxes import Detections


class FakeDetector:
    """At the detector's port: finds what it was told, and counts its calls."""

    name, key, confidence = "fake", "1" * 64, 0.5

    def __init__(self, answers: Sequence[Detections]) -> None:
        self.answers = list(answers)
        self.calls = 0

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        self.calls += 1
        return self.answers[int(image[0, 0, 0])]  # the picture says which


def labelled(folder: Path) -> Path:
    """A data folder: two LFW images, one with a face, and twenty scenes of which two are measured on."""
    (folder / "labels").mkdir(parents=True)
    for number, name in enumerate(("lfw/A_B/A_B_0001.jpg", "lfw/C_D/C_D_0001.jpg", "facemask853/_/maks4.png")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((100, 100, 3), number, np.uint8))
    np.savez(
        folder / "labels" / "lfw.npz",
        path=np.array([b"lfw/A_B/A_B_0001.jpg", b"lfw/C_D/C_D_0001.jpg"]),
        size=np.array([[100, 100], [100, 100]]),
        image=np.array([0, 0]),
        box=np.array([[30, 30, 70, 80], [0, 0, 20, 20]], np.float32),
        score=np.array([0.9, 0.8]),
        landmarks=np.zeros((2, 5, 2), np.float32),
    )
    (folder / "labels" / "face_free.txt").write_text("\n".join(f"scenes/{number}.png" for number in range(20)))
    rows = ["image\twidth\theight\tlabelled\tboxes"]
    rows += [f"facemask853/_/maks{number}.png\t100\t100\tall\t10,10,40,50;50,50,80,90" for number in (3, 4)]
    rows.append("net7876/_/a4.png\t100\t100\tmain\t10,10,40,50")
    (folder / "labels" / "true_boxes.tsv").write_text("\n".join(rows) + "\n")
    return folder
