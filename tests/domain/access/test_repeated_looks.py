"""The same picture is no further look, whatever a codec does to it; a person who lives and breathes is one."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.access.repeated_looks import REMEMBERED, RepeatedLooks, Suspicion
from attendance.domain.faces import Box
from tests.factories import NOON, coded, face

BOX = Box(100, 60, 220, 200)


def repeats(looks: RepeatedLooks, pictures: list[NDArray[np.uint8]], step: float = 0.2) -> list[bool]:
    return [looks.is_repeat(one, BOX, NOON + timedelta(seconds=step * n)) for n, one in enumerate(pictures)]


def test_the_same_picture_counts_once_however_often_it_comes() -> None:
    assert repeats(RepeatedLooks(), [face()] * 5) == [False, True, True, True, True]


@pytest.mark.parametrize("quality", [95, 85, 60])
def test_the_same_picture_coded_anew_is_the_same(quality: int) -> None:
    looks = RepeatedLooks()

    assert repeats(looks, [coded(face(), 90), coded(face(), quality)]) == [False, True]


def test_the_light_alone_makes_no_new_picture() -> None:
    brighter = (face().astype(np.int16) + 6).clip(0, 255).astype(np.uint8)

    assert repeats(RepeatedLooks(), [face(), brighter]) == [False, True]


def test_a_box_that_jitters_makes_no_new_picture() -> None:
    looks = RepeatedLooks()
    looks.is_repeat(face(), BOX, NOON)

    assert looks.is_repeat(face(), Box(101.5, 59, 221, 201), NOON)


def test_a_face_that_moves_half_a_pixel_is_a_further_look() -> None:
    assert repeats(RepeatedLooks(), [face(across=0.5 * n) for n in range(5)]) == [False] * 5


def test_another_face_in_between_makes_no_new_picture() -> None:
    assert repeats(RepeatedLooks(), [face(1), face(2), face(1), face(2)]) == [False, False, True, True]


def test_without_structure_nothing_is_compared() -> None:
    flat = np.full((240, 320, 3), 90, np.uint8)

    assert repeats(RepeatedLooks(), [flat] * 3) == [False] * 3


def test_a_face_that_stands_still_for_half_a_minute_is_suspicious_until_it_moves() -> None:
    looks = RepeatedLooks()
    repeats(looks, [face()] * 140)
    assert looks.suspicion is None, "28 seconds"
    repeats(looks, [face()] * 160)
    assert looks.suspicion is Suspicion.FROZEN_FACE
    looks.is_repeat(face(across=3), BOX, NOON)
    assert looks.suspicion is None


def test_a_recording_played_again_is_suspicious_soon() -> None:
    looks, recording = RepeatedLooks(), [face(across=2.0 * n) for n in range(12)]
    assert repeats(looks, recording) == [False] * 12
    assert looks.suspicion is None
    assert repeats(looks, recording * 2) == [True] * 24
    assert looks.suspicion is Suspicion.REPEATED_SEQUENCE


def test_only_so_many_looks_are_remembered() -> None:
    looks = RepeatedLooks()
    repeats(looks, [face(seed) for seed in range(REMEMBERED + 1)])

    assert looks.is_repeat(face(REMEMBERED), BOX, NOON)
    assert not looks.is_repeat(face(0), BOX, NOON)


def test_two_faces_that_rest_and_stand_still_push_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance.domain.access.repeated_looks.REMEMBERED", 16)
    looks, beside, still = RepeatedLooks(), Box(10, 60, 90, 200), face(1)
    looks.is_repeat(face(2), BOX, NOON)
    for _ in range(16):
        for box in (BOX, beside):
            looks.remember(still, box)

    assert looks.is_repeat(face(2), BOX, NOON)
