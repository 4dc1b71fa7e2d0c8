"""Tiny real networks, as files with cards: what the shipped ones are, in a few hundred bytes.

The detector takes bright blocks for faces: a cell whose stride-sized block is bright has a face of
1.2 strides to each side, with five points in the right order.  The recogniser is a linear map of the mean
colour; its numbers lie in the .safetensors beside the graph, as in the shipped ones.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from attendance.vision.weights import Card, save_card, sha256_of

DETECTOR, RECOGNISER, LIVENESS = "tiny-detector", "tiny-recogniser", "tiny-liveness"
DIM = 16
REACH = 1.2
# Offsets of the five points from the cell's centre, in strides: the ArcFace proportions.
FIVE = np.array([[-0.4, -0.3], [0.4, -0.3], [0.0, 0.1], [-0.3, 0.5], [0.3, 0.5]], dtype=np.float32)


def write_detector(folder: Path, model_id: str = DETECTOR) -> Card:
    """Logit of a cell: (brightness of its block - 200) / 4."""
    nodes = [helper.make_node("ReduceMean", ["image"], ["grey"], axes=[1], keepdims=1)]
    for stride in (8, 16, 32):
        pool = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        nodes += [
            helper.make_node("AveragePool", ["grey"], [f"mean{stride}"], **pool),
            helper.make_node("Flatten", [f"mean{stride}"], [f"flat{stride}"], axis=1),
        ]
    nodes += [
        helper.make_node("Concat", ["flat8", "flat16", "flat32"], ["means"], axis=1),
        helper.make_node("Sub", ["means", "level"], ["above"]),
        helper.make_node("Mul", ["above", "slope"], ["obj"]),
        helper.make_node("Unsqueeze", ["obj", "last"], ["column"]),
        helper.make_node("Mul", ["column", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "reach"], ["bbox"]),
        helper.make_node("Add", ["nothing", "five"], ["landmarks"]),
    ]
    constants = {
        "level": np.array(200, np.float32),
        "slope": np.array(0.25, np.float32),
        "last": np.array([2], np.int64),
        "zero": np.array(0, np.float32),
        "reach": np.full(4, REACH, np.float32),
        "five": FIVE.reshape(-1),
    }
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "H", "W"])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("bbox", "obj", "landmarks")]
    initialisers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    _save(folder / f"{model_id}.onnx", nodes, image, outputs, initialisers)
    return _with_card(Card(model_id, "detector", "tiny", 256, {f"{model_id}.onnx": "0" * 64}), folder)


def write_recogniser(folder: Path, model_id: str = RECOGNISER, size: int = 112, output: str = "embedding") -> Card:
    """embedding = normalised (mean colour / 255 - 0.5) @ numbers, in fp16 beside the graph."""
    numbers = recogniser_numbers()
    start = write_safetensors(folder / f"{model_id}.safetensors", numbers)
    weight = TensorProto(name="half", data_type=TensorProto.FLOAT16, dims=numbers.shape)
    weight.data_location = TensorProto.EXTERNAL
    where = {"location": f"{model_id}.safetensors", "offset": str(start), "length": str(numbers.nbytes)}
    for key, value in where.items():
        weight.external_data.add(key=key, value=value)
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "middle"], ["colour"]),
        helper.make_node("Cast", ["half"], ["weight"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["colour", "weight"], ["raw"]),
        helper.make_node("LpNormalization", ["raw"], [output], axis=1, p=2),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, size, size])
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", DIM])]
    constants = {"scale": np.array(1 / 255, np.float32), "middle": np.array(0.5, np.float32)}
    initialisers = [weight, *(numpy_helper.from_array(value, name) for name, value in constants.items())]
    _save(folder / f"{model_id}.onnx", nodes, image, outputs, initialisers)
    hashes = {f"{model_id}.{end}": "0" * 64 for end in ("onnx", "safetensors")}
    return _with_card(Card(model_id, "recogniser", "tiny", size, hashes, embedding_dim=DIM), folder)


def write_liveness(folder: Path, model_id: str = LIVENESS) -> Card:
    """live = (mean of red - mean of blue) / 10, over both crops."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "weight"], ["live"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 80, 128])
    outputs = [helper.make_tensor_value_info("live", TensorProto.FLOAT, ["N", 1])]
    weight = numpy_helper.from_array(np.array([[0.1], [0.0], [-0.1]], np.float32), "weight")
    _save(folder / f"{model_id}.onnx", nodes, image, outputs, [weight])
    point = {"slope": 1.0, "offset": 0.0, "live_from": 0.0, "attack_below": -1.0}
    card = Card(model_id, "liveness", "tiny", 80, {f"{model_id}.onnx": "0" * 64}, operating_points=point)
    return _with_card(card, folder)


def recogniser_numbers() -> NDArray[np.float16]:
    return np.random.default_rng(0).normal(size=(3, DIM)).astype(np.float16)


def expected_embedding(mean_rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the recogniser must give for a crop of this mean colour, by hand."""
    raw: NDArray[np.float64] = (mean_rgb / 255 - 0.5) @ recogniser_numbers().astype(np.float64)
    return raw / np.linalg.norm(raw)


def write_safetensors(path: Path, numbers: NDArray[np.float16]) -> int:
    """One tensor in the safetensors format; returns the offset of its bytes."""
    entry = {"dtype": "F16", "shape": list(numbers.shape), "data_offsets": [0, numbers.nbytes]}
    header = json.dumps({"weight": entry}).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + numbers.tobytes())
    return 8 + len(header)


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    image: onnx.ValueInfoProto,
    outputs: list[onnx.ValueInfoProto],
    initialisers: list[TensorProto],
) -> None:
    graph = helper.make_graph(nodes, "tiny", [image], outputs, initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())


def _with_card(card: Card, folder: Path) -> Card:
    """The card with the true hashes, written beside the files."""
    card = replace(card, sha256={name: sha256_of(folder / name) for name in card.sha256})
    save_card(card, folder)
    return card
