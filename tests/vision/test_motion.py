"""The gate saves work on still frames and never costs anybody more than a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.faces import Frame, Probe, Region
from attendance.vision.motion import STILL_S, GatedAnalyser, MotionGate, MotionLimits, fields
from tests.factories import NOON, make_probe, vector_of

FPS = 15
LIMITS = MotionLimits()


def room(noise: float = 3.0, light: float = 1.0, size: tuple[int, int] = (360, 640)) -> Iterator[NDArray[np.uint8]]:
    """Endless pictures of an empty room by a noisy camera."""
    random = np.random.default_rng(0)
    height, width = size
    wall = np.linspace(120, 80, height)[:, None, None] * np.ones((1, width, 3)) * light
    grain = random.normal(0, noise, wall.shape)
    while True:
        yield np.clip(wall + np.roll(grain, int(random.integers(width)), axis=1), 0, 255).astype(np.uint8)


def with_block(image: NDArray[np.uint8], x: int, y: int = 150, side: int = 30) -> NDArray[np.uint8]:
    changed = image.copy()
    changed[y : y + side, x : x + side] = 200
    return changed


class Film:
    """Frames of a gate, one after the other at 15 a second."""

    def __init__(self, gate: MotionGate, region: Region | None = None) -> None:
        self.gate, self.region, self.number = gate, region, 0

    def opens(self, image: NDArray[np.uint8]) -> bool:
        at = NOON + timedelta(seconds=self.number / FPS)
        self.number += 1
        return self.gate.opens(Frame(image, at, "door", self.number, self.region))

    def still(self, seconds: float, pictures: Iterator[NDArray[np.uint8]]) -> list[bool]:
        return [self.opens(next(pictures)) for _ in range(round(seconds * FPS))]


def test_the_first_frames_are_searched_so_that_somebody_who_stands_there_is_found() -> None:
    opened = Film(MotionGate(LIMITS)).still(4, room())

    assert all(opened[: 2 * FPS])


def test_an_empty_room_is_searched_twice_a_second_and_no_more() -> None:
    film, pictures = Film(MotionGate(LIMITS)), room()
    film.still(3, pictures)
    opened = film.still(10, pictures)

    assert 17 <= sum(opened) <= 21


def test_often_enough_that_three_frames_agree_within_two_seconds_even_if_it_never_opened() -> None:
    opened = Film(MotionGate(MotionLimits(threshold=255, hold=timedelta(0)))).still(8, room())
    looked = [number / FPS for number, one in enumerate(opened) if one]

    assert max(after - before for before, after in zip(looked, looked[2:], strict=False)) <= 2


@pytest.mark.parametrize("side", [20, 60])
def test_somebody_who_walks_in_opens_it_at_once_and_it_stays_open_for_a_while(side: int) -> None:
    film, pictures = Film(MotionGate(LIMITS)), room()
    film.still(3, pictures)
    film.opens(next(pictures))
    assert film.opens(with_block(next(pictures), 300, side=side))
    opened = [film.opens(with_block(next(pictures), 300, side=side)) for _ in range(2 * FPS)]

    assert all(opened[: 2 * FPS - 1])


def test_slow_walkers_are_seen_too() -> None:
    film, pictures = Film(MotionGate(LIMITS)), room()
    film.still(3, pictures)
    opened = [film.opens(with_block(next(pictures), 150 + 2 * step)) for step in range(4 * FPS)]

    assert all(opened)


def test_a_cloud_is_no_motion() -> None:
    film = Film(MotionGate(LIMITS))
    film.still(3, room())
    pictures = room()
    opened = [film.opens((next(pictures) * (1 - 0.006 * step)).astype(np.uint8)) for step in range(5 * FPS)]

    assert sum(opened) < 15


def test_a_face_holds_it_open_but_a_poster_not_for_ever() -> None:
    gate = MotionGate(LIMITS)
    film, pictures = Film(gate), room()
    opened = []
    for _ in range(round((STILL_S + 6) * FPS)):
        opened.append(film.opens(next(pictures)))
        if opened[-1]:
            gate.saw(1)

    assert all(opened[: int(STILL_S * FPS)])
    assert sum(opened[-4 * FPS :]) <= 9


def test_motion_outside_the_region_does_not_count() -> None:
    film, pictures = Film(MotionGate(LIMITS), Region(0, 0, 0.4, 1)), room()
    film.still(3, pictures)
    outside = [film.opens(with_block(next(pictures), 300 + 10 * step)) for step in range(FPS)]
    inside = [film.opens(with_block(next(pictures), 50 + 10 * step)) for step in range(FPS)]

    assert sum(outside) <= 3
    assert sum(inside) >= FPS - 1


def test_another_picture_size_and_a_clock_set_back_open_it() -> None:
    gate = MotionGate(LIMITS)
    film, pictures = Film(gate), room()
    film.still(4, pictures)
    small = next(room(size=(240, 320)))
    assert film.opens(small)
    film.number = 0
    assert film.opens(small)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3, 2), (2000, 3000)])
def test_pictures_of_any_size_have_the_same_number_of_fields(shape: tuple[int, int]) -> None:
    frame = Frame(np.full((*shape, 3), 77, np.uint8), NOON, "door")

    assert fields(frame).shape == (36, 64)
    assert fields(frame) == pytest.approx(77)


class Inner:
    model_id = "net"
    timings = {"detect": 1.0}  # noqa: RUF012

    def __init__(self) -> None:
        self.asked = 0

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        self.asked += 1
        return [make_probe(vector_of((1,)))]


def test_a_frame_that_is_not_searched_costs_the_network_nothing() -> None:
    inner = Inner()
    gated = GatedAnalyser(inner, MotionGate(MotionLimits(hold=timedelta(0), look_every=timedelta(seconds=10))))
    image = next(room())
    found = [len(gated.analyse(Frame(image, NOON + timedelta(seconds=number / FPS), "door"))) for number in range(5)]

    assert found == [1, 0, 0, 0, 0]
    assert inner.asked == 1
    assert list(gated.timings) == ["motion"]
    assert gated.model_id == "net"
