"""A region of interest: cut out before the picture is made small, told in pixels of the whole picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from attendance.domain.faces import Frame, Region
from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import reason_advice
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.quality import QualityLimits
from attendance.vision.runtime import open_session
from attendance.vision.weights import Card
from tests.factories import NOON, detector_heads
from tests.fakes import FakeSession
from tests.vision.analysed import ANYTHING, FINDER, NET, UNIT

HALF = Region(0.5, 0.0, 1.0, 1.0)


def analyser(boxes: list[tuple[float, float, float, float]], limits: QualityLimits = ANYTHING) -> FaceAnalyser:
    return FaceAnalyser(
        FakeSession(detector_heads(boxes, 256)), FINDER, FakeSession({"embedding": UNIT}), NET, limits, 0.5
    )


def frame(region: Region | None, height: int = 512, width: int = 1024) -> Frame:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Frame(image, NOON, "door", region=region)


@pytest.mark.parametrize("corners", [(0.5, 0.2, 0.4, 0.9), (0, 0, 1.1, 1), (-0.1, 0, 1, 1), (0.2, 0.2, 0.22, 0.9)])
def test_what_is_no_region_cannot_be_made(corners: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="not a region"):
        Region(*corners)
    with pytest.raises(ValueError, match="not a region"):
        Region(float("nan"), 0, 1, 1)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (480, 640), (6000, 8000)])
def test_a_region_has_pixels_in_a_picture_of_any_size(size: tuple[int, int]) -> None:
    for region in (Region(0, 0, 1, 1), Region(0.95, 0.95, 1, 1), Region(0, 0, 0.05, 0.05)):
        x1, y1, x2, y2 = region.pixels(*size)
        assert 0 <= x1 < x2 <= size[1]
        assert 0 <= y1 < y2 <= size[0]


def test_boxes_are_told_in_pixels_of_the_whole_picture() -> None:
    (probe,) = analyser([(60, 60, 160, 180)]).analyse(frame(HALF))  # 512 px of the right half become 256
    box = probe.box

    assert [box.x1, box.y1, box.x2, box.y2] == pytest.approx([512 + 120, 120, 512 + 320, 360], abs=1e-2)
    assert probe.landmarks.points[:, 0].min() > 512


def test_the_network_sees_the_region_and_nothing_else() -> None:
    detector = FakeSession(detector_heads([], 256))
    whole = FaceAnalyser(detector, FINDER, FakeSession({"embedding": UNIT}), NET, ANYTHING, 0.5)
    image = np.zeros((512, 1024, 3), np.uint8)
    image[:, 512:] = 250
    whole.analyse(Frame(image, NOON, "door", region=HALF))

    assert detector.seen[0].min() == 250


def test_the_whole_picture_as_a_region_changes_nothing() -> None:
    boxes = [(60.0, 60.0, 160.0, 180.0)]
    plain, whole = (analyser(boxes).analyse(frame(region)) for region in (None, Region(0, 0, 1, 1)))

    assert [probe.box for probe in plain] == [probe.box for probe in whole]


def test_a_face_whose_middle_lies_outside_is_none() -> None:
    heads = detector_heads([(1.0, 60.0, 15.0, 180.0)], 256)
    heads["bbox"][0, heads["obj"][0].argmax(), 0] = 10  # strides: it now reaches 152 px beyond the left border
    found = FaceAnalyser(FakeSession(heads), FINDER, FakeSession({"embedding": UNIT}), NET, ANYTHING, 0.5)

    assert found.detect(frame(HALF).image, HALF) == []
    assert len(found.detect(frame(None).image)) == 1


def test_a_face_across_the_regions_border_is_judged_by_the_whole_picture() -> None:
    (probe,) = analyser([(-20.0, 60.0, 100.0, 180.0)]).analyse(frame(HALF))

    assert probe.box.x1 == pytest.approx(512 - 40, abs=1e-2)  # beyond the region, inside the picture
    assert probe.quality.visible == pytest.approx(1)


def test_a_face_below_the_useful_size_is_told_to_come_closer_and_not_guessed() -> None:
    far = analyser([(120.0, 120.0, 136.0, 136.0)], replace(ANYTHING, min_size=40.0))
    (probe,) = far.analyse(frame(None))  # 64 px of 1024, and of the region's 512 they are 32

    assert probe.flaws == ()
    (probe,) = far.analyse(frame(HALF))
    assert (probe.flaws, probe.template) == ((Reason.TOO_SMALL,), None)
    assert "come closer" in reason_advice(Reason.TOO_SMALL).lower()


@pytest.mark.parametrize("size", [256, 320, 448, 640])
def test_larger_inputs_find_the_same_face(detector: Card, recogniser: Card, tmp_path: object, size: int) -> None:
    sessions = [open_session(card, tmp_path, threads=1) for card in (detector, recogniser)]  # type: ignore[arg-type]
    real = FaceAnalyser(sessions[0], detector, sessions[1], recogniser, ANYTHING, 0.5, size)
    image = np.full((640, 640, 3), 20, np.uint8)
    image[320:400, 240:320] = (190, 230, 250)
    (probe,) = real.analyse(Frame(image, NOON, "door"), 1)

    assert probe.box.x1 < 280 < probe.box.x2
    assert probe.box.y1 < 360 < probe.box.y2
