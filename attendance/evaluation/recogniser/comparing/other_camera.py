"""Enrolment photos as another camera would have taken them: one imitated camera a site.

In: settings, paths of photos, a number of the camera.  Out: vectors, NaN without a found face.
Does not know: who is on the photos, how a site is measured.
Main choice: the views that the recogniser's training makes, with everything but the noise held for all photos, since a
camera does not change from one person to the next.  Trade-off: an imitation; the looks stay real.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.domain.access.scoring import Vectors
from attendance.evaluation.recogniser.embedding import main_face
from attendance.vision.align import align_face
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.serving import analyser_for, cards_for

_SEED = 77


class OneCamera(np.random.Generator):
    """A source of chance that draws the same camera each time, and new noise each time."""

    def __init__(self, number: int, noise: np.random.Generator) -> None:
        super().__init__(np.random.PCG64([_SEED, number]))
        self._noise = noise

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Draw what belongs to the camera, or noise for the pixels of a picture."""
        pixels = isinstance(size, tuple)
        return self._noise.normal(loc, scale, size) if pixels else super().normal(loc, scale, size)


def seen_by(crop: NDArray[np.uint8], number: int, noise: np.random.Generator) -> NDArray[np.uint8]:
    """Return the aligned BGR crop [S,S,3] as camera `number` would show it."""
    import torch

    from attendance.training.recogniser.webcam import webcam

    view = torch.from_numpy(np.ascontiguousarray(crop[:, :, ::-1])).permute(2, 0, 1)[None].float()
    seen = webcam(view, OneCamera(number, noise))[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray(seen.clip(0, 255).astype(np.uint8)[:, :, ::-1])


def photo_vectors(settings: Settings, paths: Sequence[Path], cameras: int) -> list[Mapping[Path, Vectors]]:
    """Return the vector [D] of each photo, by camera."""
    single = settings.model_copy(update={"models": settings.models.model_copy(update={"threads": 1})})
    analyser, card, noise = analyser_for(single), cards_for(single)[1], np.random.default_rng(_SEED)
    gap = np.full(card.embedding_dim or 1, np.nan, np.float32)
    found: list[dict[Path, Vectors]] = [{} for _ in range(cameras)]
    for path in paths:
        crop = _aligned(analyser, path, card.input_size)
        for number, vectors in enumerate(found):
            template = None if crop is None else analyser.embed(seen_by(crop, number, noise))
            vectors[path] = gap if template is None else template.vector
    return list(found)


def _aligned(analyser: FaceAnalyser, path: Path, size: int) -> NDArray[np.uint8] | None:
    """Return the aligned crop of the main face; None if the photo cannot be read or has none."""
    read = cv2.imread(str(path))
    if read is None:
        return None
    image = read.astype(np.uint8, copy=False)
    face = main_face(analyser.detect(image), image.shape[1], image.shape[0])
    try:
        return None if face is None else align_face(image, face.landmarks.points, size)
    except ValueError:  # the landmarks coincide
        return None
