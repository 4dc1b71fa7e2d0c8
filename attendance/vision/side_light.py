"""Faces of which most lies in the dark: a picture, or an aligned face, with its shading divided out.

In: BGR pictures.  Out: pictures in even light.
Does not know: networks, people, when it pays (`service/access/looks/sparing`).
Main choice: division by the blurred grey picture, which keeps edges and colours.  Trade-off: the noise of what is dark
grows with it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Light changes over this part of a picture's longer side (sigma), faces over less; darker grey levels are noise.
SPREAD, DARKEST = 20 / 256, 8.0
# The same in an aligned face: at 18 of 112 px features fade with the shading, and fewer own people are recognised.
FACE_SPREAD = 30 / 112
EVEN = 110.0  # grey level of an evenly lit picture
SHRUNK = 4  # the blurred picture is made from one so many times smaller: it shows the same, sooner


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
