"""A face of five points in three dimensions, turned and seen in perspective."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from attendance.domain.access.liveness.challenge import Look, Who
from attendance.domain.access.liveness.turning import Floats
from attendance.domain.faces import Box
from tests.factories import NOON

# Eyes, nose and corners of the mouth in distances of the eyes; x right, y down, z towards the camera.
FACE = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.6, 0.5], [-0.38, 1.1, 0.05], [0.38, 1.1, 0.05]])
PX = 60.0


def points(
    yaw: float = 0.0,
    *,
    pitch: float = 0.0,
    roll: float = 0.0,
    nearer: float = 1.0,
    x: float = 320.0,
    y: float = 240.0,
    flat: bool = False,
    away: float = 10.0,
) -> Floats:
    """The five points [5,2] px; angles in degrees, yaw above 0 to the person's left.  `away`: distances of the eyes."""
    a, b, c = np.deg2rad([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    shape = FACE * np.array([1, 1, 0 if flat else 1])
    turned = shape @ (about_z @ about_x @ about_y).T
    seen = turned[:, :2] * (away / (away - turned[:, 2]))[:, None]
    return np.asarray(seen * PX * nearer + np.array([x, y]))


def look(seconds: float, who: Who = Who.SAME, fresh: bool = True, begun: datetime = NOON, **pose: float | bool) -> Look:
    """A look so many seconds after noon; the box goes with the size."""
    face = points(**pose)  # type: ignore[arg-type]
    side = PX * float(pose.get("nearer", 1.0))
    x, y = float(pose.get("x", 320.0)), float(pose.get("y", 240.0))
    box = Box(x - side, y - side, x + side, y + 2 * side)
    return Look(begun + timedelta(seconds=seconds), box, face, who, fresh)
