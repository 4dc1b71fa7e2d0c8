"""What the liveness network sees of a face, and what it answers.

In: a BGR image, a face's box, a session with its card.  Out: a logit: above 0 a live person, below 0 a picture of one.
Does not know: tracks, thresholds, policies (`domain/access/liveness/fusion`).
Main choice: two crops that keep the surroundings, since hand, bezel and paper edge are half of the signal.  Places
beyond the picture's edge are grey, alike for live people and attacks.  Trade-off: a face that fills the picture leaves
little to judge.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box
from attendance.vision.runtime import Session
from attendance.vision.weights import Card, WeightsError

NEAR, FAR = 2.7, 4.0  # sides of the crops, in face sides
NEAR_PX, FAR_PX = 80, 48
GREY = 114


def face_side(box: Box) -> float:
    """Return the side of the square that is as large as the box, px."""
    return float(np.sqrt(box.width * box.height))


def crop_around(image: NDArray[np.uint8], box: Box, sides: float, size: int) -> NDArray[np.uint8]:
    """Return the square around a face, `sides` face sides wide, as BGR uint8 [size,size,3]; grey beyond the image."""
    half = sides * face_side(box) / 2
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    x1, y1, side = round(x - half), round(y - half), max(2, round(2 * half))
    height, width = image.shape[:2]
    square = np.full((side, side, 3), GREY, np.uint8)
    left, top = max(0, -x1), max(0, -y1)
    right, bottom = min(side, width - x1), min(side, height - y1)
    if right > left and bottom > top:
        square[top:bottom, left:right] = image[y1 + top : y1 + bottom, x1 + left : x1 + right]
    shrink = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (size, size), interpolation=shrink), np.uint8)


def side_by_side(near: NDArray[np.uint8], far: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn the crops, BGR uint8 [80,80,3] and [48,48,3], into the input: RGB float32 [1,3,80,128], 0..255."""
    canvas = np.full((NEAR_PX, NEAR_PX + FAR_PX, 3), GREY, np.uint8)
    canvas[:, :NEAR_PX], canvas[:FAR_PX, NEAR_PX:] = near, far
    return np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1)[None]).astype(np.float32)


class LivenessNetwork:
    """The served network.  For several threads at once.

    Raises WeightsError if the card is of another kind.
    """

    def __init__(self, session: Session, card: Card) -> None:
        if card.kind != "liveness":
            raise WeightsError(f"{card.model_id} is a {card.kind}: set a liveness network in its place")
        self._session, self.card = session, card

    @property
    def model_id(self) -> str:
        """Return the card's model_id."""
        return self.card.model_id

    @property
    def operating_points(self) -> Mapping[str, object]:
        """Return the card's."""
        return self.card.operating_points

    def look(self, image: NDArray[np.uint8], box: Box) -> float:
        """Return the logit of one face; ValueError if the network does not answer with a finite number."""
        near, far = crop_around(image, box, NEAR, NEAR_PX), crop_around(image, box, FAR, FAR_PX)
        logit = float(self._session.run(side_by_side(near, far))["live"].reshape(-1)[0])
        if not np.isfinite(logit):
            raise ValueError(f"{self.model_id} answered {logit}")
        return logit
