"""Trained weights → the graph that the doors serve.

In: a .safetensors file of one of our two networks.  Out: `<model_id>.onnx`, a graph whose fp16
initialisers point into `<model_id>.safetensors` beside it, checked against PyTorch.
Does not know: cards (`attendance.training.commands` writes them), images.
Main choice: one file of numbers with two readers.  Each initialiser is external data at the tensor's
offset, followed by a Cast to float32 that folds away on loading; nothing is stored twice.
"""

from __future__ import annotations

import json
import shutil
import struct
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from attendance.errors import UserError
from attendance.models.detector import DetectionModel
from attendance.models.liveness import LivenessModel
from attendance.models.recogniser import RecognitionModel
from attendance.vision.liveness import FAR_PX

TOLERANCE = 1e-4
_INPUT = "image"


class _Heads(nn.Module):
    """The detector with a tuple as output, because the exporter needs named outputs in order."""

    def __init__(self, net: DetectionModel) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heads = self.net(image)
        return heads["bbox"], heads["obj"], heads["landmarks"]


class _Embedding(nn.Module):
    """A network with one output."""

    def __init__(self, net: RecognitionModel | LivenessModel) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        answer: Tensor = self.net(image)
        return answer


def width_of(kind: str, size: int) -> int:
    """Return the width of an example image: a detector takes any, and a liveness network two crops."""
    return {"detector": size + 32, "liveness": size + FAR_PX}.get(kind, size)


def kind_of(weights: Path) -> str:
    """Return "detector", "recogniser" or "liveness" by the tensors' names; raise UserError for anything else."""
    names = tensor_offsets(weights)[0]
    if "live.weight" in names:
        return "liveness"
    if any(name.startswith("obj_head.") for name in names):
        return "detector"
    if "embed.weight" in names:
        return "recogniser"
    raise UserError(f"{weights} holds no network of this project")


def architecture_of(weights: Path) -> str:
    """Return what a card says of a detector's or recogniser's architecture, with the strides that the file has."""
    if kind_of(weights) == "recogniser":
        return "EfficientNet-B0 trunk, 4x4 grid head, 384-d unit embedding"
    strides = ", ".join(str(stride) for stride in DetectionModel(weights=weights).strides)
    return f"EfficientNet-B0 trunk, top-down neck (64), anchor-free heads at strides {strides}"


def tensor_offsets(path: Path) -> tuple[dict[str, tuple[int, int, list[int], str]], int]:
    """Return each tensor's (offset in the file, bytes, shape, dtype) by name, and the start of the data."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
    except (OSError, struct.error, ValueError, MemoryError) as error:
        raise UserError(f"cannot read weights from {path}: {error}") from error
    start = 8 + length
    tensors = {
        name: (
            start + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
            entry["shape"],
            entry["dtype"],
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }
    return tensors, start


def export(weights: Path, out: Path, model_id: str, size: int) -> float:
    """Write `<model_id>.onnx` and `<model_id>.safetensors` into `out`; return the largest difference to PyTorch.

    Raises UserError if the graph's outputs differ from PyTorch's by more than 1e-4.
    """
    kind = kind_of(weights)
    out.mkdir(parents=True, exist_ok=True)
    numbers = out / f"{model_id}.safetensors"
    if weights.resolve() != numbers.resolve():
        shutil.copyfile(weights, numbers)
    if kind == "detector":
        net: nn.Module = _Heads(DetectionModel(weights=numbers)).eval()
        names = ["bbox", "obj", "landmarks"]
        side_h, side_w = torch.export.Dim("h32", min=1, max=64), torch.export.Dim("w32", min=1, max=64)
        shapes = {"image": {0: torch.export.Dim("n", min=1, max=4096), 2: 32 * side_h, 3: 32 * side_w}}
    else:
        single = LivenessModel(numbers) if kind == "liveness" else RecognitionModel(weights=numbers, input_size=size)
        net = _Embedding(single).eval()
        names = ["live" if kind == "liveness" else "embedding"]
        shapes = {"image": {0: torch.export.Dim("n", min=1, max=4096)}}
    example = torch.rand(2, 3, size, width_of(kind, size)) * 255
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        program = torch.onnx.export(
            net,
            (example,),
            dynamo=True,
            input_names=[_INPUT],
            output_names=names,
            dynamic_shapes=shapes,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    graph = _point_into(program.model_proto, numbers)
    onnx.save(graph, str(out / f"{model_id}.onnx"))
    return _compare(net, out / f"{model_id}.onnx", names, size, kind)


def _point_into(model: onnx.ModelProto, numbers: Path) -> onnx.ModelProto:
    """Replace each initialiser that is stored in `numbers` by a pointer to it and a Cast."""
    offsets, _ = tensor_offsets(numbers)
    kept, casts = [], []
    for tensor in model.graph.initializer:
        name = tensor.name.removeprefix("net.")
        if name not in offsets:
            kept.append(tensor)
            continue
        offset, length, shape, _ = offsets[name]
        half = TensorProto(name=f"{tensor.name}.half", data_type=TensorProto.FLOAT16, dims=shape)
        half.data_location = TensorProto.EXTERNAL
        for key, value in (("location", numbers.name), ("offset", str(offset)), ("length", str(length))):
            half.external_data.add(key=key, value=value)
        kept.append(half)
        casts.append(helper.make_node("Cast", [half.name], [tensor.name], name=f"cast.{name}", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:], model.graph.value_info[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    model.producer_name, model.doc_string = "attendance", ""
    for node in model.graph.node:  # it holds stack traces of the exporting computer
        node.doc_string = ""
        del node.metadata_props[:]
    del model.metadata_props[:], model.graph.metadata_props[:]
    return model


def _compare(net: nn.Module, path: Path, names: list[str], size: int, kind: str) -> float:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    torch.manual_seed(0)
    worst = 0.0
    wide = width_of(kind, size) if kind == "liveness" else size
    sizes = [(1, size, wide), (2, size, wide), *([(1, size + 64, size)] if kind == "detector" else [])]
    for batch, height, width in sizes:
        image = torch.rand(batch, 3, height, width) * 255
        with torch.inference_mode():
            ours = net(image)
        theirs = session.run(names, {_INPUT: image.numpy()})
        for a, b in zip([ours] if isinstance(ours, Tensor) else ours, theirs, strict=True):
            worst = max(worst, float(np.abs(a.numpy() - b).max() / max(1.0, float(a.abs().max()))))
    if not worst <= TOLERANCE:
        raise UserError(f"the exported graph differs from PyTorch by {worst:.2g}, more than {TOLERANCE:g}")
    return worst
