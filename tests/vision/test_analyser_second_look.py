"""A face that is small in a large picture is looked at again from near, with the shipped networks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from attendance.config import Settings
from attendance.domain.faces import Frame, Region, Template
from attendance.programs.portraits import hopper
from attendance.vision import analyser as analysers
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.serving import analyser_for
from tests.factories import NOON

WEIGHTS = Path(__file__).parents[2] / "weights"


@pytest.fixture(scope="module")
def analyser() -> FaceAnalyser:
    plain = Settings()
    models = plain.models.model_copy(update={"weights_dir": str(WEIGHTS), "flip": False, "threads": 1})
    return analyser_for(plain.model_copy(update={"models": models}))


def template_of(analyser: FaceAnalyser, image: np.ndarray, region: Region | None = None) -> Template:
    (probe,) = analyser.analyse(Frame(image, NOON, "test", region=region), 1)
    assert probe.template is not None
    return probe.template


def far_away() -> np.ndarray:
    """Her portrait as 5 % of the width of a phone's photo: her face is 12 of 256 pixels for the network."""
    large = np.full((1800, 2400, 3), 110, np.uint8)
    large[700:1000, 900:1156] = cv2.resize(hopper(), (256, 300), interpolation=cv2.INTER_AREA)
    return large


def test_a_small_face_in_a_large_picture_gets_the_template_of_a_large_one(
    analyser: FaceAnalyser, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, near = far_away(), template_of(analyser, hopper())
    region = Region(0.2, 0.2, 0.8, 0.8)
    assert near.score(template_of(analyser, photo)) > 0.9
    assert near.score(template_of(analyser, photo, region)) > 0.9
    monkeypatch.setattr(analysers, "SMALL", 0.0)
    assert near.score(template_of(analyser, photo)) < 0.9


def test_a_large_face_is_looked_at_once(analyser: FaceAnalyser, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[tuple[int, ...]] = []
    search = analyser._search

    def count(
        image: np.ndarray, corners: tuple[int, int, int, int], in_side_light: bool = False
    ) -> list[analysers.Detection]:
        searched.append(corners)
        return search(image, corners, in_side_light=in_side_light)

    monkeypatch.setattr(analyser, "_search", count)
    template_of(analyser, hopper())
    assert len(searched) == 1
    template_of(analyser, far_away())
    assert len(searched) == 3
