"""An `.espdl` network → the same network in ONNX, in float32.

In: a `Network` (`espdl`).  Out: an ONNX model, [N,3,S,S] → embedding.
Does not know: files, faces.
Main choice: the stored int8 weights become floats by their power-of-two scales, and maps are floats, so that any
runtime serves the network.  Trade-off: answers differ a little from the chip's, which rounds each map to int8.

The chips want maps as [N,H,W,C] and weights in blocks of 16 output channels: blocks [O/16][H,W,I][16], then the rest as
[O%16][H,W,I] for a full convolution and [I,H,W][O%16] for a depthwise one.
Needs the package onnx (extra `convert`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from attendance.errors import UserError
from attendance.vision.embedders.espdl import Network, Node, Weights

BLOCK = 16
OPSET = 13
_CHANNELS_LAST = (0, 3, 1, 2)  # the axis of ONNX → that of the chips
_TO_CHANNELS_FIRST = (0, 3, 1, 2)


def to_onnx(network: Network, size: int) -> onnx.ModelProto:
    """Return the network as ONNX for inputs [N,3,size,size]; raise UserError for an operation that is not known."""
    arrays: dict[str, NDArray[np.float32]] = {}
    nodes = []
    renamed: dict[str, str] = {}  # outputs of nodes that are left out
    for node in network.nodes:
        inputs = [renamed.get(name, name) for name in node.inputs]
        if node.kind == "Transpose" and node.attributes.get("perm") == _TO_CHANNELS_FIRST:
            renamed[node.outputs[0]] = inputs[0]  # maps here have their channels first already
            continue
        for position, name in enumerate(node.inputs):
            if name in network.weights:
                arrays[name] = _real(network.weights[name], node, position)
        nodes.append(helper.make_node(node.kind, inputs, list(node.outputs), **_attributes(node)))
    rank = 2 if network.nodes[-1].kind in ("Gemm", "Flatten") else 4
    graph = helper.make_graph(
        nodes,
        "espdl",
        [helper.make_tensor_value_info(network.input, TensorProto.FLOAT, ["n", 3, size, size])],
        [helper.make_tensor_value_info(network.output, TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # the checker raises several kinds
        raise UserError(f"this .espdl file does not become a valid network: {error}") from error
    return model


def _attributes(node: Node) -> dict[str, Any]:
    """Return the attributes in ONNX's terms; raise UserError for an operation or activation that is not known."""
    given = node.attributes
    if given.get("activation", "Linear") != "Linear" or given.get("quant_type", "S8") != "S8":
        raise UserError(f"{node.kind} with activation {given.get('activation')} is not known")
    if node.kind == "Conv":
        return {name: given[name] for name in ("dilations", "group", "kernel_shape", "pads", "strides")}
    if node.kind == "Concat":
        return {"axis": _CHANNELS_LAST.index(int(str(given["axis"])) % 4)}
    if node.kind == "Flatten":
        return {"axis": given["axis"]}
    if node.kind in ("PRelu", "Add", "Gemm"):
        return {}
    raise UserError(f"the operation {node.kind} is not known; fetch a file of the catalogue")


def _real(stored: Weights, node: Node, position: int) -> NDArray[np.float32]:
    """Return an array as ONNX wants it, in real numbers."""
    values = stored.values
    if node.kind == "Conv" and position == 1:
        group = int(str(node.attributes["group"]))
        high, wide, a, b = stored.dims
        outputs, inside = (b, a) if group == 1 else (a, b)
        values = _unblocked(values, outputs, high, wide, inside, group > 1)
    elif node.kind == "Gemm" and position == 1:
        inside, outputs = stored.dims[-2:]
        values = _unblocked(values, outputs, 1, 1, inside, False).reshape(outputs, inside).T
    elif node.kind == "PRelu":
        values = values.reshape(-1, 1, 1)
    return np.ascontiguousarray(values.astype(np.float32) * np.float32(2.0**stored.exponent))


def _unblocked(
    values: NDArray[Any], outputs: int, high: int, wide: int, inside: int, depthwise: bool
) -> NDArray[np.int8]:
    """Return the filters [O,I,H,W] of blocks of output channels."""
    whole = outputs // BLOCK * BLOCK
    each = high * wide * inside
    blocks = values[: whole * each].reshape(-1, high, wide, inside, BLOCK).transpose(0, 4, 3, 1, 2)
    rest = values[whole * each :]
    if depthwise:
        last = rest.reshape(inside, high, wide, outputs - whole).transpose(3, 0, 1, 2)
    else:
        last = rest.reshape(outputs - whole, high, wide, inside).transpose(0, 3, 1, 2)
    return np.concatenate([blocks.reshape(whole, inside, high, wide), last])
