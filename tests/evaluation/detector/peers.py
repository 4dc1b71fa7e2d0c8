"""Small networks that answer as published detectors do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64  # what the tiny peer is published for


REACH, POINTS = 1.5, (-0.5, -0.5, 0.5, -0.5, 0.0, 0.0, -0.4, 0.5, 0.4, 0.5)


def write_scrfd(path: Path) -> Path:
    """SCRFD's outputs for a network that takes bright blocks of 32 px for faces, and knows them at stride 32.

    As in the original, an upsampling to a size that was written down when it was exported gives the
    finer strides theirs, here of nothing but zeros.
    """
    nodes = [helper.make_node("ReduceMean", ["input.1"], ["grey"], axes=[1], keepdims=1)]
    nodes.append(helper.make_node("AveragePool", ["grey"], ["mean32"], kernel_shape=[32, 32], strides=[32, 32]))
    nodes.append(helper.make_node("Resize", ["mean32", "", "", "to16"], ["mean16"], mode="nearest"))
    nodes.append(helper.make_node("Resize", ["mean32", "", "", "to8"], ["mean8"], mode="nearest"))
    constants = {
        "to16": np.array([1, 1, SIDE // 16, SIDE // 16], np.int64),
        "to8": np.array([1, 1, SIDE // 8, SIDE // 8], np.int64),
        "column": np.array([1, -1, 1], np.int64),
        "reach": np.full((1, 1, 4), REACH, np.float32),
        "points": np.array(POINTS, np.float32).reshape(1, 1, 10),
        "zero": np.array(0, np.float32),
        "factor8": np.array(0, np.float32),
        "factor16": np.array(0, np.float32),
        "factor32": np.array(0.9, np.float32),
    }
    outputs = []
    for stride in (8, 16, 32):
        nodes += [
            helper.make_node("Reshape", [f"mean{stride}", "column"], [f"cell{stride}"]),
            helper.make_node("Concat", [f"cell{stride}", f"cell{stride}"], [f"pair{stride}"], axis=2),
            helper.make_node("Reshape", [f"pair{stride}", "column"], [f"both{stride}"]),  # two anchors a cell
            helper.make_node("Mul", [f"both{stride}", f"factor{stride}"], [f"score_{stride}"]),
            helper.make_node("Mul", [f"both{stride}", "zero"], [f"none{stride}"]),
            helper.make_node("Add", [f"none{stride}", "reach"], [f"bbox_{stride}"]),
            helper.make_node("Add", [f"none{stride}", "points"], [f"kps_{stride}"]),
        ]
        rows = 2 * (SIDE // stride) ** 2
        for kind, width in (("score", 1), ("bbox", 4), ("kps", 10)):
            outputs.append(helper.make_tensor_value_info(f"{kind}_{stride}", TensorProto.FLOAT, [1, rows, width]))
    image = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    initialisers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "scrfd", [image], outputs, initialisers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path
