"""Another project's networks: cut as their names say, answered as a mean chance; what cannot be read is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from attendance.domain.faces import Box
from attendance.errors import UserError
from attendance.training.liveness.peer import Peer

BOX = Box(40, 40, 60, 60)


def write_net(folder: Path, name: str, size: int, weight: float) -> None:
    """The logit of class 1 is `weight` × the mean of the picture; the other two are 0."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "weight"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, size, size])
    constants = {"last": np.array([1], np.int64), "weight": np.array([[0.0, weight, 0.0]], np.float32)}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [image],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / name).write_bytes(model.SerializeToString())


def white_square(reach: int) -> NDArray[np.uint8]:
    """A white square of so many pixels from the face's middle, on black."""
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[50 - reach : 50 + reach, 50 - reach : 50 + reach] = 255
    return picture


def test_each_graph_is_cut_at_the_scale_of_its_name(tmp_path: Path) -> None:
    write_net(tmp_path, "2.0_80x80_net.onnx", 80, 0.01)
    peer = Peer(tmp_path)
    whole = np.exp(2.55) / (np.exp(2.55) + 2)
    assert peer.chance(white_square(22), BOX) == pytest.approx(whole, abs=0.01)  # the cut reaches 20 px
    assert peer.chance(white_square(10), BOX) < whole - 0.2
    assert peer.chance(np.zeros((100, 100, 3), np.uint8), BOX) == pytest.approx(1 / 3)


def test_a_cut_at_the_edge_is_moved_into_the_picture(tmp_path: Path) -> None:
    write_net(tmp_path, "2.0_80x80_net.onnx", 80, 0.01)
    picture = np.full((100, 100, 3), 255, np.uint8)
    for box in (Box(0, 0, 20, 20), Box(80, 80, 100, 100), Box(-10, -10, 60, 60)):
        assert Peer(tmp_path).chance(picture, box) == pytest.approx(np.exp(2.55) / (np.exp(2.55) + 2), abs=1e-4)


def test_several_graphs_answer_together(tmp_path: Path) -> None:
    write_net(tmp_path, "2.0_80x80_a.onnx", 80, 1.0)
    write_net(tmp_path, "4.0_80x80_b.onnx", 80, -1.0)
    assert Peer(tmp_path).chance(np.full((100, 100, 3), 255, np.uint8), BOX) == pytest.approx(0.5, abs=1e-4)


def test_what_is_not_a_peer_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no liveness network"):
        Peer(tmp_path)
    (tmp_path / "net.onnx").write_bytes(b"")
    with pytest.raises(UserError, match="says how to cut"):
        Peer(tmp_path)
    (tmp_path / "net.onnx").rename(tmp_path / "2.7_80x80_net.onnx")
    with pytest.raises(UserError, match="cannot read"):
        Peer(tmp_path)
