"""Bodies of `manage.py evaluate detector|recogniser`.

In: the options of the command line and the settings.  Out: numbers on standard output, and as JSON.
Does not know: how anything is measured (`detection`, `recognition`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from attendance.config import Settings
from attendance.errors import UserError
from attendance.evaluation import detection, recognition
from attendance.training import protocol
from attendance.vision.serving import analyser_for, cards_for

LOW_CONFIDENCE = 0.02  # average precision needs the whole curve


def evaluate_detector(settings: Settings, data: Path, out: Path | None = None, limit: int | None = None) -> None:
    """LFW's main faces, crowds with true boxes, and scenes without a face."""
    analyser, card = analyser_for(settings), cards_for(settings)[0]
    result: dict[str, Any] = {
        "model_id": card.model_id,
        "input_size": settings.detector.input_size,
        "confidence": settings.detector.confidence,
    }
    labels = data / "labels"
    if not labels.is_dir():
        raise UserError(f"{data} has no folder labels: see the README on training data")
    if (labels / "lfw.npz").exists():
        result["lfw"] = detection.main_face(analyser, data, "lfw", limit)
    if (labels / "face_free.txt").exists():
        result["face_free"] = detection.face_free(analyser, data, limit)
    if (labels / "true_boxes.tsv").exists():
        low = settings.detector.model_copy(update={"confidence": LOW_CONFIDENCE})
        whole_curve = analyser_for(settings.model_copy(update={"detector": low}))
        result["facemask853"] = detection.crowd(whole_curve, data, "facemask853", limit)
    _write(result, out)


def evaluate_recogniser(settings: Settings, data: Path, out: Path | None = None, limit: int | None = None) -> None:
    """LFW's view 2, and the people of CelebA that are kept for measuring."""
    analyser, card = analyser_for(settings), cards_for(settings)[1]
    result: dict[str, Any] = {"model_id": card.model_id, "input_size": card.input_size}
    source = data / "lfw_pairs" / "_" / "pairs.txt"
    if source.exists():
        pairs = recognition.lfw_pairs(source)[: limit or None]
        paths = sorted({path for a, b, _ in pairs for path in (a, b)})
        vectors = recognition.embeddings(analyser, card.input_size, data, paths)
        result["lfw"] = recognition.verification(pairs, vectors)
    people = _measured(data, limit)
    if people:
        vectors = recognition.embeddings(analyser, card.input_size, data, list(people))
        labels = np.array([people[path] for path in vectors])
        matrix = np.stack(list(vectors.values())) if vectors else np.zeros((0, 1), np.float32)
        scores = matrix @ matrix.T
        result["celeba_measured"] = {
            "protocol": "people whose number is divisible by 5, all pairs; images without a face found are left out",
            "people": len(set(labels)),
            "images": len(people),
            "images_without_a_face": len(people) - len(vectors),
        } | {f"tar_at_far_{far:g}": recognition.measured_people(scores, labels, far) for far in (1e-3, 1e-4)}
    if len(result) == 2:
        raise UserError(f"{data} holds neither lfw_pairs nor celeba_crops: see the README on training data")
    _write(result, out)


def _measured(data: Path, limit: int | None) -> dict[str, str]:
    """Path → person of the measuring people."""
    source = data / "labels" / "celeba_crops.npz"
    if not source.exists():
        return {}
    celeba = protocol.celeba_identities(data)
    people = {}
    for raw in np.load(source)["path"]:
        path = raw.decode()
        identity = protocol.identity_of("celeba_crops", path, celeba)
        if identity and protocol.is_measured("celeba_crops", path, identity):
            people[path] = identity
    return dict(list(people.items())[: limit or None])


def _write(result: dict[str, Any], out: Path | None) -> None:
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")
