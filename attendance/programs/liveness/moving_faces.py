"""Faces that move before a camera, made from one photograph: a head that turns, a print or screen that is tilted.

In: a BGR photograph with a face's box and five points; how it is held.  Out: BGR pictures of a camera.
Does not know: networks, challenges, files.
Main choice: the photograph is laid over a surface in three dimensions (a head with its nose, a flat or bent sheet),
which is turned and seen in perspective.  Trade-off: what the photograph does not show, such as the far cheek, is
stretched; a real head shows more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.training.liveness.simulate import printed, screened

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Depth = Callable[[Floats, Floats], Floats]  # x, y → towards the camera; all in distances of the eyes

WIDTH, HEIGHT = 640, 480
EYES = 52.0  # px between the eyes of a face that stands where people stop
AWAY = 10.0  # distances of the eyes from the camera: about 63 cm
COARSE = 3  # px
STEPS = 14  # of the search for the place on the surface that a pixel shows


@dataclass(frozen=True, slots=True)
class Pose:
    """`yaw`, `pitch`, `roll` in degrees; yaw above 0: the person's left · `nearer`: times the size · `x`, `y`: px."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    nearer: float = 1.0
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """What is before the camera: a picture, brought to EYES px, the face in its middle, and its surface.

    `solid`: a head, whose surroundings stay; else a sheet, beside which the scene is seen.
    """

    picture: Image
    depth: Depth
    solid: bool
    scene: Image


def head(picture: Image, points: Floats, nose: float, scene: Image) -> Held:
    """Return a head: an ellipsoid with a nose that stands out by `nose` distances of the eyes beyond it."""

    def depth(x: Floats, y: Floats) -> Floats:
        inside = np.clip(1 - (x / 1.35) ** 2 - ((y - 0.3) / 2.0) ** 2, 0, None)
        bump = np.exp(-((x / 0.2) ** 2) - ((y - 0.45) / 0.38) ** 2)
        return 1.25 * np.sqrt(inside) + nose * bump - 0.9  # turned about the neck

    return Held(_upright(picture, points), depth, True, scene)


def sheet(picture: Image, points: Floats, species: str, bend: float, scene: Image, random: np.random.Generator) -> Held:
    """Return a print or screen of the photograph.  `bend`: radius of a bent print, distances of the eyes; 0: flat."""
    upright = _upright(picture, points)
    side = int(EYES * random.uniform(2.4, 4.0))
    middle = upright.shape[0] // 2
    cut = upright[middle - side : middle + side, middle - int(side * 0.8) : middle + int(side * 0.8)]
    surface = printed(cut, random) if species == "print" else screened(cut, False, random)
    rim = int(random.uniform(0.03, 0.14) * side)
    colour = (235, 235, 235) if species == "print" else (18, 18, 18)
    whole = cv2.resize(surface, (cut.shape[1], cut.shape[0]), interpolation=cv2.INTER_AREA)
    whole = cv2.copyMakeBorder(whole, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=colour)

    def depth(x: Floats, _y: Floats) -> Floats:
        return bend * (np.cos(np.clip(x / bend, -1.4, 1.4)) - 1) if bend else np.zeros_like(x)

    return Held(np.asarray(whole.clip(0, 255), np.uint8), depth, False, scene)


def seen(held: Held, pose: Pose, random: np.random.Generator) -> Image:
    """Return what the camera sees, BGR uint8 [480,640,3], with its noise."""
    px = EYES * pose.nearer
    # Every third pixel each way is enough: between them the surface is smooth.
    columns, rows = np.meshgrid(np.arange(0, WIDTH + COARSE, COARSE), np.arange(0, HEIGHT + COARSE, COARSE))
    across = np.asarray((columns - WIDTH / 2 - pose.x) / px, np.float64)
    down = np.asarray((rows - HEIGHT / 2 - pose.y) / px, np.float64)
    x, y = _surface_place(held.depth, across, down, pose)
    if held.solid:  # away from the head nothing turns
        near = np.clip(1.6 - np.hypot(x / 1.7, (y - 0.2) / 2.4), 0, 1)
        near = near * near * (3 - 2 * near)
        x, y = across + (x - across) * near, down + (y - down) * near
    height, width = held.picture.shape[:2]
    u, v = (_fine(x * EYES + width / 2), _fine(y * EYES + height / 2))
    if held.solid:
        picture = cv2.remap(held.picture, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    else:
        picture = cv2.remap(held.picture, u, v, cv2.INTER_LINEAR).astype(np.float32)
        mask = ((u >= 0) & (v >= 0) & (u < width - 1) & (v < height - 1)).astype(np.float32)
        mask = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None]
        picture = picture * mask + cv2.resize(held.scene, (WIDTH, HEIGHT)).astype(np.float32) * (1 - mask)
    noisy = picture + random.normal(0, 2.0, picture.shape)
    return np.asarray(noisy.clip(0, 255), np.uint8)


def _fine(coarse: Floats) -> NDArray[np.float32]:
    """Return the values of every pixel from those of every third."""
    columns, rows = np.meshgrid(np.arange(WIDTH) / COARSE, np.arange(HEIGHT) / COARSE)
    places = columns.astype(np.float32), rows.astype(np.float32)
    return np.asarray(cv2.remap(coarse.astype(np.float32), *places, cv2.INTER_LINEAR), np.float32)


def _upright(picture: Image, points: Floats) -> Image:
    """Return the photograph with level eyes, EYES px apart, the nose's bridge in the middle of a square."""
    across = points[1] - points[0]
    scale = EYES / float(np.hypot(*across))
    angle = float(np.arctan2(across[1], across[0]))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cos, sin], [-sin, cos]])
    side = int(EYES * 12)
    move = np.column_stack([turn, np.array([side / 2, side / 2]) - turn @ ((points[0] + points[1]) / 2)])
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpAffine(picture, move, (side, side), flags=shrink, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _surface_place(depth: Depth, across: Floats, down: Floats, pose: Pose) -> tuple[Floats, Floats]:
    """Return which place of the surface each pixel shows: the place that lands there when turned and seen."""
    turn = _rotation(pose)
    x, y = across.copy(), down.copy()
    spread = max(0.45, float(turn[0, 0]))
    for _ in range(STEPS):
        z = depth(x, y)
        ahead = AWAY / np.maximum(AWAY - (turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z), 1.0)
        landed_x = (turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z) * ahead
        landed_y = (turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z) * ahead
        x, y = x + (across - landed_x) / spread * 0.8, y + (down - landed_y) * 0.8
        x, y = np.clip(x, -12, 12), np.clip(y, -12, 12)
    return x, y


def _rotation(pose: Pose) -> Floats:
    """Return the turn of a surface; x to the right of the image, y down, z towards the camera."""
    a, b, c = np.deg2rad([pose.yaw, pose.pitch, pose.roll])
    yaw = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    pitch = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    roll = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(roll @ pitch @ yaw)
