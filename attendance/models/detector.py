"""DetectionModel: an image → faces with boxes, scores and five landmarks.

In: RGB 0..255 [N,3,H,W], sides multiples of 32.  Out: raw heads, or decoded faces by `detect`.
Does not know: who anybody is, alignment, thresholds of a site.
Main choice: anchor-free heads on a light top-down neck at strides 8, 16 and 32 (FCOS, Tian et al.,
2019; YOLO-style objectness that learns the box's quality); the price is that two faces with one
centre and one size cannot both be found.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from attendance.models import storage
from attendance.models.backbone import C8, C16, C32, Backbone
from attendance.models.images import ImageLike, as_batch, as_rgb
from attendance.vision.boxes import clip_boxes, decode, letterbox, unletterbox

WIDTH = 64
RARE = -4.6  # logit of 1 %: at the start a face is rare, or the first steps would drown in negatives


@dataclass(frozen=True)
class FoundFaces:
    """boxes float32 [K,4] xyxy px of the image, scores [K] 0..1 best first, landmarks [K,5,2] px."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def _separable(channels: int) -> nn.Sequential:
    """Depthwise 3×3, then 1×1: an eighth of a full convolution's price at this width."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.SiLU(),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.SiLU(),
    )


class DetectionModel(nn.Module):
    """EfficientNet-B0 trunk, top-down neck, heads `bbox_head`, `obj_head` and `landmark_head`.

    det(x) → {"bbox" [N,A,4] distances l,t,r,b in strides ≥ 0, "obj" [N,A] logits, "landmarks"
    [N,A,10] offsets in strides}; A = Σ (H/s)(W/s), strides 8, 16, 32, cells row by row.
    """

    def __init__(self, weights: str | Path | None = None, input_size: int = 256) -> None:
        super().__init__()
        if input_size <= 0 or input_size % 32:
            raise ValueError(f"the input size is a multiple of 32, not {input_size}")
        self.input_size = input_size
        self.backbone = Backbone(last_conv=False)
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH)) for c in (C8, C16, C32)
        )
        self.smooth = nn.ModuleList(_separable(WIDTH) for _ in range(3))
        self.tower = nn.ModuleList(_separable(WIDTH) for _ in range(3))
        self.bbox_head = nn.ModuleList(nn.Conv2d(WIDTH, 4, 1) for _ in range(3))
        self.obj_head = nn.ModuleList(nn.Conv2d(WIDTH, 1, 1) for _ in range(3))
        self.landmark_head = nn.ModuleList(nn.Conv2d(WIDTH, 10, 1) for _ in range(3))
        for head in self.obj_head:
            assert isinstance(head, nn.Conv2d) and head.bias is not None
            nn.init.constant_(head.bias, RARE)
        if weights is not None:
            self.load_weights(weights)
            self.eval()

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        maps = list(self.backbone(image))
        maps = [lateral(m) for lateral, m in zip(self.lateral, maps, strict=True)]
        for level in (1, 0):
            up = F.interpolate(maps[level + 1], scale_factor=2.0, mode="nearest")
            maps[level] = maps[level] + up
        outputs: dict[str, list[Tensor]] = {"bbox": [], "obj": [], "landmarks": []}
        for level, features in enumerate(maps):
            features = self.tower[level](self.smooth[level](features))
            outputs["bbox"].append(F.softplus(self.bbox_head[level](features)).flatten(2))
            outputs["obj"].append(self.obj_head[level](features).flatten(2))
            outputs["landmarks"].append(self.landmark_head[level](features).flatten(2))
        joined = {name: torch.cat(parts, 2).transpose(1, 2) for name, parts in outputs.items()}
        joined["obj"] = joined["obj"].squeeze(2)
        return joined

    @torch.inference_mode()
    def detect(self, image: ImageLike, conf_thresh: float = 0.5) -> FoundFaces:
        """Faces of one image of any size, best first, boxes inside the image."""
        was_training = self.training
        self.eval()
        rgb = as_rgb(image)
        canvas, scale, pad = letterbox(rgb, self.input_size)
        heads = self(as_batch(canvas).to(next(self.parameters()).device))
        self.train(was_training)
        size = (self.input_size, self.input_size)
        bbox, obj, landmarks = (heads[name][0].float().cpu().numpy() for name in ("bbox", "obj", "landmarks"))
        boxes, scores, points = decode(bbox, obj, landmarks, size, conf_thresh)
        boxes = clip_boxes(unletterbox(boxes, scale, pad), *rgb.shape[:2])
        inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return FoundFaces(boxes[inside], scores[inside], unletterbox(points, scale, pad)[inside])

    def face_and_plot(self, image: ImageLike, conf_thresh: float = 0.5) -> NDArray[np.uint8]:
        """The image as BGR uint8 [H,W,3] with boxes, landmarks and scores drawn on it."""
        return draw(np.ascontiguousarray(as_rgb(image)[..., ::-1]), self.detect(image, conf_thresh))

    def live_test(self, conf_thresh: float = 0.85, camera: int = 0) -> None:
        """A window with the webcam's picture, boxes and the inference time; q or Esc ends it.

        Raises UserError where there is no display or no camera.
        """
        from attendance.models.live import show

        show(self, conf_thresh, camera)

    def save_weights(self, path: str | Path) -> None:
        """Write a .safetensors file (fp16 numbers)."""
        storage.save_half(self, Path(path))

    def load_weights(self, path: str | Path) -> None:
        """Load a whole file; UserError says what does not fit."""
        storage.load_whole(self, Path(path))

    def load_weights_partial(self, path: str | Path) -> dict[str, list[str]]:
        """Load what fits by name and shape; see `RecognitionModel.load_weights_partial`."""
        return storage.load_partial(self, Path(path))


def draw(image: NDArray[np.uint8], faces: FoundFaces, milliseconds: float | None = None) -> NDArray[np.uint8]:
    """Boxes, points and scores on a BGR image, in place; returns it."""
    thick = max(1, round(max(image.shape[:2]) / 400))
    for box, score, points in zip(faces.boxes, faces.scores, faces.landmarks, strict=True):
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        cv2.rectangle(image, (x1, y1), (x2, y2), (80, 200, 80), thick)
        for x, y in points:
            cv2.circle(image, (round(float(x)), round(float(y))), thick + 1, (0, 200, 255), -1)
        cv2.putText(image, f"{score:.2f}", (x1, max(12, y1 - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (80, 200, 80), thick)
    if milliseconds is not None:
        cv2.putText(image, f"{milliseconds:.0f} ms", (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    return image


def timed_detect(model: DetectionModel, image: ImageLike, conf_thresh: float) -> tuple[FoundFaces, float]:
    """`detect` and how long it took, ms."""
    start = time.perf_counter()
    found = model.detect(image, conf_thresh)
    return found, (time.perf_counter() - start) * 1000
