"""The same lamp is refused once, whoever stands there is refused each time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box, Frame, Probe
from attendance.domain.reason import Reason
from tests.factories import NOBODY as DARK
from tests.factories import make_frame, make_probe, vector_of
from tests.service.conftest import Site

LAMP = Box(0, 10, 25, 45)


def poster(seed: int) -> NDArray[np.uint8]:
    blocks = np.random.default_rng(seed).integers(40, 220, (6, 8, 3))
    return blocks.repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8)


class Flickering:
    """Finds one cut-off face in every lit picture."""

    model_id = "test-recogniser-v1"
    timings: dict[str, float] = {}  # noqa: RUF012
    flaw = Reason.CUT_OFF

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        return [make_probe(vector_of((1,)), box=LAMP, flaws=(self.flaw,))] if frame.image.max() > 16 else []


def refusals(site: Site, pictures: list[NDArray[np.uint8]], **rules: object) -> list[Reason]:
    """Each picture is seen for four seconds, then nothing for three, so that the face is forgotten in between."""
    site.analyser = Flickering()  # type: ignore[assignment]
    site.rules = replace(site.rules, **rules)  # type: ignore[arg-type]
    check_in = site.check_in()
    for picture in pictures:
        for number in range(35):
            site.clock.advance(0.2)
            image = picture if number < 20 else make_frame(DARK).image
            check_in.process(Frame(image, site.clock.now(), "door"))
    return [view.passage.reason for view in site.log()]


def test_a_false_face_that_does_not_change_is_refused_once(staffed: Site) -> None:
    assert refusals(staffed, [poster(0)] * 4) == [Reason.CUT_OFF]


def test_another_one_in_the_same_place_is_refused_too(staffed: Site) -> None:
    assert refusals(staffed, [poster(0), poster(1), poster(0)]) == [Reason.CUT_OFF] * 2


def test_it_is_told_again_after_its_time_and_each_time_when_that_is_wished(staffed: Site) -> None:
    assert len(refusals(staffed, [poster(0)] * 4, static_detection=timedelta(seconds=10))) == 2


def test_with_no_time_each_one_is_told(staffed: Site) -> None:
    assert len(refusals(staffed, [poster(0)] * 3, static_detection=timedelta(0))) == 3
