"""Labelled images → training scenes for the detector.

In: a data folder (`labels/<set>.npz`, `labels/true_boxes.tsv`, images, `labels/face_free.txt`).  Out: scenes uint8 RGB
[S,S,3] with boxes [G,4], landmarks [G,5,2] and whether each box is sure.
Does not know: networks, losses.
Main choice: a scene is a crop at the scale that the network will meet, not a whole image made small.
Training at 160 px therefore shows the same faces as serving at 256 px, at 40 % of the cost.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.training import protocol
from attendance.training.labels import drawn_boxes
from attendance.vision.boxes import iou_matrix

LONGEST = 320
# Images a set contributes: loose photographs with background teach more than tight crops.
QUOTA = {
    "celeba_wild": 6000,
    "facemask853": 1000,
    "net7876": 5000,
    "utkface": 2500,
    "celeba_crops": 2500,
    "generated_a": 500,
    "generated_b": 700,
}
# How often the list holds a set's scenes: crowds are few, and every face of theirs was boxed by people.
REPEATED = {"facemask853": 3}
CROWDS = "facemask853"
MANY = 3  # a picture of so many faces is shown from afar: its faces are a fifth as high at most
# For so many photographs of 1 every face height is alike likely; for the others every octave, so that few are near.
NEAR = 0.5
SAME_FACE = 0.4  # IoU from which a machine's box is the one that a person drew
TURN = 0.4  # rad
NOD = 0.25  # of the distance from eyes to mouth
DRAWN_HEIGHT = 0.91  # height of a drawn box in that of a machine's: the data's README


@dataclass(frozen=True)
class Scene:
    """One decoded image with its faces, in its own pixels.

    image uint8 RGB [H,W,3] · boxes [G,4] xyxy · points [G,5,2], not a number where nobody labelled them ·
    sure [G]: False where it is neither to be learned nor to be punished.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    sure: NDArray[np.bool_]


NOBODY: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]] = (
    np.zeros((0, 4), np.float32),
    np.zeros((0, 5, 2), np.float32),
    np.zeros(0, bool),
)


