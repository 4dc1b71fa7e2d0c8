"""LivenessModel: parameters, frequencies, and a graph that answers as PyTorch does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attendance.models.export import export
from attendance.models.liveness import LivenessModel, cosines
from attendance.vision.liveness import NEAR_PX


def test_the_kernels_are_orthonormal_and_blind_to_the_mean() -> None:
    flat = cosines().flatten(1)
    assert torch.allclose(flat @ flat.T, torch.eye(63), atol=1e-5)
    assert flat.sum(1).abs().max() < 1e-5


def test_the_network_is_small_and_keeps_its_trunks_statistics() -> None:
    model = LivenessModel().train()
    assert sum(p.numel() for p in model.parameters()) < 3_000_000
    assert not model.backbone.training
    model.freeze()
    assert not any(p.requires_grad for p in model.backbone.features[0].parameters())
    assert all(p.requires_grad for p in model.backbone.features[5].parameters())


@pytest.mark.long
def test_an_exported_graph_answers_as_pytorch(tmp_path: Path) -> None:
    torch.manual_seed(3)
    LivenessModel().save_weights(tmp_path / "w.safetensors")
    assert export(tmp_path / "w.safetensors", tmp_path / "out", "m", NEAR_PX) < 1e-4
