"""The detector quantised to 8-bit integers, kept only if it is worth it.

In: the settings' detector, a data folder with true boxes.  Out: `<model_id>.onnx` with its card, or a UserError
that says what was lost.
Does not know: training; how a graph was exported.
Main choice: static quantisation (QDQ, signed weights by channel, ranges from training images), measured
before it is kept.  It must be faster on this computer and lose less than half a point of average precision.
Trade-off: a separate file, because PyTorch can no longer share the numbers.
Dynamic quantisation is slower on these networks (docs/LOG.md).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.errors import UserError
from attendance.evaluation.detector import measures, pictures
from attendance.evaluation.detector.detection_cache import cached_detections
from attendance.evaluation.detector.detectors import LOW_CONFIDENCE
from attendance.training import protocol
from attendance.training.labels import drawn_boxes
from attendance.vision import boxes as geometry
from attendance.vision.analyser import to_input
from attendance.vision.boxes import Detections
from attendance.vision.runtime import OnnxSession
from attendance.vision.serving import cards_for
from attendance.vision.weights import Card, save_card, sha256_of

SET = "facemask853"
CALIBRATION = 80  # images; each keeps every layer's answer in memory until the ranges are known
MOST_LOST = 0.005  # of average precision
ROUNDS = 25


@dataclass(frozen=True)
class Worth:
    """`ap`: at IoU 0.5 before and after; `milliseconds`: medians before and after, in turns."""

    ap: tuple[float, float]
    milliseconds: tuple[float, float]

    @property
    def words(self) -> str:
        (ap, ap8), (ms, ms8) = self.ap, self.milliseconds
        return f"AP {100 * ap:.2f} → {100 * ap8:.2f} %, {ms:.1f} → {ms8:.1f} ms ({ms8 / ms:.2f}×)"

    @property
    def kept(self) -> bool:
        # Written so that NaN fails.
        return self.ap[0] - self.ap[1] < MOST_LOST and self.milliseconds[1] < self.milliseconds[0]


def quantise(settings: Settings, data: Path, out: Path, model_id: str) -> Worth:
    """Calibrate, measure, and write graph and card into `out`; raise UserError and write nothing if not worth it."""
    if (out / f"{model_id}.json").exists():
        raise UserError(f"{out / model_id}.json exists already: choose another --id")
    card, folder = cards_for(settings)[0], settings.models.weights
    size, threads = settings.detector.input_size, settings.models.threads
    measured, shown = _pictures(data)
    with tempfile.TemporaryDirectory(prefix="attendance-int8-") as work:
        candidate = replace(card, model_id=model_id, sha256={f"{model_id}.onnx": "0" * 64})
        _write(folder / card.graph, Path(work), candidate, shown, size)
        before, after = OnnxSession(card, folder, threads), OnnxSession(candidate, Path(work), threads)
        ap = [
            _average_precision(_GraphDetector(of_graph, session, size), measured, size)
            for of_graph, session in ((card, before), (candidate, after))
        ]
        worth = Worth((ap[0], ap[1]), _in_turns(before, after, to_input(_canvas(shown[0], size), card.preprocess)))
        if not worth.kept:
            raise UserError(f"int8 is not worth it here: {worth.words}; stay with {card.model_id}")
        _keep(Path(work), out, candidate, card, worth, size)
    return worth


def _pictures(data: Path) -> tuple[list[pictures.Picture], list[NDArray[np.uint8]]]:
    """Return the images to measure on, and some that training may use."""
    listed = data / "labels" / "true_boxes.tsv"
    if not listed.is_file():
        raise UserError(f"there is no {listed}: the detector cannot be measured without true boxes")
    ours = [drawn.path for drawn in drawn_boxes(data, SET) if not protocol.is_measured(SET, drawn.path, "")]
    chosen = np.random.default_rng(0).permutation(len(ours))[:CALIBRATION]
    images = [cv2.imread(str(data / ours[index])) for index in sorted(chosen)]
    shown = [np.asarray(image, np.uint8) for image in images if image is not None]
    measured = pictures.true_boxes(data, SET)
    if not shown or not measured:
        raise UserError(f"{data} holds no images of {SET} to calibrate and measure with")
    return measured, shown


def _canvas(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    return geometry.letterbox(image, size)[0]


def _write(graph: Path, work: Path, card: Card, shown: Sequence[NDArray[np.uint8]], size: int) -> None:
    """Write `<work>/<model_id>.onnx`, quantised."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Shown(CalibrationDataReader):  # type: ignore[misc]  # comes without types
        def __init__(self, name: str) -> None:
            self._left: Iterator[dict[str, NDArray[np.float32]]] = (
                {name: to_input(_canvas(image, size), card.preprocess)} for image in shown
            )

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self._left, None)

    plain, ready = work / "plain.onnx", work / "ready.onnx"
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC  # folds the fp16 casts
    options.optimized_model_filepath = str(plain)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
    quantize_static(
        str(ready),
        str(work / card.graph),
        Shown(onnx.load(str(ready), load_external_data=False).graph.input[0].name),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )


class _GraphDetector:
    """A graph behind the same decoder as at the door."""

    def __init__(self, card: Card, session: OnnxSession, size: int) -> None:
        self.name, self.key, self.confidence = card.model_id, card.sha256[card.graph], LOW_CONFIDENCE
        self._card, self._session, self._size = card, session, size

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        canvas, scale, pad = geometry.letterbox(image, self._size)
        heads = self._session.run(to_input(canvas, self._card.preprocess))
        boxes, scores, points = geometry.decode(
            heads["bbox"][0], heads["obj"][0], heads["landmarks"][0], (self._size, self._size), LOW_CONFIDENCE
        )
        boxes = geometry.clip_boxes(geometry.unletterbox(boxes, scale, pad), *image.shape[:2])
        there = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])  # else it lies in the letterbox's grey rim
        return Detections(boxes[there], scores[there], geometry.unletterbox(points, scale, pad)[there])


def _average_precision(detector: _GraphDetector, measured: Sequence[pictures.Picture], size: int) -> float:
    results = cached_detections(measured, detector, size, SET, None)
    return measures.Curve(measured, results).average_precision()


def _in_turns(before: OnnxSession, after: OnnxSession, image: NDArray[np.float32]) -> tuple[float, float]:
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for session, times in zip((before, after), took, strict=True):
            begun = perf_counter()
            session.run(image)
            times.append((perf_counter() - begun) * 1000)
    return float(np.median(took[0][2:])), float(np.median(took[1][2:]))


def _keep(work: Path, out: Path, candidate: Card, card: Card, worth: Worth, size: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    data = (work / candidate.graph).read_bytes()
    part = out / f"{candidate.graph}.part"
    part.write_bytes(data)
    part.replace(out / candidate.graph)
    metrics: dict[str, Any] = {
        "quantised_from": card.model_id,
        "protocol": f"{SET}, kept from training, AP at IoU 0.5, input {size} px; medians of {ROUNDS - 2} in turns",
        "ap50": {"before": round(worth.ap[0], 4), "after": round(worth.ap[1], 4)},
        "ms": {"before": round(worth.milliseconds[0], 2), "after": round(worth.milliseconds[1], 2)},
    }
    save_card(
        replace(
            candidate,
            architecture=f"{card.architecture}; int8",
            sha256={candidate.graph: sha256_of(out / candidate.graph)},
            metrics=metrics,
            created=datetime.now(UTC).date().isoformat(),
        ),
        out,
    )
