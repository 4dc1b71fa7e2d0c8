"""Values for tests, valid unless a test asks for something else."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from attendance.domain.faces import Box, Frame, Landmarks, Probe, Quality, Template
from attendance.domain.passage import Direction, Passage
from attendance.domain.reason import Reason
from attendance.service.ids import new_event_id

MODEL = "test-recogniser-v1"
NOON = datetime(2024, 5, 6, 12, 0, tzinfo=UTC)

BOX = Box(100, 100, 200, 240)

# Colours (BGR) that FakeAnalyser takes for faces.
ANNA = (200, 40, 40)
BERT = (40, 200, 40)
STRANGER = (40, 40, 200)
NOBODY = (0, 0, 0)


def vector_of(seed: Sequence[int], dim: int = 384) -> NDArray[np.float32]:
    """A unit vector that depends on `seed` only; two different ones are nearly orthogonal."""
    vector = np.random.default_rng(list(seed)).normal(size=dim)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def near(vector: NDArray[np.float32], cosine: float, seed: int = 0) -> NDArray[np.float32]:
    """Another unit vector at this cosine from `vector`."""
    other = np.random.default_rng([seed, 20_000]).normal(size=len(vector))
    other -= (other @ vector) * vector
    other /= np.linalg.norm(other)
    result: NDArray[np.float64] = cosine * vector.astype(np.float64) + np.sqrt(1 - cosine**2) * other
    return result.astype(np.float32)


def make_template(*seed: int, model_id: str = MODEL) -> Template:
    return Template(vector_of(seed or (1,)), model_id)


def make_quality(size: float = 120.0) -> Quality:
    return Quality(size=size, sharpness=300.0, brightness=120.0, contrast=50.0, yaw=0.0, visible=1.0)


def make_landmarks(box: Box) -> Landmarks:
    points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    return Landmarks(np.array([(box.x1 + x * box.width, box.y1 + y * box.height) for x, y in points], dtype=np.float32))


def make_probe(
    vector: NDArray[np.float32],
    *,
    box: Box = BOX,
    flaws: tuple[Reason, ...] = (),
    model_id: str = MODEL,
) -> Probe:
    """A probe of this embedding; with flaws it has no template, as the analyser makes them."""
    template = None if flaws else Template(vector, model_id)
    return Probe(box, make_landmarks(box), 0.9, make_quality(), flaws, template)


def make_image(colour: tuple[int, int, int], width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """One BGR colour all over."""
    return np.full((height, width, 3), colour, dtype=np.uint8)


def face(seed: int = 1, across: float = 0.0) -> NDArray[np.uint8]:
    """A smooth texture with the contrast of a face, moved by so many pixels."""
    rough = np.random.default_rng(seed).normal(128, 40, (15, 20, 1)).astype(np.float32).repeat(3, axis=2)
    smooth = cv2.resize(rough, (320, 240), interpolation=cv2.INTER_CUBIC)
    moved = cv2.warpAffine(smooth, np.float32([[1, 0, across], [0, 1, 0]]), (320, 240), borderMode=cv2.BORDER_REFLECT)
    return np.clip(moved, 0, 255).astype(np.uint8)


def coded(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def make_frame(colour: tuple[int, int, int], at: datetime = NOON, camera: str = "door") -> Frame:
    return Frame(make_image(colour), at, camera)


def make_photo(colour: tuple[int, int, int], form: str = "PNG") -> bytes:
    """The bytes of an image file of one BGR colour."""
    buffer = io.BytesIO()
    Image.fromarray(make_image(colour)[:, :, ::-1].copy()).save(buffer, form)
    return buffer.getvalue()


def make_passage(at: datetime = NOON, **changes: Any) -> Passage:
    """A granted passage of somebody erased since, so that it needs no person in the database."""
    values: dict[str, Any] = {
        "id": new_event_id(at),
        "at": at,
        "camera": "door",
        "person_id": None,
        "granted": True,
        "reason": Reason.MATCHED,
        "score": 0.6,
        "runner_up": None,
        "threshold": 0.4,
        "model_id": MODEL,
        "gallery_version": 1,
        "frames": 3,
        "direction": Direction.UNKNOWN,
    }
    return Passage(**values | changes)


def detector_heads(boxes: Sequence[tuple[float, float, float, float]], size: int) -> dict[str, NDArray[np.float32]]:
    """What a detector with an input of this size puts out for these faces: xyxy px, each at the cell of its centre."""
    cells = [(s, x, y) for s in (8, 16, 32) for y in range(size // s) for x in range(size // s)]
    bbox = np.ones((1, len(cells), 4), dtype=np.float32)
    obj = np.full((1, len(cells)), -20, dtype=np.float32)
    landmarks = np.zeros((1, len(cells), 10), dtype=np.float32)
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        stride = 16
        cell = cells.index((stride, int((x1 + x2) / 2) // stride, int((y1 + y2) / 2) // stride))
        x, y = ((index + 0.5) * stride for index in cells[cell][1:])
        bbox[0, cell] = np.array([x - x1, y - y1, x2 - x, y2 - y]) / stride
        obj[0, cell] = 8 - number
        landmarks[0, cell] = ((make_landmarks(Box(x1, y1, x2, y2)).points - [x, y]) / stride).ravel()
    return {"bbox": bbox, "obj": obj, "landmarks": landmarks}
