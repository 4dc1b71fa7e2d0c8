"""int8 is kept only where it is worth it, and leaves nothing behind where it is not."""

# ruff: noqa: E402
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests import needs

needs.package("onnx", extra="train")  # before what imports it

from attendance.config import Settings, load_settings
from attendance.errors import UserError
from attendance.evaluation.detector import quantise as module
from attendance.evaluation.detector.quantise import Worth, quantise
from attendance.vision.runtime import OnnxSession
from attendance.vision.weights import load_card, verify
from tests.vision.networks import DETECTOR, RECOGNISER, write_detector, write_recogniser

ROOM = np.full((256, 256, 3), 20, np.uint8)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "weights"
    folder.mkdir()
    write_detector(folder)
    write_recogniser(folder)
    models = {"weights_dir": str(folder), "detector": DETECTOR, "recogniser": RECOGNISER, "threads": 1}
    return load_settings(environ={}).model_copy(update={"models": Settings.model_validate({"models": models}).models})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight pictures with one bright block each, boxed as the tiny detector boxes it."""
    folder = tmp_path / "data"
    (folder / "labels").mkdir(parents=True)
    (folder / "facemask853").mkdir()
    rows = ["path\twidth\theight\tlabelled\tboxes"]
    for number in range(8):
        picture, x = ROOM.copy(), 32 * (number % 6)
        picture[96:128, x : x + 32] = 250
        cv2.imwrite(str(folder / "facemask853" / f"{number}.png"), picture)
        middle = (x + 16, 112)
        corners = [middle[0] - 38, middle[1] - 38, middle[0] + 38, middle[1] + 38]
        rows.append(f"facemask853/{number}.png\t256\t256\tall\t{','.join(map(str, corners))}")
    (folder / "labels" / "true_boxes.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_it_must_be_faster_and_lose_less_than_half_a_point() -> None:
    assert Worth((0.300, 0.296), (30, 15)).kept
    assert not Worth((0.300, 0.295), (30, 15)).kept
    assert not Worth((0.300, 0.310), (30, 31)).kept
    assert not Worth((0.300, float("nan")), (30, 15)).kept


def test_a_kept_one_loads_like_any_other_detector(
    settings: Settings, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worth, "kept", True)
    worth = quantise(settings, data, settings.models.weights, "tiny-int8")
    card = load_card(settings.models.weights, "tiny-int8")
    verify(card, settings.models.weights)
    outputs = OnnxSession(card, settings.models.weights, 1).run(np.zeros((1, 3, 256, 256), np.float32))

    assert set(outputs) == {"bbox", "obj", "landmarks"}
    assert worth.ap[0] > 0
    assert card.metrics["quantised_from"] == DETECTOR
    with pytest.raises(UserError, match="exists already"):
        quantise(settings, data, settings.models.weights, "tiny-int8")


def test_one_that_is_not_worth_it_leaves_nothing(
    settings: Settings, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worth, "kept", False)
    before = sorted(settings.models.weights.iterdir())
    with pytest.raises(UserError, match=r"int8 is not worth it here: AP .* stay with tiny-detector"):
        quantise(settings, data, settings.models.weights, "tiny-int8")

    assert sorted(settings.models.weights.iterdir()) == before


def test_without_true_boxes_nothing_is_tried(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be measured without true boxes"):
        quantise(settings, tmp_path, tmp_path, "tiny-int8")
    assert module.CALIBRATION > 0
