"""A face's pixels as a small grid, to be compared with another picture at the same place.

In: a picture, a box.  Out: a patch; the distance between two.
Does not know: why they are compared.
Main choice: the mean of all fields is taken out, so that a change of the light alone changes nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box

SIDE, SAMPLES, FEW = 16, 8, 2
LUMA = np.array([0.114, 0.587, 0.299])  # of blue, green, red: what codecs keep best

Patch = NDArray[np.float64]


def patch_of(image: NDArray[np.uint8], box: Box, samples: int = SAMPLES) -> Patch:
    """Return grey means of SIDE × SIDE fields of the box, less the mean of all: float64 [16,16], grey levels.

    `samples`: how many pixels of a field are read, in each direction.
    """
    height, width = image.shape[:2]
    places = (np.arange(SIDE * samples) + 0.5) / (SIDE * samples)
    rows = np.clip(box.y1 + places * box.height, 0, height - 1).astype(np.intp)
    columns = np.clip(box.x1 + places * box.width, 0, width - 1).astype(np.intp)
    grey = image[rows[:, None], columns[None, :]].astype(np.float64) @ LUMA
    fields = grey.reshape(SIDE, samples, SIDE, samples).mean(axis=(1, 3))
    centred: Patch = fields - fields.mean()
    return centred


def distance(first: Patch, second: Patch) -> float:
    """Return the mean grey levels between two patches."""
    return float(np.abs(first - second).mean())
