"""How well people are told apart, end to end.

In: an analyser, images by people, a list of pairs.  Out: accuracy with its standard error, TAR at FAR.
Does not know: networks' insides.  Our own detector and alignment are part of what is measured: an
image without a face found makes its pairs errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.domain.error_rates import wilson_interval
from attendance.errors import UserError
from attendance.vision.align import align_face
from attendance.vision.analyser import FaceAnalyser

FOLDS = 10


def lfw_pairs(source: Path) -> list[tuple[str, str, bool]]:
    """LFW view 2's `pairs.txt` → (path, path, same person), in its order of folds."""

    def path(name: str, number: str) -> str:
        return f"lfw/{name}/{name}_{int(number):04d}.jpg"

    pairs = []
    for line in source.read_text().splitlines()[1:]:
        parts = line.split()
        if len(parts) == 3:
            pairs.append((path(parts[0], parts[1]), path(parts[0], parts[2]), True))
        elif len(parts) == 4:
            pairs.append((path(parts[0], parts[1]), path(parts[2], parts[3]), False))
    if not pairs:
        raise UserError(f"{source} holds no pairs: it should be LFW's pairs.txt")
    return pairs


def embeddings(analyser: FaceAnalyser, size: int, data: Path, paths: list[str]) -> dict[str, NDArray[np.float32]]:
    """Path → embedding of the face nearest the image's centre, weighed by its size; missing where none is found.

    The quality gate is left out: the benchmark asks for every image.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for path in tqdm(paths, desc="embed", mininterval=5):
        image = cv2.imread(str(data / path))
        if image is None:
            continue
        height, width = image.shape[:2]
        faces = analyser.detect(image.astype(np.uint8, copy=False))
        if not faces:
            continue

        def weight(face: Any, height: int = height, width: int = width) -> float:
            x, y = (face.box.x1 + face.box.x2) / 2 / width - 0.5, (face.box.y1 + face.box.y2) / 2 / height - 0.5
            return float(face.box.area * max(0.05, 1 - 1.5 * np.hypot(x, y)))

        face = max(faces, key=weight)
        try:
            crop = align_face(image.astype(np.uint8, copy=False), face.landmarks.points, size)
        except ValueError:
            continue
        found[path] = analyser.embed(crop).vector
    return found


def verification(pairs: list[tuple[str, str, bool]], vectors: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """View 2: the threshold for each tenth is chosen on the other nine; a pair without both faces is an error."""
    same = np.array([s for _, _, s in pairs])
    there = np.array([a in vectors and b in vectors for a, b, _ in pairs])
    scores = np.array([float(vectors[a] @ vectors[b]) if a in vectors and b in vectors else 0.0 for a, b, _ in pairs])
    fold = np.arange(len(pairs)) * FOLDS // len(pairs)
    accuracies = []
    grid = np.unique(scores[there])
    for number in range(FOLDS):
        learn = (fold != number) & there
        order = np.sort(scores[learn & same]), np.sort(scores[learn & ~same])
        accepted = len(order[0]) - np.searchsorted(order[0], grid)
        refused = np.searchsorted(order[1], grid)
        threshold = float(grid[int(np.argmax(accepted + refused))])
        test = fold == number
        accuracies.append(float((there & ((scores >= threshold) == same))[test].mean()))
    impostor = np.sort(scores[~same & there])
    result: dict[str, Any] = {
        "protocol": "view 2, 10 folds, own detector and alignment, a failed detection is an error",
        "pairs": len(pairs),
        "pairs_without_both_faces": int((~there).sum()),
        "accuracy": round(float(np.mean(accuracies)), 5),
        "standard_error": round(float(np.std(accuracies, ddof=1)) / FOLDS**0.5, 5),
    }
    for far in (1e-2, 1e-3):
        at_far = _threshold_at(impostor, far)
        passed = int((same & there & (scores > at_far)).sum())
        low, high = wilson_interval(passed, int(same.sum()))
        result[f"tar_at_far_{far:g}"] = {
            "rate": round(passed / int(same.sum()), 5),
            "interval95": [round(low, 5), round(high, 5)],
            "threshold": round(at_far, 4),
            "genuine": int(same.sum()),
            "impostor": len(impostor),
        }
    return result


def _threshold_at(impostor: NDArray[np.float64], far: float) -> float:
    """The score that at most `far` of the sorted impostor scores exceed."""
    allowed = int(np.floor(far * len(impostor)))
    return float(impostor[len(impostor) - 1 - allowed])


def measured_people(pack_scores: NDArray[np.float32], labels: NDArray[np.str_], far: float) -> dict[str, Any]:
    """All pairs of a score matrix [N,N] by labels [N]: TAR and threshold at a FAR, with counts."""
    upper = np.triu_indices(len(labels), 1)
    same = (labels[:, None] == labels[None])[upper]
    scores = pack_scores[upper]
    impostor = np.sort(scores[~same].astype(np.float64))
    threshold = _threshold_at(impostor, far)
    genuine = scores[same]
    accepted = int((genuine > threshold).sum())
    low, high = wilson_interval(accepted, len(genuine))
    return {
        "rate": round(accepted / len(genuine), 5),
        "interval95_pairs": [round(low, 5), round(high, 5)],
        "threshold": round(threshold, 4),
        "genuine": len(genuine),
        "impostor": len(impostor),
    }
