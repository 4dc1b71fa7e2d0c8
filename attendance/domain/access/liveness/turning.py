"""How far a head has turned, from what a flat picture cannot do: the nose leaves the plane of eyes and mouth.

In: the five points of two looks at one face.  Out: a `Turn`: how far the head seems turned, how far it certainly is.
Does not know: pixels, what was asked, who it is.
Main choice: plane and parallax.  Eyes and corners of the mouth lie nearly in one plane, and the nose before it.  Where
a plane carries the four points, it carries a picture's nose, too, however the picture is moved, turned, tilted or
stretched (an affine map, or a homography).  Only a nose that really stands out lands beside that place.
Trade-off: pictures of several poses, shown one after the other, do have that depth (`challenge` looks for the way).

The unit is the distance between the eyes of the first look, brought to the size of the second.  A nose stands out by
about half of it, so that a head turned by 20 degrees gives about 0.18.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NOSE, PLANE = 2, (0, 1, 3, 4)  # rows of the five points
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Turn:
    """`seems`: by the nose's place between the eyes, which a picture can imitate · `depth`: what no flat picture
    explains, of the same sign or 0.  Both are above 0 where the nose went to the right in the image: the person's left.
    """

    seems: float
    depth: float


def turn_between(first: Floats, now: Floats) -> Turn:
    """Return how the head turned from one look to another; points [5,2] px in the ArcFace order.

    Points that coincide say nothing: both numbers are then 0.
    """
    unit = _unit(first, now)
    if unit is None:
        return Turn(0.0, 0.0)
    before, after = _nose_between(first), _nose_between(now)
    if before is None or after is None:
        return Turn(0.0, 0.0)
    along = _direction(now)
    parallaxes = []
    for carried in (_affine(first, now), _homography(first, now)):
        if carried is None:
            return Turn(after - before, 0.0)
        parallaxes.append(float((now[NOSE] - carried) @ along) / unit)
    low, high = min(parallaxes), max(parallaxes)
    depth = low if low > 0 else high if high < 0 else 0.0  # the map that explains more has the word
    return Turn(after - before, depth)


def size_of(points: Floats) -> float:
    """Return a face's size, px: from the eyes' middle to the mouth's, which a turn to the side does not shorten."""
    eyes, mouth = (points[0] + points[1]) / 2, (points[3] + points[4]) / 2
    return float(np.hypot(*(mouth - eyes)))


def _unit(first: Floats, now: Floats) -> float | None:
    """Return the first look's distance of the eyes at the size of the second, px."""
    small = size_of(first)
    if small < _LEAST:
        return None
    unit = float(np.hypot(*(first[1] - first[0]))) * size_of(now) / small
    return unit if unit >= _LEAST else None


def _direction(points: Floats) -> Floats:
    across = points[1] - points[0]
    return np.asarray(across / max(float(np.hypot(*across)), _LEAST))


def _nose_between(points: Floats) -> float | None:
    """Return the nose's place along the eyes' line from their middle, in their distances."""
    across = points[1] - points[0]
    distance = float(across @ across)
    if distance < _LEAST:
        return None
    return float((points[NOSE] - (points[0] + points[1]) / 2) @ across) / distance


def _affine(first: Floats, now: Floats) -> Floats | None:
    """Return where the affine map of eyes and mouth that fits best carries the nose."""
    plane = first[list(PLANE)]
    design = np.column_stack([plane, np.ones(len(plane))])
    solved, _rest, rank, _values = np.linalg.lstsq(design, now[list(PLANE)], rcond=1e-9)
    if rank < 3:
        return None
    return np.asarray(np.append(first[NOSE], 1.0) @ solved)


def _homography(first: Floats, now: Floats) -> Floats | None:
    """Return where the homography of eyes and mouth carries the nose; None where there is not one."""
    middle, scale = first.mean(0), max(float(np.abs(first - first.mean(0)).max()), _LEAST)
    source = (first - middle) / scale
    target = (now - now.mean(0)) / max(float(np.abs(now - now.mean(0)).max()), _LEAST)
    rows, values = [], []
    for (x, y), (u, v) in zip(source[list(PLANE)], target[list(PLANE)], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    try:
        h = np.linalg.solve(np.array(rows), np.array(values))
    except np.linalg.LinAlgError:
        return None
    x, y = source[NOSE]
    below = float(h[6] * x + h[7] * y + 1)
    if not below > 0.2:  # the plane is seen nearly from its edge
        return None
    u, v = (h[0] * x + h[1] * y + h[2]) / below, (h[3] * x + h[4] * y + h[5]) / below
    spread = max(float(np.abs(now - now.mean(0)).max()), _LEAST)
    return np.asarray(np.array([u, v]) * spread + now.mean(0))
