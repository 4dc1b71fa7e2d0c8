"""The motion gate: a frame in which nothing moves is not searched for faces.

In: frames in the order of their times.  Out: whether to search a frame; `GatedAnalyser`, which obeys.
Does not know: networks, people.
Main choice: a difference on a grid of 64 × 36 grey means, against a slowly following memory of the
scene, with the change of the whole picture's brightness removed.  It takes a fraction of a millisecond
and sees a person at any useful distance.
Trade-off: it also sees leaves and screens.
Missing a person would be worse than searching in vain, so the gate never delays anyone longer than
`look_every`.  The first frame is searched, and one frame in every `look_every` even while the gate is
shut: often enough that several frames agree in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Frame, Probe, Region

GRID = (64, 36)
SAMPLED = (256, 144)  # pixels to read; all pixels of a large picture would cost more time than they are worth
LEAST_FIELDS = 3  # of the grid; fewer are noise
FOLLOWS = 0.1  # how fast the remembered scene follows a still picture
# A face holds the gate open for so long after the last motion.  Then it is a poster, or a waiting person, who is
# still searched every `look_every`.
STILL_S = 10.0


@dataclass(frozen=True, slots=True)
class MotionLimits:
    """`threshold`: mean grey levels of one field, 0..255."""

    threshold: float = 8.0
    hold: timedelta = timedelta(seconds=2)
    look_every: timedelta = timedelta(seconds=0.5)


class MotionGate:
    """Open or shut for each frame of one camera.  Not for several threads at once."""

    def __init__(self, limits: MotionLimits) -> None:
        self._limits = limits
        self._scene: NDArray[np.float32] | None = None
        self._place: tuple[tuple[int, ...], Region | None] | None = None
        self._moved_at: datetime | None = None
        self._face_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._now: datetime | None = None

    def opens(self, frame: Frame) -> bool:
        """Return whether to search this frame."""
        at, place = frame.taken_at, (frame.image.shape, frame.region)
        if self._place != place or (self._now is not None and at < self._now):
            # The start, another picture size or region, or a clock that was set back: begin anew, and open.
            self._place, self._scene, self._face_at, self._looked_at = place, None, None, None
        self._now = at
        if self._moves(frame):
            self._moved_at = at
        due = self._looked_at is None or at - self._looked_at >= self._limits.look_every
        if self.changed or due:
            self._looked_at = at
            return True
        return False

    @property
    def changed(self) -> bool:
        """Return whether anything moved just now, as far as the newest frame shows."""
        return self._recent(self._moved_at, self._limits.hold) or self._held_by_a_face()

    def saw(self, faces: int) -> None:
        """Note how many faces the last searched frame had."""
        if faces:
            self._face_at = self._now

    def _held_by_a_face(self) -> bool:
        return self._recent(self._face_at, self._limits.hold) and self._recent(
            self._moved_at, timedelta(seconds=STILL_S)
        )

    def _recent(self, then: datetime | None, span: timedelta) -> bool:
        return then is not None and self._now is not None and self._now - then <= span

    def _moves(self, frame: Frame) -> bool:
        seen = fields(frame)
        if self._scene is None:
            self._scene = seen
            return True
        moves = int(moved(seen, self._scene, self._limits.threshold).sum()) >= LEAST_FIELDS
        if moves:
            self._scene = seen
        else:
            self._scene += FOLLOWS * (seen - self._scene)
        return moves


def moved(seen: NDArray[np.float32], scene: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Return which fields [36,64] changed by more than so many grey levels, whatever the light did to all of them."""
    # A cloud, a lamp, a camera that adjusts itself: all fields grow brighter by one factor.
    light = float(np.median(seen / np.maximum(scene, 1)))
    result: NDArray[np.bool_] = np.abs(seen - light * scene) > threshold
    return result


def fields(frame: Frame) -> NDArray[np.float32]:
    """Return the mean green of the grid's fields over the frame's region, float32 [36,64]."""
    image = frame.image
    if frame.region is not None and image.size:
        x1, y1, x2, y2 = frame.region.pixels(*image.shape[:2])
        image = image[y1:y2, x1:x2]
    if not image.size:
        return np.zeros(GRID[::-1], np.float32)
    down, across = (max(1, side // most) for side, most in zip(image.shape[:2], SAMPLED[::-1], strict=True))
    green = np.ascontiguousarray(image[::down, ::across, 1])
    return cv2.resize(green.astype(np.float32), GRID, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


class Searcher(Protocol):
    """`FaceAnalyser`, as the gate sees it."""

    @property
    def model_id(self) -> str: ...

    @property
    def timings(self) -> Mapping[str, float]: ...

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]: ...


class GatedAnalyser:
    """An analyser behind a gate, for one camera; a frame that is not searched has no faces."""

    def __init__(self, inner: Searcher, gate: MotionGate) -> None:
        self._inner, self._gate = inner, gate
        self._timings: Mapping[str, float] = {}

    @property
    def model_id(self) -> str:
        return self._inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        """Those of the inner one and `motion`; `motion` alone for a frame that was not searched."""
        return self._timings

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        begun = perf_counter()
        opens = self._gate.opens(frame)
        self._timings = {"motion": (perf_counter() - begun) * 1000}
        if not opens:
            return []
        probes = self._inner.analyse(frame, max_faces)
        self._gate.saw(len(probes))
        self._timings = {**self._timings, **self._inner.timings}
        return probes
