"""DetectionModel: an image → faces with boxes, scores and five landmarks.

In: RGB 0..255 [N,3,H,W], sides multiples of 32.  Out: raw heads, or decoded faces by `detect`.
Does not know: people, alignment, thresholds of a site.
Main choice: anchor-free heads on a light top-down neck at strides 4, 8, 16 and 32 (FCOS, Tian et al.,
2019; YOLO-style objectness that learns the box's quality).
Trade-off: of two faces with the same centre and size, only one can be found.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from attendance.models import live, storage
from attendance.models.backbone import C4, C8, C16, C32, Backbone
from attendance.models.drawing import draw_faces
from attendance.models.images import ImageLike, as_batch, as_rgb
from attendance.vision.boxes import COARSE, STRIDES, Detections, clip_boxes, decode, letterbox, unletterbox

WIDTH = 64
LEVELLED = ("lateral", "smooth", "tower", "bbox_head", "obj_head", "landmark_head")  # one for each stride
RARE = -4.6  # logit of 1 %: at the start faces must look rare, or the first steps would drown in negatives


def _separable(channels: int) -> nn.Sequential:
    """Return a depthwise 3×3, then a 1×1 convolution: an eighth of a full convolution's cost at this width."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.SiLU(),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.SiLU(),
    )


def _is_coarse(names: Collection[str]) -> bool:
    """Return whether a detector's file has the strides 8 to 32 and not 4."""
    return "obj_head.0.weight" in names and f"obj_head.{len(COARSE)}.weight" not in names


def _one_level_up(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of strides 8 to 32, and give the stride of 4 those of 8, but for its way from the trunk."""
    moved: dict[str, Tensor] = {}
    for name, value in tensors.items():
        part, *rest = name.split(".", 2)
        if part not in LEVELLED:
            moved[name] = value
            continue
        level, tail = int(rest[0]), rest[1]
        moved[f"{part}.{level + 1}.{tail}"] = value
        if level == 0 and part != "lateral":
            moved[f"{part}.0.{tail}"] = value
    return moved


class DetectionModel(nn.Module):
    """EfficientNet-B0 trunk, top-down neck, heads `bbox_head`, `obj_head` and `landmark_head`.

    det(x) → {"bbox" [N,A,4] distances l,t,r,b in strides ≥ 0, "obj" [N,A] logits, "landmarks"
    [N,A,10] offsets in strides}; A = Σ (H/s)(W/s), `strides` 4, 8, 16, 32 (older files: from 8 on), cells row by row.
    """

    def __init__(self, weights: str | Path | None = None, input_size: int = 256) -> None:
        """Make the network of the file `weights`, or a new one.  Before yolo-effb0-256-v7 there was no stride of 4."""
        super().__init__()
        if input_size <= 0 or input_size % 32:
            raise ValueError(f"the input size must be a multiple of 32, not {input_size}")
        self.input_size = input_size
        self.backbone = Backbone(last_conv=False)
        self.strides = COARSE if weights is not None and _is_coarse(storage.names_in(Path(weights))) else STRIDES
        levels = range(len(self.strides))
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))
            for c in (C4, C8, C16, C32)[-len(self.strides) :]
        )
        self.smooth = nn.ModuleList(_separable(WIDTH) for _ in levels)
        self.tower = nn.ModuleList(_separable(WIDTH) for _ in levels)
        self.bbox_head = nn.ModuleList(nn.Conv2d(WIDTH, 4, 1) for _ in levels)
        self.obj_head = nn.ModuleList(nn.Conv2d(WIDTH, 1, 1) for _ in levels)
        self.landmark_head = nn.ModuleList(nn.Conv2d(WIDTH, 10, 1) for _ in levels)
        for head in self.obj_head:
            assert isinstance(head, nn.Conv2d) and head.bias is not None
            nn.init.constant_(head.bias, RARE)
        if weights is not None:
            self.load_weights(weights)
            self.eval()

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        maps = list(self.backbone(image))[-len(self.strides) :]
        maps = [lateral(m) for lateral, m in zip(self.lateral, maps, strict=True)]
        for level in reversed(range(len(maps) - 1)):
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
    def detect(self, image: ImageLike, conf_thresh: float = 0.5) -> Detections:
        """Return the faces of one image of any size, best first, with their boxes inside the image."""
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
        return Detections(boxes[inside], scores[inside], unletterbox(points, scale, pad)[inside])

    def face_and_plot(self, image: ImageLike, conf_thresh: float = 0.5) -> NDArray[np.uint8]:
        """Return the image as BGR uint8 [H,W,3] with boxes, landmarks and scores drawn on it."""
        return draw_faces(np.ascontiguousarray(as_rgb(image)[..., ::-1]), self.detect(image, conf_thresh))

    def live_test(self, conf_thresh: float = 0.85, camera: int | str = 0, port: int = 0) -> None:
        """Show the webcam's picture with boxes and the inference time in a window, until q or Esc.

        Without a display, a browser on this computer can show it: the address is printed, and Ctrl-C ends.
        `camera`: a webcam's number, or the path or address of a video · `port`: of that page; 0 takes a free port.
        Raises UserError if the camera does not open or stops, or if the port is in use.
        """
        live.show(lambda image: self.detect(image, conf_thresh), camera, port)

    def save_weights(self, path: str | Path) -> None:
        """Write a .safetensors file (fp16 numbers)."""
        storage.save_half(self, Path(path))

    def load_weights(self, path: str | Path) -> None:
        """Load a whole file; raise UserError if something does not fit."""
        storage.load_whole(self, Path(path))

    def load_weights_partial(self, path: str | Path) -> dict[str, list[str]]:
        """Load what fits by name and shape; see `RecognitionModel.load_weights_partial`.

        The stride of 4 of a new network begins as an older one's stride of 8.
        """
        older = self.strides == STRIDES and _is_coarse(storage.names_in(Path(path)))
        return storage.load_partial(self, Path(path), _one_level_up if older else None)
