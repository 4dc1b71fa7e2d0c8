"""Pictures of Anna that move, for tests of what is a further look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Frame
from attendance.service.access.check_in import CheckIn
from tests.factories import ANNA, face
from tests.service.conftest import Site


def of_anna(across: float = 0.0) -> NDArray[np.uint8]:
    """A picture with structure whose mean colour is Anna's."""
    texture = (face(across=across).astype(np.float64) - 128) * 0.3
    for half in (texture[:, :160], texture[:, 160:]):
        half -= half.mean(axis=(0, 1))
    return np.clip(np.array(ANNA) + texture, 0, 255).astype(np.uint8)


def show(site: Site, check_in: CheckIn, pictures: Sequence[NDArray[np.uint8]]) -> None:
    for picture in pictures:
        site.clock.advance(0.2)
        check_in.process(Frame(picture, site.clock.now(), "door"))
