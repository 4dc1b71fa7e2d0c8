"""Does a face move as a picture that somebody holds does?

In: looks at one face, each with its five points and the grey surroundings.  Out: two cues, or none.
Does not know: networks, policies, what follows from a cue.
Main choice: a cue says nothing unless the face moved by 2 % of its side: below that a guess would be noise.  Both cues
are vetoes against *still* pictures.  Trade-off: neither sees a replayed video, nor a picture cut out along the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box, Landmarks

LEAST_MOTION = 0.02  # of the face's side
GRID, REACH = 72, 3.4  # samples and face sides across the surroundings
INNER, OUTER = 1.0, 1.5  # the ring, in face sides from the middle; hair ends before it
SECTORS, SPOKES = 12, 5
BELOW = np.pi / 3  # to each side of straight down: a living person's neck and shoulders move with the face
LEAST_TEXTURE = 3.0  # grey levels
LEAST_SECTORS = 3
SEARCH = (-0.04, -0.02, 0.0, 0.02, 0.04)  # face sides: how far the five points may be off
LEAST_APART = 0.06  # face sides: below, the search alone could explain the motion

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One look: where the face is, its five points [5,2] px, and grey samples [72,72] around it."""

    side: float
    middle: Floats
    points: Floats
    grey: Floats
    corner: Floats
    step: float

    def at(self, places: Floats) -> Floats:
        """Return grey values at places [N,2] px; NaN beyond the samples."""
        cells = (places - self.corner) / self.step
        low = np.floor(cells).astype(np.intp)
        inside = ((low >= 0) & (low < GRID - 1)).all(1)
        values = np.full(len(places), np.nan)
        (x, y), (u, v) = low[inside].T, (cells - low)[inside].T
        grey = self.grey
        above = grey[y, x] * (1 - u) + grey[y, x + 1] * u
        below = grey[y + 1, x] * (1 - u) + grey[y + 1, x + 1] * u
        values[inside] = above * (1 - v) + below * v
        return values


def sight_of(image: NDArray[np.uint8], box: Box, landmarks: Landmarks) -> Sight:
    """Sample a face's surroundings; places outside the picture become NaN and so say nothing."""
    side = float(np.sqrt(box.width * box.height))
    middle = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2])
    step = REACH * side / GRID
    corner = middle - REACH * side / 2 + step / 2
    height, width = image.shape[:2]
    # The mean of four places a sample: single pixels would alias.
    places = np.arange(2 * GRID) * step / 2 + (-step / 4)
    rows, columns = corner[1] + places, corner[0] + places
    y = np.clip(rows, 0, height - 1).astype(np.intp)
    x = np.clip(columns, 0, width - 1).astype(np.intp)
    grey = image[y[:, None], x[None, :]].astype(np.float64) @ np.array([0.114, 0.587, 0.299])
    grey[(rows < 0) | (rows > height - 1)] = np.nan
    grey[:, (columns < 0) | (columns > width - 1)] = np.nan
    grey = grey.reshape(GRID, 2, GRID, 2).mean(axis=(1, 3))
    return Sight(side, middle, landmarks.points.astype(np.float64), grey, corner, step)


def ring(sights: Sequence[Sight]) -> float | None:
    """Return how much better the ring around the face moves with it than it stays, -1..1; None: abstain.

    Near 1: the surroundings move with the face, as a held picture's do.  The widest motion to the newest look counts.
    """
    if len(sights) < 2:
        return None
    new = sights[-1]
    best = max(sights[:-1], key=lambda old: _apart(old, new))
    return _ring_between(best, new)


def plane(sights: Sequence[Sight]) -> float | None:
    """Return which share of the face's change of shape a flat picture cannot make, 0..1; None: abstain.

    Near 0: the five points moved as points of one plane do.
    """
    if len(sights) < 2:
        return None
    new = sights[-1]
    shares = []
    for old in sights[:-1]:
        alike = _residual(old, new, similar=True)
        if alike >= LEAST_MOTION:
            shares.append(_residual(old, new, similar=False) / alike)
    return float(np.median(shares)) if shares else None


def _residual(old: Sight, new: Sight, similar: bool) -> float:
    """Return what a similarity, or an affine map, of the points leaves over, in face sides."""
    mapped = _similarity(old.points, new.points, old.points) if similar else _affine(old.points, new.points)
    return float(np.sqrt(((mapped - new.points) ** 2).sum(1).mean()) / new.side)


def _affine(old: Floats, new: Floats) -> Floats:
    design = np.column_stack([old, np.ones(len(old))])
    return np.asarray(design @ np.linalg.lstsq(design, new, rcond=None)[0])


def _similarity(old: Floats, new: Floats, places: Floats) -> Floats:
    """Map places by the turn, scale and shift that bring `old` nearest to `new` (least squares)."""
    a, b = (points - points.mean(0) for points in (old, new))
    power = float((a**2).sum())
    if power <= 0:
        return places
    cos, sin = float((a * b).sum()) / power, float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / power
    turn = np.array([[cos, sin], [-sin, cos]])
    return np.asarray((places - old.mean(0)) @ turn + new.mean(0))


def _places(sight: Sight) -> Floats:
    """Return places on the ring [SECTORS, SPOKES × 3, 2] px, without the sectors below the face."""
    angles = (np.arange(SECTORS) + 0.5) / SECTORS * 2 * np.pi
    angles = angles[np.abs(angles - np.pi / 2) > BELOW]  # y grows downwards
    fine = angles[:, None] + (np.arange(5) - 2) / 5 * 2 * np.pi / SECTORS
    radii = np.linspace(INNER, OUTER, SPOKES) * sight.side
    x = np.cos(fine)[:, :, None] * radii
    y = np.sin(fine)[:, :, None] * radii
    return np.stack([x, y], -1).reshape(len(angles), -1, 2) + sight.middle


def _apart(old: Sight, new: Sight) -> float:
    """Return how far the ring would have moved with the face, in face sides."""
    places = _places(old).reshape(-1, 2)
    moved = _similarity(old.points, new.points, places)
    return float(np.sqrt(((moved - places) ** 2).sum(1)).mean() / new.side)


def _ring_between(old: Sight, new: Sight) -> float | None:
    if _apart(old, new) < max(LEAST_MOTION, LEAST_APART):
        return None
    sectors = _places(old)
    votes = []
    for places in sectors:
        before = old.at(places)
        if np.isnan(before).any() or before.std() < LEAST_TEXTURE:
            continue
        moved = _similarity(old.points, new.points, places)
        with_face, still = _difference(before, new, moved), _difference(before, new, places)
        if with_face is not None and still is not None:
            votes.append((still - with_face) / (still + with_face + 1.0))
    return float(np.median(votes)) if len(votes) >= LEAST_SECTORS else None


def _difference(before: Floats, new: Sight, places: Floats) -> float | None:
    """Return the least mean difference of texture near these places, grey levels; None beyond the samples."""
    least = None
    for dx in SEARCH:
        for dy in SEARCH:
            after = new.at(places + np.array([dx, dy]) * new.side)
            if np.isnan(after).any():
                continue
            apart = float(np.abs((after - after.mean()) - (before - before.mean())).mean())
            least = apart if least is None or apart < least else least
    return least
