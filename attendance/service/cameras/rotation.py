"""Which way a camera is mounted: found by trying the four turns on a picture with somebody in it; pictures turned.

In: a picture, what finds faces.  Out: the degrees to the right by which the picture must be turned;
the picture turned.
Does not know: cameras, settings.
Main choice: the turn with the surest upright face wins, and only if no face stands upright as it is, so that a picture
on a wall changes nothing.  Trade-off: somebody must stand before the camera.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Probe

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_UPRIGHT = 45.0  # degrees that a head may be tilted


def turned(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Return the picture turned to the right by 90, 180 or 270 degrees; by others as it is."""
    turn = _TURNS.get(degrees)
    return image if turn is None else np.asarray(cv2.rotate(image, turn), np.uint8)


def turn_needed(image: NDArray[np.uint8], find: Callable[[NDArray[np.uint8]], Sequence[Probe]]) -> int:
    """Return 90, 180 or 270; 0 if a face stands upright, or none does in any turn.  `image`: BGR uint8 [H,W,3]."""
    if _surest(find(image)) > 0:
        return 0
    found = {degrees: _surest(find(turned(image, degrees))) for degrees in _TURNS}
    degrees = max(found, key=lambda one: found[one])
    return degrees if found[degrees] > 0 else 0


def _surest(faces: Sequence[Probe]) -> float:
    """Return the detector's score of the surest face whose eyes are above its mouth, 0 if there is none."""
    return max((face.detection_score for face in faces if abs(face.quality.roll) <= _UPRIGHT), default=0.0)
