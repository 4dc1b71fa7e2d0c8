"""A network behind one interface, whatever runtime it uses.

In: a card whose files were verified, and the runtime's name.  Out: a `Session`: array in, named arrays out.
Does not know: images, faces, preprocessing.
Main choice: one small interface over ONNX Runtime, OpenVINO and PyTorch, each imported
on demand.  «auto» measures on this processor, and trusts only a runtime that answers as ONNX Runtime does, by which
the cards' numbers were measured.
Trade-off: special features of one runtime (quantised kernels, batching hints) stay behind the interface.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from attendance.errors import UserError, first_line
from attendance.vision.weights import Card, Kind, WeightsError

if TYPE_CHECKING:
    from torch import nn

Runtime: TypeAlias = Literal["auto", "onnxruntime", "torch", "openvino"]
Outputs: TypeAlias = dict[str, NDArray[np.float32]]

# Answers in bfloat16 are up to a hundredth apart.
MOST_DIFFERENT = 0.03
TRIES = 5

log = logging.getLogger(__name__)

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
    if runtime == "auto":
        return open_fastest(card, folder, threads)
    if runtime == "onnxruntime":
        return OnnxSession(card, folder, threads)
    if runtime == "torch":
        return TorchSession(card, folder, threads)
    if runtime == "openvino":
        return OpenVinoSession(card, folder, threads)
    raise UserError(f'there is no runtime "{runtime}": use auto, onnxruntime, openvino or torch')


def open_fastest(card: Card, folder: Path, threads: int = 0) -> Session:
    """Return the session of OpenVINO where it is installed, right and faster on this processor, else ONNX Runtime's.

    Both answer the same picture in turns.  A liveness network is too small to be worth it.  WeightsError as
    `open_session`.
    """
    ours = OnnxSession(card, folder, threads)
    if card.kind == "liveness" or importlib.util.find_spec("openvino") is None:
        return ours
    try:
        other = OpenVinoSession(card, folder, threads)
        image = _reference_image(card)
        wanted, found = ours.run(image), other.run(image)
        worst = max(_difference(found[name], wanted[name]) for name in wanted)
        if not worst <= MOST_DIFFERENT:  # NaN fails too
            log.warning("%s: OpenVINO answers otherwise (%.2g), so ONNX Runtime is used", card.model_id, worst)
            return ours
        took = _in_turns((ours, other), image)
    except Exception as error:  # whatever a runtime that is only an offer does, the door works without it
        log.warning("%s: OpenVINO cannot be used (%s), so ONNX Runtime is", card.model_id, first_line(error))
        return ours
    better = other if took[1] < took[0] else ours
    log.info(
        "%s: ONNX Runtime takes %.1f ms, OpenVINO %.1f: %s is used",
        card.model_id, took[0] * 1000, took[1] * 1000, "OpenVINO" if better is other else "ONNX Runtime",
    )  # fmt: skip
    return better


def _reference_image(card: Card) -> NDArray[np.float32]:
    """Return a picture [1,3,H,W] of soft patches, the same every time, as the card's preprocessing wants it."""
    size = card.input_size
    patches = np.random.default_rng(0).uniform(0, 255, (3, size // 8 + 1, size // 8 + 1))
    picture = patches.repeat(8, axis=1).repeat(8, axis=2)[None, :, :size, :size]
    mean, std = (np.reshape(one, (-1, 1, 1)) for one in (card.preprocess.mean, card.preprocess.std))
    return np.ascontiguousarray((picture - mean) / std, dtype=np.float32)


def _difference(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Return how far the answers are apart, as a share of their length."""
    if found.shape != wanted.shape:
        return float("inf")
    return float(np.linalg.norm(found - wanted) / max(float(np.linalg.norm(wanted)), 1e-9))


def _in_turns(sessions: Sequence[Session], image: NDArray[np.float32]) -> list[float]:
    """Return the shortest of `TRIES` runs of each, in seconds: what else the computer does only adds."""
    took = [float("inf")] * len(sessions)
    for _ in range(TRIES):
        for place, session in enumerate(sessions):
            begun = perf_counter()
            session.run(image)
            took[place] = min(took[place], perf_counter() - begun)
    return took


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