def _load(
    data: Path, path: str, boxes: NDArray[np.float32], points: NDArray[np.float32], sure: NDArray[np.bool_]
) -> Scene | None:
    image = cv2.imread(str(data / path))
    if image is None:
        return None
    scale = min(1.0, LONGEST / max(image.shape[:2]))
    if len(boxes) and (boxes[:, 3] - boxes[:, 1]).max() * scale < 48:  # small faces: keep the pixels
        scale = min(1.0, 2 * LONGEST / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Scene(np.ascontiguousarray(image[..., ::-1]), boxes * scale, points * scale, sure)


def with_drawn(
    drawn: NDArray[np.float32], boxes: NDArray[np.float32], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Correct a machine's faces [G,4], [G,5,2] by boxes that people drew around every face [D,4].

    A face that the machine missed is added, without landmarks; one that nobody drew is not sure.
    """
    overlap = iou_matrix(boxes, drawn)
    seen, missed = overlap.max(1, initial=0) >= SAME_FACE, drawn[overlap.max(0, initial=0) < SAME_FACE]
    higher = (missed[:, 3:] - missed[:, 1:2]) * (1 / DRAWN_HEIGHT - 1) / 2
    missed = missed + higher * np.array([[0, -1, 0, 1]], np.float32)
    return (
        np.concatenate([boxes, missed]).astype(np.float32),
        np.concatenate([points, np.full((len(missed), 5, 2), np.nan)]).astype(np.float32),
        np.concatenate([seen, np.ones(len(missed), bool)]),
    )


@lru_cache(maxsize=1)  # several short runs in one process (`ablation`) read the images once
def load_scenes(data: Path, seed: int = 0) -> tuple[list[Scene], list[Scene]]:
    """Return (scenes with faces, scenes without), decoded, without any image that is kept for measuring."""
    random = np.random.default_rng(seed)
    celeba = protocol.celeba_identities(data)
    complete = {row.path: row.boxes for row in drawn_boxes(data, CROWDS) if row.complete}
    jobs, repeated = [], []
    for set_name, quota in QUOTA.items():
        source = data / "labels" / f"{set_name}.npz"
        if not source.exists():
            continue
        labels = np.load(source)
        arrays = {key: labels[key] for key in labels}
        rows_of: dict[int, list[int]] = {}
        for row, image in enumerate(arrays["image"]):
            rows_of.setdefault(int(image), []).append(row)
        for image in random.permutation(len(arrays["path"]))[:quota]:
            path = arrays["path"][image].decode()
            if (
                protocol.is_measured(set_name, path, protocol.identity_of(set_name, path, celeba))
                or image not in rows_of
            ):
                continue
            rows = rows_of[int(image)]
            boxes, points = arrays["box"][rows].astype(np.float32), arrays["landmarks"][rows].astype(np.float32)
            sure = arrays["score"][rows].astype(np.float32) >= 0.5
            if path in complete:
                boxes, points, sure = with_drawn(complete[path], boxes, points)
            jobs += [(data, path, boxes, points, sure)]
            repeated += [REPEATED.get(set_name, 1)]
    free = data / "labels" / "face_free.txt"
    # The last tenth of the face-free scenes is kept for measuring false positives.
    names = [n for i, n in enumerate(free.read_text().split("\n")) if n and i % 10 != 9] if free.exists() else []
    with ThreadPoolExecutor(2) as pool:
        faces = list(tqdm(pool.map(lambda job: _load(*job), jobs), total=len(jobs), desc="scenes", mininterval=5))
        empty = list(pool.map(lambda name: _load(data, name, *NOBODY), names))
    shown = [scene for scene, often in zip(faces, repeated, strict=True) if scene is not None for _ in range(often)]
    return shown, [s for s in empty if s is not None]


@dataclass(frozen=True)
class Parts:
    """What scenes are made of: several photographs pasted, scenes and pieces without a face, light and noise;
    `cover`: how many faces of 1 get a patch laid over a part of them; `masks`: how many get a mask drawn on;
    `turned`: how many photographs of 1 are turned by up to TURN; `nodded`: in how many a face's parts are moved
    up or down against each other; `poor`: how many scenes of 1 are dark, and how many blurred."""

    paste: bool = True
    negatives: bool = True
    photometric: bool = True
    cover: float = 0.08
    masks: float = 0.2
    turned: float = 0.5
    nodded: float = 0.0  # taught little and cost faces (docs/LOG.md)
    poor: float = 0.25


class Composer:
    """Random training scenes of one size."""

    def __init__(
        self, faces: list[Scene], empty: list[Scene], low: float = 8, high: float = 150, parts: Parts = Parts()
    ) -> None:
        self.faces, self.low, self.high, self.parts = faces, low, high, parts
        self.empty = empty if parts.negatives else []

    def compose(self, size: int, random: np.random.Generator) -> Scene:
        """Compose a scene [size,size,3]: no face, one photograph, or several pasted into a background."""
        canvas = self._background(size, random)
        kind = random.random()
        if self.empty and random.random() < 0.4:
            self._paste_object(canvas, random)
        if self.empty and kind < 0.2:
            return Scene(self._light(canvas, random.uniform(8, self.high), random), *NOBODY)
        number = 1 if kind < 0.68 or not self.parts.paste else int(random.integers(2, 5))
        boxes, points, sure = NOBODY
        high = self.high if number == 1 else self.high / 2
        for _ in range(number):
            scene = self.faces[int(random.integers(len(self.faces)))]
            patch, new_boxes, new_points, window = self._place(scene, size, high, random)
            x0, y0, x1, y1 = window
            canvas[y0:y1, x0:x1] = patch
            if len(boxes):  # what the new patch covers is gone, or half gone: then nobody can say
                hidden = _covered(boxes, np.array(window, np.float32))
                boxes, points, sure = boxes[hidden < 0.7], points[hidden < 0.7], (sure & (hidden < 0.25))[hidden < 0.7]
            inside = _covered(new_boxes, np.array(window, np.float32))
            keep = inside > 0.25
            visible = scene.sure[keep] & (inside[keep] > 0.6) & (np.diff(new_boxes[keep][:, 1::2]).ravel() >= 7)
            boxes = np.concatenate([boxes, new_boxes[keep]])
            points = np.concatenate([points, new_points[keep]])
            sure = np.concatenate([sure, visible])
        image = canvas
        for box, face in zip(boxes[sure], points[sure], strict=True):
            if random.random() < self.parts.masks and np.isfinite(face).all():
                _mask(image, face, random)
            if random.random() < self.parts.cover:
                _cover(image, box, random)
        if random.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
            boxes = np.stack([size - boxes[:, 2], boxes[:, 1], size - boxes[:, 0], boxes[:, 3]], 1)
            points = points[:, [1, 0, 2, 4, 3]].copy()  # mirrored: left and right change places
            points[..., 0] = size - points[..., 0]
        smallest = float(np.diff(boxes[:, 1::2]).min(initial=size))
        return Scene(self._light(image, smallest, random), boxes.astype(np.float32), points.astype(np.float32), sure)

    def _light(self, image: NDArray[np.uint8], height: float, random: np.random.Generator) -> NDArray[np.uint8]:
        return _photometric(image, height, self.parts.poor, random) if self.parts.photometric else image

    def _background(self, size: int, random: np.random.Generator) -> NDArray[np.uint8]:
        if not self.empty or random.random() < 0.3:
            return np.full((size, size, 3), 114, np.uint8)
        image = self.empty[int(random.integers(len(self.empty)))].image
        side = min(image.shape[:2])
        side = int(random.integers(min(side, size // 2), side + 1))
        y, x = (int(random.integers(0, n - side + 1)) for n in image.shape[:2])
        return cv2.resize(image[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_LINEAR).astype(
            np.uint8
        )

    def _paste_object(self, canvas: NDArray[np.uint8], random: np.random.Generator) -> None:
        """Lay one or two pieces without a face over the canvas: a pasted edge alone must not mean a face."""
        size = len(canvas)
        for _ in range(int(random.integers(1, 3))):
            image = self.empty[int(random.integers(len(self.empty)))].image
            high, wide = (int(n) for n in random.integers(size // 8, size * 3 // 4, 2))
            y, x = int(random.integers(0, size - high + 1)), int(random.integers(0, size - wide + 1))
            canvas[y : y + high, x : x + wide] = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)

    def _place(self, scene: Scene, size: int, high: float, random: np.random.Generator):  # type: ignore[no-untyped-def]
        """Scale a photograph so that one of its faces has a random height, and lay it over the canvas."""
        chosen = int(random.integers(len(scene.boxes)))
        if random.random() < self.parts.nodded:
            scene = _nodded(scene, chosen, random)
        if random.random() < self.parts.turned:
            scene = _turned(scene, chosen, float(random.uniform(-TURN, TURN)))
        x1, y1, x2, y2 = scene.boxes[chosen]
        if len(scene.boxes) >= MANY:
            high = max(2 * self.low, high / 5)
        if len(scene.boxes) < MANY and random.random() < NEAR:
            height = float(random.uniform(self.low, high))
        else:
            height = float(np.exp(random.uniform(np.log(self.low), np.log(high))))
        scale = min(height / max(4.0, y2 - y1), 2.5)  # a small face blown up teaches only blur
        matrix_x, matrix_y = random.uniform(0.15, 0.85, 2) * size
        dx, dy = matrix_x - (x1 + x2) / 2 * scale, matrix_y - (y1 + y2) / 2 * scale
        shape = scene.image.shape
        new_w, new_h = max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))
        x0, y0 = round(dx), round(dy)
        window = (max(0, x0), max(0, y0), min(size, x0 + new_w), min(size, y0 + new_h))
        left, top = int((window[0] - x0) / scale), int((window[1] - y0) / scale)
        right = min(shape[1], int(np.ceil((window[2] - x0) / scale)) + 1)
        bottom = min(shape[0], int(np.ceil((window[3] - y0) / scale)) + 1)
        part = scene.image[top:bottom, left:right]
        matrix = np.array(
            [[scale, 0, left * scale + x0 - window[0]], [0, scale, top * scale + y0 - window[1]]], np.float32
        )
        target = (window[2] - window[0], window[3] - window[1])
        if scale < 0.7:
            part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
            matrix[:, :2] = np.eye(2)
        patch = cv2.warpAffine(part, matrix, target, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        offset = np.array([x0, y0], np.float32)
        return patch, scene.boxes * scale + np.tile(offset, 2), scene.points * scale + offset, window


def _turned(scene: Scene, chosen: int, angle: float) -> Scene:
    """Turn a photograph by `angle`, rad, about one of its faces.

    Most heads are upright, and a network that sees no others places the eyes level (docs/LOG.md).
    The new boxes surround the turned ellipses.
    """
    x1, y1, x2, y2 = scene.boxes[chosen]
    matrix = cv2.getRotationMatrix2D((float(x1 + x2) / 2, float(y1 + y2) / 2), float(np.degrees(angle)), 1.0)
    height, width = scene.image.shape[:2]
    image = cv2.warpAffine(scene.image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    turn, shift = matrix[:, :2].T.astype(np.float32), matrix[:, 2].astype(np.float32)
    centres = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2 @ turn + shift
    half = (scene.boxes[:, 2:] - scene.boxes[:, :2]) / 2
    half = np.sqrt((half * np.cos(angle)) ** 2 + (half[:, ::-1] * np.sin(angle)) ** 2)
    boxes = np.concatenate([centres - half, centres + half], 1).astype(np.float32)
    return Scene(image, boxes, (scene.points @ turn + shift).astype(np.float32), scene.sure)


def _nodded(scene: Scene, chosen: int, random: np.random.Generator) -> Scene:
    """Move the rows around one face's nose up or down, as a nod moves the nose against the eyes.

    Most faces look straight ahead, and a network that sees no others places every nose at the same height
    between eyes and mouth.  docs/LOG.md says what this teaches, and costs.
    """
    eyes, mouth = scene.points[chosen, :2, 1].mean(), scene.points[chosen, 3:, 1].mean()
    apart = float(mouth - eyes)
    if not apart > 4:  # lying or upside down, very small, or nobody said where they are
        return scene
    middle = float(random.uniform(eyes, mouth))
    width, shift = apart * random.uniform(0.5, 0.8), apart * random.uniform(-NOD, NOD)

    def moved(rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        return np.asarray(rows + shift * np.exp(-(((rows - middle) / width) ** 2)), np.float32)

    height, width_of = scene.image.shape[:2]
    rows = np.arange(height, dtype=np.float32)
    source = np.interp(rows, moved(rows), rows).astype(np.float32)
    columns = np.arange(width_of, dtype=np.float32)
    grid = (np.broadcast_to(columns, (height, width_of)), np.broadcast_to(source[:, None], (height, width_of)))
    image = cv2.remap(scene.image, np.ascontiguousarray(grid[0]), np.ascontiguousarray(grid[1]), cv2.INTER_LINEAR)
    boxes, points = scene.boxes.copy(), scene.points.copy()
    boxes[:, 1::2], points[..., 1] = moved(boxes[:, 1::2]), moved(points[..., 1])
    return Scene(image.astype(np.uint8, copy=False), boxes, points, scene.sure)


def _cover(image: NDArray[np.uint8], box: NDArray[np.float32], random: np.random.Generator) -> None:
    """Lay a patch of one colour over a third of a face at most: a hand, a scarf, a telephone."""
    x1, y1, x2, y2 = (int(side) for side in box)
    wide, high = (max(1, int(side * random.uniform(0.25, 0.6))) for side in (x2 - x1, y2 - y1))
    x, y = (max(0, int(random.integers(low, max(low + 1, far)))) for low, far in ((x1, x2 - wide), (y1, y2 - high)))
    image[y : y + high, x : x + wide] = random.integers(0, 256, 3)


def _mask(image: NDArray[np.uint8], points: NDArray[np.float32], random: np.random.Generator) -> None:
    """Draw a mask of one colour over nose, mouth and chin of a face with landmarks [5,2]."""
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    across, down = points[1] - points[0], mouth - eyes
    top = random.uniform(0.35, 0.7)
    outline = [eyes + top * down, eyes + across * 0.95 + (top + 0.15) * down, mouth + across * 0.65 + 0.35 * down]
    outline += [mouth + 0.8 * down, mouth - across * 0.65 + 0.35 * down, eyes - across * 0.95 + (top + 0.15) * down]
    colour = random.uniform(0, 256, 3) if random.random() < 0.5 else np.full(3, random.uniform(0, 256))
    corners = np.clip(np.array(outline) * 16, -(2**20), 2**20).astype(np.int32)
    cv2.fillPoly(image, [corners], colour.tolist(), cv2.LINE_AA, 4)


def _covered(boxes: NDArray[np.float32], window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the share of each box [G,4] inside the window."""
    low, high = np.maximum(boxes[:, :2], window[:2]), np.minimum(boxes[:, 2:], window[2:])
    shared = np.clip(high - low, 0, None).prod(1)
    return np.asarray(shared / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1e-6), np.float32)


def _photometric(
    image: NDArray[np.uint8], height: float, poor: float, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Change light, colour, blur, noise, JPEG.  `height`: of the smallest face, px, which must stay a face."""
    x = image.astype(np.float32)
    if random.random() < 0.1:
        x = np.repeat(x.mean(2, keepdims=True), 3, 2)
    gain = np.exp(random.uniform(-0.5, 0.4)) * np.exp(random.uniform(-0.08, 0.08, 3))
    x = x * gain.astype(np.float32) + np.float32(random.uniform(-25, 25))
    dim = random.random()
    if dim < poor / 2:  # a dark room, for the camera's curve and for its sensor
        x = 255 * np.clip(x / 255, 0, 1) ** np.float32(random.uniform(1.3, 2.5))
    elif dim < poor:
        x = x * np.float32(np.exp(random.uniform(np.log(0.1), np.log(0.5))))
    if random.random() < poor:
        x = cv2.GaussianBlur(x, (0, 0), float(max(0.4, height * random.uniform(0.01, 0.045))))
    if random.random() < 0.25:
        x = x + random.normal(0, random.uniform(2, 14), x.shape).astype(np.float32)
    result = np.clip(x, 0, 255).astype(np.uint8)
    if random.random() < 0.25:
        _, coded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 80))])
        result = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(result)
