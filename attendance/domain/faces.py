"""What a frame, a face and a template are; the conventions that everything else relies on.

In: plain numbers and arrays.  Out: values whose invariants hold from the moment they are built.
Does not know: cameras, networks, people, databases.

Conventions, stated here once:
- image: BGR uint8 [H,W,3]
- box: x1,y1,x2,y2 in pixels of the original frame
- landmarks: float32 [5,2] px: left eye, right eye, nose, left mouth corner, right mouth corner as
  seen in the image (the ArcFace order)
- template: unit-norm float32 [D] and the model that made it (D is 384 for the shipped recogniser)
- score: the raw cosine of two templates, -1..1, never rescaled or weighted
- times: aware UTC
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from attendance.domain.reason import Reason


@dataclass(frozen=True, slots=True)
class Box:
    """A face's rectangle in pixels of the original frame; ValueError unless x1 < x2 and y1 < y2."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not (self.x1 < self.x2 and self.y1 < self.y2):
            raise ValueError(f"not a box: {self}")

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return self.width * self.height

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        across = min(self.x2, other.x2) - max(self.x1, other.x1)
        down = min(self.y2, other.y2) - max(self.y1, other.y1)
        if across <= 0 or down <= 0:
            return 0.0
        return across * down / (self.area + other.area - across * down)


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Five points [5,2] float32 px in the ArcFace order."""

    points: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.points.shape != (5, 2) or not np.isfinite(self.points).all():
            raise ValueError("landmarks are five finite points")

    @property
    def eye_distance(self) -> float:
        """Inter-ocular distance in px."""
        return float(np.hypot(*(self.points[1] - self.points[0])))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from one camera; `taken_at` must be an aware UTC time."""

    image: NDArray[np.uint8]
    taken_at: datetime
    camera: str
    sequence: int = 0

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"a frame is BGR uint8 [H,W,3], not {self.image.dtype} {self.image.shape}")
        if self.taken_at.utcoffset() != timedelta(0):
            raise ValueError("a frame's time is aware UTC")


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A unit-norm float32 [D] embedding and the model that made it."""

    vector: NDArray[np.float32]
    model_id: str

    def __post_init__(self) -> None:
        if self.vector.ndim != 1 or self.vector.dtype != np.float32:
            raise ValueError("a template is float32 [D]")
        if not abs(float(np.linalg.norm(self.vector)) - 1) < 1e-3:  # NaN fails too
            raise ValueError("a template has unit norm")
        if not self.model_id:
            raise ValueError("a template names its model")

    def score(self, other: Template) -> float:
        """Raw cosine; ValueError when the two come from different models."""
        if self.model_id != other.model_id:
            raise ValueError(f"templates of different models: {self.model_id}, {other.model_id}")
        return float(self.vector @ other.vector)


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements of one face; which values are good enough is the settings' business.

    size: shorter side of the box, px · sharpness: variance of the Laplacian of the smoothed 112 px grey
    crop, brought to one contrast · brightness: mean grey 0..255 · contrast: standard deviation of grey
    · yaw: nose offset from the eyes' middle as a share of the eye distance, 0 = frontal · visible:
    share in the frame, of the box or of the aligned crop, whichever is less.
    """

    size: float
    sharpness: float
    brightness: float
    contrast: float
    yaw: float
    visible: float


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One face found in a frame.

    `flaws` are the quality gate's reasons, worst first; `template` is None when the face was too
    poor to be embedded (so a flawed probe can never match).
    """

    box: Box
    landmarks: Landmarks
    detection_score: float
    quality: Quality
    flaws: tuple[Reason, ...]
    template: Template | None
