"""The same false face again: a lamp, a poster, a coat on its hook.

In: a picture, a box in it, when.  Out: whether just this was seen there before.
Does not know: what a detector is, what was decided.
Main choice: the picture is compared at the remembered box, with its brightness taken out, so that
neither a jumping box nor a cloud makes it new.  What has no structure (a dark or flat patch) is never
the same: two people in the dark must stay two.  Trade-off: a person who stands still to the grey
level, is refused and forgotten, and is detected again in the same place, is recorded once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.face_patch import Patch, distance, patch_of
from attendance.domain.faces import Box

SAME_PLACE = 0.6  # IoU
ALIKE = 0.95  # correlation of the two patches
MOST_APART = 6.0  # mean grey levels between them, brightness taken out
REMEMBERED = 32


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    at: datetime
    box: Box
    patch: Patch


class StaticDetections:
    """`remember`: how long a false face is known; zero or less: never."""

    def __init__(self, remember: timedelta) -> None:
        self._remember = remember
        self._seen: deque[_Seen] = deque(maxlen=REMEMBERED)

    def knows(self, image: NDArray[np.uint8], box: Box, at: datetime) -> bool:
        """Return whether this face was asked for before; if not, remember it from now on."""
        # By distance: a clock that was set back must not make anything known for hours.
        self._seen = deque((each for each in self._seen if abs(at - each.at) < self._remember), maxlen=REMEMBERED)
        for each in self._seen:
            if each.box.iou(box) >= SAME_PLACE and _alike(each.patch, patch_of(image, each.box)):
                return True
        self._seen.append(_Seen(at, box, patch_of(image, box)))
        return False


def _alike(first: Patch, second: Patch) -> bool:
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    if length < 1e-6:
        return False
    return float((first * second).sum()) / length >= ALIKE and distance(first, second) <= MOST_APART
