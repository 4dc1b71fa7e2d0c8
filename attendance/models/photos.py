"""A photo → the embedding of the one face in it, along the door's path.

In: a network that embeds aligned crops; a photo, or a crop that is aligned already.  Out: a unit embedding.
Does not know: people, thresholds.
Main choice: the packaged detector and `FaceAnalyser` with the program's defaults do the work, so that the cosine of two
embeddings is the score that a door with default settings gives.  Trade-off: the quality limits do not apply here, so a
poor photo gets a number where a door asks for a better look.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from attendance.config import Settings
from attendance.domain.faces import SECOND_FACE, Frame, Template
from attendance.errors import UserError
from attendance.vision.align import align_face
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.quality import QualityLimits
from attendance.vision.runtime import Outputs, Session, open_session
from attendance.vision.serving import cards_for
from attendance.vision.weights import Card, Preprocess


class _InMemory:
    """A session over a network that is in memory."""

    def __init__(self, net: nn.Module) -> None:
        self._net = net

    def run(self, image: NDArray[np.float32]) -> Outputs:
        device = next(self._net.parameters()).device
        with torch.inference_mode():
            return {"embedding": self._net(torch.from_numpy(image).to(device)).float().cpu().numpy()}


@cache
def _packaged() -> tuple[Session, Card, Card]:
    """Return the packaged detector, its card, and the packaged recogniser's card."""
    settings = Settings()
    detector, recogniser = cards_for(settings)
    return open_session(detector, settings.models.weights), detector, recogniser


def embed_photo(net: nn.Module, size: int, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the unit embedding [D] of the one face in a photo, BGR uint8 [H,W,3].

    `net`: float RGB 0..255 [N,3,size,size] → [N,D].  Raises UserError if there is no face, or if a second face is at
    least a quarter of the first one's area: then it is unclear whose photo it is.
    """
    analyser = _analyser(net, size)
    found = analyser.analyse(Frame(bgr, datetime.now(UTC), "photo"), max_faces=2)
    if not found:
        raise UserError(
            "there is no face on this photo: use one that shows the face from the front; "
            "for an aligned face crop add aligned=True"
        )
    if len(found) > 1 and found[1].box.area > SECOND_FACE * found[0].box.area:
        raise UserError("several people are on this photo: cut out the one you mean")
    face = found[0]
    if face.template is not None:
        return face.template.vector
    try:
        crop = align_face(bgr, face.landmarks.points, size)
    except ValueError as error:
        raise UserError(f"the face on this photo cannot be aligned: {error}; use another photo") from None
    return _vector(analyser.embed(crop))


def embed_crop(net: nn.Module, size: int, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the unit embedding [D] of an aligned face crop of any size, BGR uint8 [H,W,3].

    Raises UserError for a crop without pixels.
    """
    if not bgr.size:
        raise UserError("the crop has no pixels: cut it out of the photo again")
    shrinks = max(bgr.shape[:2]) > size
    crop = cv2.resize(bgr, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return _vector(_analyser(net, size).embed(crop.astype(np.uint8, copy=False)))


def _analyser(net: nn.Module, size: int) -> FaceAnalyser:
    settings = Settings()
    detector, detector_card, recogniser_card = _packaged()
    return FaceAnalyser(
        detector,
        detector_card,
        _InMemory(net),
        replace(recogniser_card, input_size=size, preprocess=Preprocess()),
        QualityLimits(**settings.quality.model_dump()),
        settings.detector.confidence,
        settings.detector.input_size,
        settings.models.flip,
    )


def _vector(template: Template | None) -> NDArray[np.float32]:
    if template is None:
        raise UserError("the network gives the same kind of answer to every face: load trained weights")
    return template.vector
