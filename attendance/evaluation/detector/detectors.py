"""Detectors to compare: the settings' own, through the path of the door, and the peers that a user brings.

In: a BGR image.  Out: `Detections`, best score first, boxes inside the image.
Does not know: labels, measures.
Main choice: every detector sees the same picture at the same size, so that a difference comes from the
network and not from the resizing.
Trade-off: a peer is not measured in the frame that its authors would build around it.  Theirs are the black
rim (grey for ours; it changes AP by less than a point), the overlap limits 0.3 (YuNet) and 0.4 (SCRFD), and
the working confidences 0.9 and 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.errors import UserError, first_line
from attendance.vision import boxes as geometry
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.boxes import Detections
from attendance.vision.serving import analyser_for, cards_for
from attendance.vision.weights import sha256_of

SCRFD_STRIDES = (8, 16, 32)
LOW_CONFIDENCE = 0.02  # average precision needs the whole curve


class FaceDetector(Protocol):
    """A detector at one input size.  `key` changes with its weights; `confidence` is its working confidence."""

    name: str
    key: str
    confidence: float

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """Return all faces that score at least `LOW_CONFIDENCE`."""
        ...


class ServedDetector:
    """The detector that the settings name, through `FaceAnalyser.detect` as at the door."""

    def __init__(self, settings: Settings, size: int) -> None:
        card = cards_for(settings)[0]
        wanted = {"confidence": LOW_CONFIDENCE, "input_size": size}
        changed = settings.model_copy(update={"detector": settings.detector.model_copy(update=wanted)})
        self._analyser: FaceAnalyser = analyser_for(changed)
        self.name, self.confidence = card.model_id, settings.detector.confidence
        self.key = card.sha256.get(card.numbers, card.sha256[card.graph])

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        faces = self._analyser.detect(image)
        rows = [[face.box.x1, face.box.y1, face.box.x2, face.box.y2] for face in faces]
        return _best_first(
            np.array(rows, np.float32).reshape(-1, 4),
            np.array([face.score for face in faces], np.float32),
            np.array([face.landmarks.points for face in faces], np.float32).reshape(-1, 5, 2),
        )


class YuNet:
    """YuNet (Wu et al., 2023) as OpenCV runs it."""

    confidence = 0.9

    def __init__(self, path: Path, size: int) -> None:
        self.name, self.key, self._size = path.stem, sha256_of(path), size
        # OpenCV would warn about each network that its new engine runs on the processor.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:
            self._net = cv2.FaceDetectorYN.create(str(path), "", (size, size), LOW_CONFIDENCE, 0.3, 5000)
        except cv2.error as error:
            raise _unusable(path, error) from error

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        canvas, scale, pad = _black_rimmed(image, self._size)
        given: Any = self._net.detect(canvas)[1]  # None when nothing is found, whatever OpenCV's types say
        if given is None:
            return Detections.nothing()
        rows: NDArray[np.float32] = given[np.isfinite(given).all(axis=1)].astype(np.float32)
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return _on_the_image(image, boxes, rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2), scale, pad)


class Scrfd:
    """SCRFD with five points (Guo et al., 2021): three strides, two anchors a cell, distances in strides."""

    confidence = 0.5

    def __init__(self, path: Path, size: int, threads: int = 0) -> None:
        self.name, self.key, self._size = path.stem, sha256_of(path), size
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(_resized(path, size), options)
        except Exception as error:  # ONNX Runtime has its own exception for each way a graph can be wrong
            raise _unusable(path, error) from error
        self._input = self._session.get_inputs()[0].name

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        canvas, scale, pad = _black_rimmed(image, self._size)
        values = (canvas[..., ::-1].astype(np.float32) - 127.5) / 128
        names = [f"{kind}_{stride}" for stride in SCRFD_STRIDES for kind in ("score", "bbox", "kps")]
        outputs = self._session.run(names, {self._input: np.ascontiguousarray(values.transpose(2, 0, 1)[None])})
        parts = []
        for stride, score, reach, points in zip(SCRFD_STRIDES, *(outputs[i::3] for i in range(3)), strict=True):
            side = self._size // stride
            y, x = np.mgrid[0:side, 0:side]
            corner = np.repeat(np.stack([x.ravel(), y.ravel()], 1), 2, axis=0).astype(np.float32) * stride
            chosen = np.flatnonzero(score.reshape(-1) >= LOW_CONFIDENCE)
            start, far = corner[chosen], reach.reshape(-1, 4)[chosen] * stride
            boxes = np.concatenate([start - far[:, :2], start + far[:, 2:]], axis=1)
            five = start[:, None] + points.reshape(-1, 5, 2)[chosen] * stride
            parts.append((boxes, score.reshape(-1)[chosen], five))
        boxes, scores, five = (np.concatenate(part).astype(np.float32) for part in zip(*parts, strict=True))
        kept = geometry.nms(boxes, scores, 0.4)
        return _on_the_image(image, boxes[kept], scores[kept], five[kept], scale, pad)


def peers(paths: Sequence[Path], size: int, threads: int = 0) -> list[FaceDetector]:
    """Return the peers among these ONNX files and folders, recognised by their graphs' outputs.

    YuNet is published in three sizes: of several files of one kind in a folder, take the one with a free input
    size.  Raise UserError for a file that is not a known peer, and for a folder without any.
    """
    known: list[FaceDetector] = []
    for path in paths:
        files = sorted(path.rglob("*.onnx")) if path.is_dir() else [path]
        kinds: dict[str, Path] = {}
        for file in files:
            kind, free = _kind(file)
            if kind and (free or kind not in kinds):
                kinds[kind] = file
        if not kinds:
            raise UserError(f"--peers: {path} is neither YuNet nor SCRFD with five points, as ONNX; name another file")
        if "yunet" in kinds:
            known.append(YuNet(kinds["yunet"], size))
        if "scrfd" in kinds:
            known.append(Scrfd(kinds["scrfd"], size, threads))
    return known


def _kind(path: Path) -> tuple[str, bool]:
    """Return ("yunet", "scrfd" or "", whether the input's size is free)."""
    import onnx

    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except Exception as error:  # protobuf's own kinds of errors, and the file system's
        raise _unusable(path, error) from error
    names = {output.name for output in graph.output}
    free = any(not dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim[2:])
    if {"cls_8", "obj_8", "bbox_8", "kps_8"} <= names:
        return "yunet", free
    if {f"{kind}_{stride}" for kind in ("score", "bbox", "kps") for stride in SCRFD_STRIDES} <= names:
        return "scrfd", free
    return "", False


def _resized(path: Path, size: int) -> bytes:
    """Return the graph for another square input: it is published for one size, which two upsamplings contain."""
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    sides = graph.input[0].type.tensor_type.shape.dim[2:]
    published = sides[1].dim_value
    if not published:
        return bytes(model.SerializeToString())
    constants = {each.name: each for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Resize" and len(node.input) > 3 and node.input[3] in constants:
            to = onnx.numpy_helper.to_array(constants[node.input[3]]).copy()
            to[2:] = to[2:] * size // published
            constants[node.input[3]].CopyFrom(onnx.numpy_helper.from_array(to, node.input[3]))
    for side in sides:
        side.dim_value = size
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    del graph.value_info[:]
    return bytes(model.SerializeToString())


def _black_rimmed(image: NDArray[np.uint8], size: int) -> tuple[NDArray[np.uint8], float, tuple[float, float]]:
    """Do as `letterbox`, on black."""
    canvas, scale, pad = geometry.letterbox(image, size)
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    left, top = (size - width) // 2, (size - height) // 2
    black = np.zeros_like(canvas)
    black[top : top + height, left : left + width] = canvas[top : top + height, left : left + width]
    return black, scale, pad


def _on_the_image(
    image: NDArray[np.uint8],
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    points: NDArray[np.float32],
    scale: float,
    pad: tuple[float, float],
) -> Detections:
    boxes = geometry.clip_boxes(geometry.unletterbox(boxes, scale, pad), *image.shape[:2])
    there = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return _best_first(boxes[there], scores[there], geometry.unletterbox(points[there], scale, pad))


def _best_first(boxes: NDArray[np.float32], scores: NDArray[np.float32], points: NDArray[np.float32]) -> Detections:
    order = np.argsort(-scores, kind="stable")
    return Detections(boxes[order], scores[order], points[order])


def _unusable(path: Path, error: Any) -> UserError:
    return UserError(f"--peers: cannot load {path}: {first_line(error)}")
