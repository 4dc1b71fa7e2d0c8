"""A room with people whose faces are textures, seen by an analyser that knows where they are and counts its work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box, Frame, Landmarks, Probe, Template
from attendance.domain.reason import Reason
from attendance.vision.analyser import Detection, FaceAnalyser, Judged, StageClock
from attendance.vision.following import Following
from tests.factories import MODEL, NOON, face, make_landmarks, make_quality, vector_of

WIDTH, HEIGHT = 640, 360
PLACE = Box(280, 100, 360, 200)


@dataclass(frozen=True)
class Person:
    """`shift`: how far the texture is moved, px, as if the head turned a little."""

    seed: int
    box: Box = PLACE
    yaw: float = 0.0
    flaws: tuple[Reason, ...] = ()
    shift: float = 0.0

    def at(self, across: float, down: float = 0.0) -> Person:
        box = self.box
        return replace(self, box=Box(box.x1 + across, box.y1 + down, box.x2 + across, box.y2 + down))


def seen(people: Sequence[Person], noise: int) -> NDArray[np.uint8]:
    """A grey wall and these people, each with a body; a camera's noise."""
    image = wall(noise % 7).copy()
    for person in people:
        x1, y1, x2, y2 = (round(value) for value in (person.box.x1, person.box.y1, person.box.x2, person.box.y2))
        image[y2:, max(0, x1 - 30) : x2 + 30] -= 50
        face = texture(person.seed, round(person.shift, 2), x2 - x1, y2 - y1).astype(np.int16)
        face += image[y1:y2, x1:x2].astype(np.int16) - 110
        image[y1:y2, x1:x2] = np.clip(face, 0, 255)
    return image


@cache
def wall(number: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(number).normal(0, 2, (HEIGHT, WIDTH, 3))
    return np.clip(110 + noise, 0, 255).astype(np.uint8)


@cache
def texture(seed: int, shift: float, width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(face(seed, shift), (width, height)), np.uint8)


@dataclass
class Room:
    """Stands for `FaceAnalyser`.  `did`: how often it searched (`find`, `near`) and embedded."""

    did: Counter[str] = field(default_factory=Counter)
    model_id: str = MODEL
    timings: Mapping[str, float] = field(default_factory=dict)
    here: dict[int, Sequence[Person]] = field(default_factory=dict)

    def frame(self, number: int, people: Sequence[Person], at: datetime) -> Frame:
        self.here[number] = people
        return Frame(seen(people, number), at, "door", number)

    def find(self, frame: Frame, max_faces: int = 5) -> list[Detection]:
        self.did["find"] += 1
        return [detected(person.box) for person in self.here[frame.sequence]]

    def find_around(self, frame: Frame, box: Box, size: int) -> list[Detection]:
        self.did["near"] += 1
        middle, reach = (box.x1 + box.x2) / 2, 1.2 * box.height
        return [
            detected(person.box)
            for person in self.here[frame.sequence]
            if abs((person.box.x1 + person.box.x2) / 2 - middle) < reach
        ]

    def judged(self, frame: Frame, found: Detection, clock: StageClock) -> Judged:
        person = self._person(frame, found)
        box = found.box
        crop = frame.image[round(box.y1) : round(box.y2), round(box.x1) : round(box.x2)]
        crop = cv2.resize(crop, (112, 112)).astype(np.uint8, copy=False)
        return Judged(found, crop, replace(make_quality(), yaw=person.yaw), person.flaws)

    def probe_of(self, judged: Judged, clock: StageClock) -> Probe:
        box, template = judged.face.box, None
        if not judged.flaws:
            self.did["embed"] += 1
            people = self.here[max(self.here)]
            person = next(one for one in people if one.box == box)
            template = Template(vector_of((person.seed,)), MODEL)
        return Probe(box, judged.face.landmarks, 0.9, judged.quality, judged.flaws, template)

    def _person(self, frame: Frame, found: Detection) -> Person:
        return next(person for person in self.here[frame.sequence] if person.box == found.box)


def detected(box: Box) -> Detection:
    return Detection(box, box, Landmarks(make_landmarks(box).points), 0.9)


class Film:
    """A room before a camera with ten pictures a second.  `decided`: whether its faces may rest."""

    def __init__(self) -> None:
        self.room = Room()
        self.eye = Following(cast(FaceAnalyser, self.room))
        self.number, self.at, self.decided = 0, NOON, True

    def show(self, *people: Person, after_s: float = 0.1) -> list[Probe]:
        self.at += timedelta(seconds=after_s)
        self.number += 1
        probes = self.eye.analyse(self.room.frame(self.number, people, self.at))
        self.eye.rest(self.decided)
        return probes

    def stands(self, seconds: float, *people: Person) -> list[list[Probe]]:
        """The people look about a little, so that their pixels change and their faces do not."""
        moved = [[replace(one, shift=one.shift + (n % 3) * 2.0) for one in people] for n in range(round(seconds * 10))]
        return [self.show(*each) for each in moved]
