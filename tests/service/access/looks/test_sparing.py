"""The second look in side light: an unchanged or windy scene does not pay for it, and whoever is there is not lost."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Frame, Probe
from attendance.service.access.looks.sparing import VAIN_EVERY, Sparing
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.motion import GatedAnalyser, MotionGate, MotionLimits
from tests.factories import NOON, detector_heads, make_probe, vector_of
from tests.fakes import FakeSession
from tests.vision.analysed import ANYTHING, FINDER, NET, UNIT

Image = NDArray[np.uint8]


def counted() -> tuple[FaceAnalyser, FakeSession]:
    """An analyser that finds nobody, and its detector, which remembers how often it ran."""
    detector = FakeSession(detector_heads([], 256))
    return FaceAnalyser(detector, FINDER, FakeSession({"embedding": UNIT}), NET, ANYTHING, 0.5), detector


def picture(number: int, moves: bool) -> Image:
    image = np.full((360, 640, 3), 90, np.uint8)
    if moves:
        image[100:200, 10 * (number % 50) : 10 * (number % 50) + 60] = 200
    return image


def looks(gated: GatedAnalyser | Sparing, detector: FakeSession, seconds: int, moves: bool, begin: int = 0) -> int:
    """Show ten pictures a second; return how often the detector ran."""
    before = len(detector.seen)
    for number in range(begin * 10, (begin + seconds) * 10):
        gated.analyse(Frame(picture(number, moves), NOON + timedelta(seconds=number / 10), "door"))
    return len(detector.seen) - before


def test_an_unchanged_picture_costs_no_run_more_than_without_the_second_look() -> None:
    gate = MotionGate(MotionLimits())
    analyser, detector = counted()
    gated = GatedAnalyser(Sparing(analyser, lambda: gate.changed), gate)
    looks(gated, detector, 4, moves=False)  # the first picture counts as a change for a while
    without = timedelta(seconds=10) / MotionLimits().look_every

    assert looks(gated, detector, 10, moves=False, begin=4) == without


def test_an_empty_windy_scene_pays_a_third_more_and_not_twice() -> None:
    gate = MotionGate(MotionLimits())
    analyser, detector = counted()
    gated = GatedAnalyser(Sparing(analyser, lambda: gate.changed), gate)
    first = looks(gated, detector, 10, moves=True)

    assert 100 + 10 / (VAIN_EVERY / timedelta(seconds=1)) - 5 <= first <= 135
    alone, detector = counted()
    assert 125 <= looks(Sparing(alone), detector, 10, moves=True) <= 135, "without a motion gate, too"


class Eye:
    """Sees somebody who is in side light, if it is asked to look there."""

    model_id = "net"
    timings = {"detect": 1.0}  # noqa: RUF012

    def __init__(self, from_s: float, to_s: float) -> None:
        self.from_s, self.to_s = from_s, to_s
        self.asked: list[float] = []

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        at = (frame.taken_at - NOON) / timedelta(seconds=1)
        if not frame.side_light:
            return []
        self.asked.append(at)
        return [make_probe(vector_of((1,)))] if self.from_s <= at < self.to_s else []


def test_whoever_is_there_is_looked_at_in_every_picture() -> None:
    eye = Eye(1.0, 3.0)
    sparing = Sparing(eye)
    found = [
        bool(sparing.analyse(Frame(picture(0, False), NOON + timedelta(seconds=n / 10), "door"))) for n in range(60)
    ]
    since = found.index(True)

    assert since <= 13, "within the time between two vain looks"
    assert all(found[since:30]) and not any(found[30:])
    assert len([at for at in eye.asked if at >= 3.0]) <= 11
    assert (sparing.model_id, sparing.timings) == ("net", {"detect": 1.0})


def test_a_clock_that_is_set_back_stops_no_second_look() -> None:
    eye = Eye(-100.0, -50.0)
    sparing = Sparing(eye)
    times: list[datetime] = [NOON, NOON - timedelta(seconds=60)]
    assert [len(sparing.analyse(Frame(picture(0, False), at, "door"))) for at in times] == [0, 1]
