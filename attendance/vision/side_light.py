"""Faces of which most lies in the dark: a picture with its shading divided out, and when to look at one.

In: BGR pictures; frames of one camera in the order of their times.  Out: pictures in even light; which frames ask for
the second look in side light.
Does not know: networks, people.
Main choice: the second look comes only where no face was found, something changed, and the last vain one is
VAIN_EVERY ago.  So an empty, windy scene costs a third more of the detector's work and not twice as much.  Trade-off:
somebody in side light is seen up to VAIN_EVERY later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Frame, Probe

# Light changes over this part of a picture's longer side (sigma), faces over less; darker grey levels are noise.
SPREAD, DARKEST = 20 / 256, 8.0
# The same in an aligned face: at 18 of 112 px features fade with the shading, and fewer own people are recognised.
FACE_SPREAD = 30 / 112
EVEN = 110.0  # grey level of an evenly lit picture
SHRUNK = 4  # the blurred picture is made from one so many times smaller: it shows the same, sooner
VAIN_EVERY = timedelta(seconds=0.3)


def evened(picture: NDArray[np.uint8], spread: float = SPREAD) -> NDArray[np.uint8]:
    """Return a BGR picture [H,W,3] with its shading divided out.

    `spread`: over which part of its longer side light changes.  What is darker than DARKEST stays darker than the rest.
    """
    height, width = picture.shape[:2]
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    small = max(1, round(width / SHRUNK)), max(1, round(height / SHRUNK))
    shrunk = cv2.resize(grey, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    blurred = cv2.GaussianBlur(shrunk, (0, 0), max(0.5, spread * max(small)))
    shade = np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    even = picture * (np.float32(EVEN) / np.maximum(shade, np.float32(DARKEST)))[..., None]
    return np.asarray(np.clip(np.rint(even), 0, 255), np.uint8)


class Looker(Protocol):
    """The analyser of one camera, as `Sparing` sees it."""

    @property
    def model_id(self) -> str: ...

    @property
    def timings(self) -> Mapping[str, float]: ...

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]: ...


class Sparing:
    """An analyser of one camera that is asked to look in side light only now and then (`Frame.side_light`).

    `changed`: whether anything changed before the camera; None: nobody knows, so it may have.  Once a face is there
    every picture may be looked at twice, so that its looks are not further apart than those of other faces.
    """

    def __init__(self, inner: Looker, changed: Callable[[], bool] | None = None) -> None:
        self._inner, self._changed = inner, changed
        self._in_vain_at: datetime | None = None

    @property
    def model_id(self) -> str:
        return self._inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        return self._inner.timings

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        asks = self._is_due(frame.taken_at) and (self._changed is None or self._changed())
        if not asks:
            frame = replace(frame, side_light=False)
        probes = self._inner.analyse(frame, max_faces)
        if probes:
            self._in_vain_at = None
        elif asks:
            self._in_vain_at = frame.taken_at
        return probes

    def _is_due(self, now: datetime) -> bool:
        # A clock that was set back waits for nothing.
        return self._in_vain_at is None or abs(now - self._in_vain_at) >= VAIN_EVERY
