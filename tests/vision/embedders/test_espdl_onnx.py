"""Converted networks answer as the same network in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from attendance.errors import UserError
from attendance.vision.embedders.espdl import Node, read_espdl
from attendance.vision.embedders.espdl_onnx import to_onnx
from tests.vision.embedders.small_network import DIM, SIDE, Small


def test_a_converted_network_answers_as_the_one_in_pytorch() -> None:
    small = Small()
    model = to_onnx(read_espdl(small.file()), SIDE)
    x = np.random.default_rng(1).uniform(-1, 1, (3, 3, SIDE, SIDE)).astype(np.float32)
    (found,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"in": x})
    wanted = small.answer(x)

    assert found.shape == wanted.shape == (3, DIM)
    assert np.abs(wanted).max() > 1 and np.allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("kind", "attributes", "says"),
    [("Softmax", {}, "Softmax is not known"), ("Conv", {"activation": "Relu"}, "activation Relu is not known")],
)
def test_an_operation_that_is_not_known_is_named(kind: str, attributes: Mapping[str, str], says: str) -> None:
    network = read_espdl(Small().file())
    node = network.nodes[0]
    strange = Node(kind, node.inputs, node.outputs, {**node.attributes, **attributes})

    with pytest.raises(UserError, match=says):
        to_onnx(replace(network, nodes=(strange, *network.nodes[1:])), SIDE)
