"""How the daemon's analyser of one camera is put together."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from attendance.config import Settings
from attendance.domain.faces import Frame, Probe
from attendance.programs.daemons import gated
from tests.factories import NOON


class Empty:
    """A scene without a face; remembers in which pictures it was looked for in side light."""

    model_id = "net"
    timings = {"detect": 1.0}  # noqa: RUF012

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        self.asked.append(frame.side_light)
        return []


@pytest.mark.parametrize("motion", [True, False])
def test_a_camera_looks_in_side_light_now_and_then_only_with_and_without_a_motion_gate(motion: bool) -> None:
    eye, plain = Empty(), Settings()
    settings = plain.model_copy(update={"motion": plain.motion.model_copy(update={"enabled": motion})})
    analyser = gated(eye, settings)
    for number in range(20):
        image = np.full((360, 640, 3), 90, np.uint8)
        image[100:200, 20 * number : 20 * number + 80] = 200
        analyser.analyse(Frame(image, NOON + timedelta(seconds=number / 10), "door"))

    assert len(eye.asked) == 20
    assert 5 <= sum(eye.asked) <= 8, "at most a few times a second"
