"""A graph beside its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attendance.models import DetectionModel, RecognitionModel
from attendance.models.export import export


@pytest.fixture(scope="module")
def net() -> DetectionModel:
    torch.manual_seed(0)
    return DetectionModel(input_size=128).eval()


@pytest.mark.parametrize("kind", [pytest.param("detector", marks=pytest.mark.long), "recogniser"])
def test_an_exported_graph_answers_as_pytorch_and_stores_no_number_twice(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(5)
    net = DetectionModel() if kind == "detector" else RecognitionModel()
    net.save_weights(tmp_path / "w.safetensors")
    assert export(tmp_path / "w.safetensors", tmp_path / "out", "m", 64) < 1e-4
    assert (tmp_path / "out" / "m.onnx").stat().st_size < 500_000
    assert (tmp_path / "out" / "m.safetensors").read_bytes() == (tmp_path / "w.safetensors").read_bytes()
