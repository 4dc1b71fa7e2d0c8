"""Folded norms compute the same as plain ones, under the same names."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from attendance.models import RecognitionModel
from attendance.training import depthwise
from attendance.training.folding import FoldedConv, fold


def _awake(net: RecognitionModel) -> RecognitionModel:
    """Statistics and scales as no fresh network has them."""
    torch.manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return net.eval()


@pytest.fixture(scope="module")
def plain() -> RecognitionModel:
    torch.manual_seed(0)
    return _awake(RecognitionModel())


def test_a_folded_network_answers_as_the_plain_one_and_its_file_loads_there(
    plain: RecognitionModel, tmp_path: Path
) -> None:
    folded = fold(copy.deepcopy(plain))
    assert isinstance(folded, RecognitionModel)
    assert sum(isinstance(module, FoldedConv) for module in folded.modules()) > 40
    faces = torch.rand(3, 3, 64, 64) * 255
    with torch.no_grad():
        assert torch.allclose(folded(faces), plain(faces), atol=1e-5)

        for parameter in folded.parameters():  # as after a step
            parameter.add_(0.01 * torch.randn_like(parameter))
        folded.save_weights(tmp_path / "w.safetensors")
        again = RecognitionModel(weights=tmp_path / "w.safetensors")
        assert torch.allclose(folded(faces), again(faces), atol=5e-3)  # a file has half precision

    assert list(folded.state_dict()) == list(plain.state_dict())


def test_a_folded_networks_gradients_are_the_plain_ones(plain: RecognitionModel) -> None:
    one, other = copy.deepcopy(plain), fold(copy.deepcopy(plain))
    faces = (torch.rand(2, 3, 64, 64) * 255).contiguous(memory_format=torch.channels_last)
    for net in (one, other):
        (net(faces)[:, ::7].sum()).backward()
    wanted = dict(one.named_parameters())
    for name, parameter in other.named_parameters():
        given, right = parameter.grad, wanted[name].grad
        assert given is not None and right is not None, name
        assert torch.allclose(given, right, rtol=1e-2, atol=1e-3 * float(right.abs().max()) + 1e-7), name


@pytest.mark.parametrize(("side", "stride", "channels"), [(4, 1, 70), (7, 2, 64), (9, 1, 130)])
def test_the_loops_in_c_give_pytorchs_gradients(side: int, stride: int, channels: int) -> None:
    if depthwise.library() is None:
        pytest.skip("no C compiler here")
    torch.manual_seed(0)
    x = torch.randn(3, channels, side, side).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight, bias = torch.randn(channels, 1, 5, 5, requires_grad=True), torch.randn(channels, requires_grad=True)
    assert depthwise.serves(x, weight)
    wanted = F.conv2d(x, weight, bias, stride, 2, groups=channels)
    found = depthwise.Depthwise.apply(x, weight, bias, stride, 2)
    grad = torch.randn_like(wanted)

    assert torch.allclose(found, wanted, atol=1e-5)
    for a, b in zip(
        torch.autograd.grad(found, (x, weight, bias), grad),
        torch.autograd.grad(wanted, (x, weight, bias), grad),
        strict=True,
    ):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-4)


def test_without_a_compiler_pytorch_goes_on_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/there/is/no/compiler")
    depthwise.library.cache_clear()
    try:
        assert not depthwise.serves(torch.zeros(1, 8, 4, 4), torch.zeros(8, 1, 5, 5))
    finally:
        depthwise.library.cache_clear()
