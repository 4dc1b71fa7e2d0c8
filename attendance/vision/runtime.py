"""A network behind one interface, whatever runtime it uses.

In: a card whose files were verified, and the runtime's name.  Out: a `Session`: array in, named arrays out.
Does not know: images, faces, preprocessing.
Main choice: one small interface over ONNX Runtime (default), OpenVINO and PyTorch, each imported
on demand.
Trade-off: special features of one runtime (quantised kernels, batching hints) stay behind the interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from attendance.errors import UserError, first_line
from attendance.vision.weights import Card, Kind, WeightsError

if TYPE_CHECKING:
    from torch import nn

Runtime: TypeAlias = Literal["onnxruntime", "torch", "openvino"]
Outputs: TypeAlias = dict[str, NDArray[np.float32]]

# What a graph must put out; a recogniser with one output may call it as it likes.
OUTPUTS: Mapping[Kind, tuple[str, ...]] = {
    "detector": ("bbox", "obj", "landmarks"),
    "recogniser": ("embedding",),
    "liveness": ("live",),
}


class Session(Protocol):
    def run(self, image: NDArray[np.float32]) -> Outputs:
        """image [N,3,H,W] as the card's preprocessing wants it → the outputs by name.

        Detector: bbox [N,A,4], obj [N,A], landmarks [N,A,10].  Recogniser: embedding [N,D].
        Liveness: live [N,1] logits; its image is two crops side by side (`vision/liveness`).
        """
        ...


def open_session(card: Card, folder: Path, runtime: str = "onnxruntime", threads: int = 0) -> Session:
    """Load a network from `folder`; `threads` 0 leaves their number to the runtime.

    Call `weights.verify` first: here the files are trusted.  WeightsError for files that the runtime
    cannot load or a graph with other outputs; UserError for a runtime that is not installed.
    """
    if runtime == "onnxruntime":
        return OnnxSession(card, folder, threads)
    if runtime == "torch":
        return TorchSession(card, folder, threads)
    if runtime == "openvino":
        return OpenVinoSession(card, folder, threads)
    raise UserError(f'there is no runtime "{runtime}": use onnxruntime, openvino or torch')


class OnnxSession:
    """ONNX Runtime on the CPU."""

    def __init__(self, card: Card, folder: Path, threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; warnings about folded casts say nothing to anybody
        # Idle threads would otherwise spin between frames and take the cores from camera and web site.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        path = folder / card.graph
        try:
            # By path, not by bytes: the graph's numbers lie in the .safetensors beside it.
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has its own exception for each way a graph can be wrong
            raise _cannot_load(path, "ONNX Runtime", error) from error
        self._input = self._session.get_inputs()[0].name
        self._names = _output_names(card, path, [output.name for output in self._session.get_outputs()])

    def run(self, image: NDArray[np.float32]) -> Outputs:
        values = self._session.run(list(self._names.values()), {self._input: image})
        return dict(zip(self._names, values, strict=True))


class OpenVinoSession:
    """OpenVINO on the CPU (extra `openvino`), in bfloat16 where the processor computes in it, else in float32.

    Said and not left to OpenVINO's own default, which differs between its versions.
    """

    def __init__(self, card: Card, folder: Path, threads: int = 0) -> None:
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise UserError('OpenVINO is not installed: pip install "attendance[openvino]"') from error
        path = folder / card.graph
        config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads:
            config["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            able = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            config["INFERENCE_PRECISION_HINT"] = self.precision = "bf16" if able else "f32"
            self._model = core.compile_model(str(path), "CPU", config)
        except Exception as error:  # OpenVINO raises RuntimeError of many kinds
            raise _cannot_load(path, "OpenVINO", error) from error
        self._names = _output_names(card, path, [output.any_name for output in self._model.outputs])

    def run(self, image: NDArray[np.float32]) -> Outputs:
        # A request of its own for each call: requests are not for several threads at once.
        result = self._model.create_infer_request().infer([image])
        return {name: np.array(result[theirs], dtype=np.float32) for name, theirs in self._names.items()}


class TorchSession:
    """PyTorch in eager mode on the CPU (extra `train`); our own two networks only.

    `threads` is PyTorch's number for the whole process.
    """

    def __init__(self, card: Card, folder: Path, threads: int = 0) -> None:
        path = folder / card.numbers
        if card.numbers not in card.sha256:
            raise WeightsError(f"{card.model_id} has no file {card.numbers}: use the runtime onnxruntime")
        try:
            import torch

            from attendance.models import DetectionModel, RecognitionModel
        except ModuleNotFoundError as error:
            raise UserError(f'{error.name} is not installed: pip install "attendance[train]"') from error
        if threads:
            torch.set_num_threads(threads)
        if card.kind == "detector":
            model: nn.Module = DetectionModel(weights=path)
        else:
            model = RecognitionModel(weights=path, input_size=card.input_size)
        self._torch, self._model, self._kind = torch, model.eval(), card.kind

    def run(self, image: NDArray[np.float32]) -> Outputs:
        with self._torch.inference_mode():
            result = self._model(self._torch.from_numpy(image))
        values = result if isinstance(result, Mapping) else {"embedding": result}
        return {name: values[name].numpy() for name in OUTPUTS[self._kind]}


def _output_names(card: Card, path: Path, found: Sequence[str]) -> dict[str, str]:
    """Our name of each output → the graph's."""
    wanted = OUTPUTS[card.kind]
    if set(wanted) <= set(found):
        return {name: name for name in wanted}
    if len(wanted) == len(found) == 1:
        return {wanted[0]: found[0]}
    raise WeightsError(f"{path} is not a {card.kind}: its outputs are {', '.join(found)}, not {', '.join(wanted)}")


def _cannot_load(path: Path, runtime: str, error: Exception) -> WeightsError:
    return WeightsError(
        f"{runtime} cannot load {path}: {first_line(error)}; export the network again, or use another runtime"
    )
