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

# A second face at least this large beside the first (by area) makes it unclear whose photo it is; smaller ones are
# passers-by.
SECOND_FACE = 0.25


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


SMALLEST_REGION = 0.05


@dataclass(frozen=True, slots=True)
class Region:
    """Where in a picture faces are looked for, as shares of its width and height.

    ValueError unless 0 ≤ x1 < x2 ≤ 1, the same for y, and each side is at least SMALLEST_REGION.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        for low, high in ((self.x1, self.x2), (self.y1, self.y2)):
            if not (0 <= low <= 1 and 0 <= high <= 1 and high - low >= SMALLEST_REGION - 1e-9):  # NaN fails too
                raise ValueError(f"not a region: {self}")

    def pixels(self, height: int, width: int) -> tuple[int, int, int, int]:
        """x1, y1, x2, y2 in whole pixels of a picture of this size; at least one pixel each way."""
        x1, y1 = min(round(self.x1 * width), width - 1), min(round(self.y1 * height), height - 1)
        return x1, y1, max(round(self.x2 * width), x1 + 1), max(round(self.y2 * height), y1 + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from one camera; `taken_at` must be an aware UTC time.

    `region`: faces elsewhere in the picture do not count; None: the whole picture.  `came`: seconds of the monotonic
    clock when the picture came; None where it was not taken just now, such as a file's that is not played in real time.
    `side_light`: where no face is found, faces of which most lies in the dark are looked for, too.
    """

    image: NDArray[np.uint8]
    taken_at: datetime
    camera: str
    sequence: int = 0
    region: Region | None = None
    came: float | None = None
    side_light: bool = True

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
    share in the frame, of the box or of the aligned crop, whichever is less · roll: tilt of the eyes'
    line, degrees 0..180 · pitch: how far the nose is from where it is on a level head, as a share of the
    distance from eyes to mouth · uncovered: contrast around the least structured of eyes, nose and
    mouth as a share of the face's contrast.  What was measured before the last three existed has their defaults.
    """

    size: float
    sharpness: float
    brightness: float
    contrast: float
    yaw: float
    visible: float
    roll: float = 0.0
    pitch: float = 0.0
    uncovered: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One face found in a frame.

    `flaws` are the quality gate's reasons, worst first; `template` is None when the face was too
    poor to be embedded (so a flawed probe can never match).  `rested`: the template is that of an earlier picture, in
    which the face looked the same; such a probe says where the face is, and does not count as a look.
    """

    box: Box
    landmarks: Landmarks
    detection_score: float
    quality: Quality
    flaws: tuple[Reason, ...]
    template: Template | None
    rested: bool = False
