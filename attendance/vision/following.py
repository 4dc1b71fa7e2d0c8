"""Work by person and not by frame: faces that were decided about are followed, and embedded only now and then.

In: frames of one camera; whether the faces of the newest one are all decided about.  Out: probes; those of a face that
rests have the template of an earlier picture, and say so (`Probe.rested`).
Does not know: decisions, people, what is done with a probe.
Main choice: a picture rests as a whole.  If anything about it is new (another face, one missing, a jump, another pose,
light or look, too long a time), it is searched and embedded like any other, so that what is decided is decided as
without this.  Trade-off: beside somebody who is not decided about yet, nobody's work is saved.

While all rest there are three kinds of look, cheapest first: the pixels of the faces have not changed; the detector
looks at a small picture around each face; the whole picture is searched, FULL_EVERY and as soon as something moves
elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.face_patch import Patch, distance, patch_of
from attendance.domain.access.track import differs
from attendance.domain.faces import Box, Frame, Probe, Region
from attendance.vision.analyser import Detection, FaceAnalyser, Judged, StageClock
from attendance.vision.motion import GRID, LEAST_FIELDS, fields, moved

log = logging.getLogger(__name__)

# A face is embedded again before its template is older than this; with fewer pictures than one a second, always.
EMBED_EVERY = timedelta(seconds=1)
FULL_EVERY = timedelta(seconds=0.5)
NEAR_SIZE = 96  # px: a face then fills 40 of them
MOST_NEAR = 3  # searches around more faces would cost as much as one of the whole picture
SAME_PLACE = 0.5  # IoU of a face with itself one picture earlier
# Correlation of the aligned face with the one that was embedded.  From one picture to the next 0.99 (median; twelve
# webcam clips of people who sign, their hands before the face), another person's 0.6 (0.92 in one pair of twenty).
ALIKE = 0.9
STILL, STILL_MOST = 1.5, 8.0  # grey levels of the face's fields: their mean and the largest; noise stays below
CROP_SIDE = 16
# What moves around a face with its person and arms, in face sizes: to each side, above; and all below.
BESIDE, ABOVE = 2.0, 1.0
MOVES = 12.0  # grey levels of a field elsewhere


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    """A face as it was seen last.

    `embedded`, `at`, `crop`: of its newest embedding; `crop` None: the face is too poor for one.  `patch`, `sought`:
    its pixels and its box in the newest picture in which it was searched.
    """

    probe: Probe
    embedded: Probe
    at: datetime
    crop: NDArray[np.float64] | None
    patch: Patch
    sought: Box


class Following:
    """The analyser of one camera.  Not for several threads at once."""

    def __init__(self, inner: FaceAnalyser) -> None:
        self._inner = inner
        self._timings: Mapping[str, float] = {}
        self._newest: tuple[Frame, Sequence[tuple[Judged, Probe]]] | None = None
        self._faces: list[_Face] = []  # those that rest
        self._most_near = MOST_NEAR
        self._at: datetime | None = None
        self._full_at: datetime | None = None
        self._place: tuple[tuple[int, ...], Region | None] | None = None
        self._scene: NDArray[np.float32] | None = None

    @property
    def model_id(self) -> str:
        """The recogniser's."""
        return self._inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds of the last `analyse` by stage; `follow`: of finding out whether faces may rest."""
        return self._timings

    def rest(self, decided: bool) -> None:
        """Say whether all faces of the newest picture are decided about: they may rest then."""
        if not decided:
            self._faces = []
        elif self._newest is not None:
            frame, seen = self._newest
            self._faces = [_face_of(frame, judged, probe) for judged, probe in seen]
            self._full_at, self._scene = frame.taken_at, fields(frame)
        self._newest = None

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        """Return the faces of the frame, largest first; either all of them rest or none."""
        clock = StageClock()
        faces, found = self._rested(frame, max_faces, clock) if self._goes_on(frame) else (None, None)
        clock.stop("follow")
        if faces is None:
            if found is None:
                found = self._inner.find(frame, max_faces)
                clock.stop("detect")
            seen = [self._inner.judged(frame, face, clock) for face in found]
            new = [(judged, self._inner.probe_of(judged, clock)) for judged in seen]
            self._faces, self._newest = [], (frame, new)
        else:
            self._faces, self._newest = faces, None
        self._at, self._place = frame.taken_at, (frame.image.shape, frame.region)
        self._timings = clock.spent
        return [probe for _, probe in new] if faces is None else [face.probe for face in faces]

    def _goes_on(self, frame: Frame) -> bool:
        """Return whether faces rest, and this picture goes on from the newest one."""
        if not self._faces or self._at is None or self._place != (frame.image.shape, frame.region):
            return False
        return timedelta(0) < frame.taken_at - self._at < EMBED_EVERY

    def _rested(
        self, frame: Frame, max_faces: int, clock: StageClock
    ) -> tuple[list[_Face] | None, list[Detection] | None]:
        """Return the faces as they rest, or None, and then what a search of the whole picture found, if it was made."""
        now = frame.taken_at
        assert self._at is not None and self._full_at is not None
        # By the picture after this one a template would be too old.
        due = any(face.crop is not None and now + (now - self._at) - face.at > EMBED_EVERY for face in self._faces)
        whole = due or now - self._full_at >= FULL_EVERY or self._moves_elsewhere(frame)
        if not whole and all(_is_still(face, frame) for face in self._faces):
            return self._faces, None
        clock.stop("follow")
        if not whole and len(self._faces) <= self._most_near:
            near = self._find_near(frame)
            clock.stop("detect")
            return (None if near is None else self._kept(frame, near, clock)), None
        found = self._inner.find(frame, max_faces)
        clock.stop("detect")
        kept = None if due else self._kept(frame, found, clock)
        if kept is not None:
            self._full_at, self._scene = now, fields(frame)
        return kept, found

    def _find_near(self, frame: Frame) -> list[Detection] | None:
        """Return the faces around those that rest; None unless there is one around each."""
        found = []
        for face in self._faces:
            try:
                here = self._inner.find_around(frame, face.probe.box, NEAR_SIZE)
            except Exception as error:  # each runtime has its own for a graph of one size
                log.warning("%s: the detector takes no small pictures, so whole ones are searched", error)
                self._most_near = 0
                return None
            if len(here) != 1:
                return None
            found += here
        return found

    def _kept(self, frame: Frame, found: Sequence[Detection], clock: StageClock) -> list[_Face] | None:
        """Return the faces that rest where they are now; None if anything is new about any of them."""
        if len(found) != len(self._faces):
            return None
        left, kept = list(self._faces), []
        for detection in found:
            face = max(left, key=lambda one: one.probe.box.iou(detection.box))
            left.remove(face)
            judged = self._inner.judged(frame, detection, clock)
            if (now := _still_the_same(face, judged)) is None:
                return None
            kept.append(replace(face, probe=now, patch=patch_of(frame.image, now.box), sought=now.box))
        clock.stop("follow")
        return kept

    def _moves_elsewhere(self, frame: Frame) -> bool:
        """Return whether something moved since the newest search of the whole picture, and not with these people."""
        assert self._scene is not None
        elsewhere = moved(fields(frame), self._scene, MOVES)
        for face in self._faces:
            rows, columns = _person_in(frame, face.probe.box)
            elsewhere[rows, columns] = False
        return int(elsewhere.sum()) >= LEAST_FIELDS


def _face_of(frame: Frame, judged: Judged, probe: Probe) -> _Face:
    crop = None if probe.template is None or judged.crop is None else _small(judged.crop)
    resting = replace(probe, rested=True)
    return _Face(resting, probe, frame.taken_at, crop, patch_of(frame.image, probe.box), probe.box)


def _still_the_same(face: _Face, judged: Judged) -> Probe | None:
    """Return the face as it rests where it is now; None if it jumped, or changed since it was embedded."""
    found = judged.face
    now = Probe(
        found.box, found.landmarks, found.score, judged.quality, face.probe.flaws, face.probe.template, rested=True
    )
    if face.probe.box.iou(now.box) < SAME_PLACE or bool(judged.flaws) != bool(face.probe.flaws):
        return None
    if face.crop is None:
        return now
    if judged.crop is None or differs(face.embedded, now):
        return None
    return now if float((_small(judged.crop) * face.crop).sum()) >= ALIKE else None


def _is_still(face: _Face, frame: Frame) -> bool:
    """Return whether the pixels of a face are those of the newest picture in which it was searched."""
    now = patch_of(frame.image, face.sought)
    return distance(now, face.patch) <= STILL and float(np.abs(now - face.patch).max()) <= STILL_MOST


def _small(crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return an aligned face as a small grey picture of length 1, without its mean, so that a product correlates."""
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_AREA)
    values = grey.astype(np.float64)
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-9)


def _person_in(frame: Frame, box: Box) -> tuple[slice, slice]:
    """Return the rows and columns of the grid of `fields` in which a person moves whose face is in this box."""
    height, width = frame.image.shape[:2]
    left, top, right, bottom = (0, 0, width, height) if frame.region is None else frame.region.pixels(height, width)
    down, across = GRID[1] / max(bottom - top, 1), GRID[0] / max(right - left, 1)
    x1, x2 = box.x1 - BESIDE * box.width, box.x2 + BESIDE * box.width
    columns = slice(max(0, int((x1 - left) * across)), max(0, int((x2 - left) * across) + 1))
    return slice(max(0, int((box.y1 - ABOVE * box.height - top) * down)), None), columns
