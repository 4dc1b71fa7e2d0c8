"""Enrolling at the door: the camera's daemon takes a few different good photos of the person who stands there.

In: the frames of one camera; a wish of the admin site.  Out: sealed photos for an operator to confirm; hints.
Does not know: pages, screens, how a face is found.
Main choice: it stands around the check-in, which is asked nothing while photos are taken, so that nobody is refused
at a door where they are being enrolled.  What is kept are crops around the face, and the operator's confirmation
enrols them as any other photo: one judge.  Trade-off: the door does not open for anybody else meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.track import SAME_PERSON, differs
from attendance.domain.faces import SECOND_FACE, Box, Frame, Probe
from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.service.access.check_in import CheckIn, Outcome
from attendance.service.ports import Analyser, Clock
from attendance.store.crypto import Keys
from attendance.store.enrolment import camera_enrolments
from attendance.store.enrolment.camera_enrolments import Stage, Standing
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

# So many photos are taken, within so long after the first.
PHOTOS = 6
LASTS = timedelta(seconds=10)
# Two photos are apart by so much at least; pictures of one moment are one photo.
APART = timedelta(milliseconds=400)
# How often the database is asked whether somebody is to be enrolled here.
LOOK_EVERY_S = 1.0
# What is kept of a picture, in face sizes: enough for the judge to find the face again.
AROUND = 2.4
_SIDE = 480  # px at most
_QUALITY = 95


@dataclass
class _Taking:
    """The photos of one enrolment so far."""

    standing: Standing
    until: datetime
    probes: list[Probe] = field(default_factory=list)
    photos: list[bytes] = field(default_factory=list)
    last_at: datetime | None = None
    noted: tuple[int, str] = (0, "")

    def is_for(self, wanted: Standing | None) -> bool:
        """Return whether this is what is wanted now; the number alone does not say so, as databases give it again."""
        mine = self.standing
        return wanted is not None and (mine.id, mine.person_id, mine.asked_at) == (
            wanted.id,
            wanted.person_id,
            wanted.asked_at,
        )


class EnrolAtCamera:
    """Judges frames by `judge`, except while photos are taken of a person who is being enrolled."""

    def __init__(
        self, judge: CheckIn, analyser: Analyser, sessions: Sessions, keys: Keys, clock: Clock,
        camera: str, now: Callable[[], float] = monotonic,
    ) -> None:  # fmt: skip
        self._judge, self._analyser, self._sessions, self._keys = judge, analyser, sessions, keys
        self._clock, self._camera, self._now = clock, camera, now
        self._looked_at: float | None = None
        self._taking: _Taking | None = None

    @property
    def timings(self) -> Mapping[str, float]:
        return self._judge.timings

    @property
    def trouble(self) -> str:
        return self._judge.trouble

    def start(self) -> object:
        return self._judge.start()

    def set_direction(self, direction: Direction) -> None:
        self._judge.set_direction(direction)

    def process(self, frame: Frame) -> list[Outcome]:
        """Judge one frame, or take a photo of it."""
        if self._looked_at is None or self._now() - self._looked_at >= LOOK_EVERY_S:
            self._look()
        if self._taking is None:
            return self._judge.process(frame)
        try:
            self._take(self._taking, frame)
        except Exception:
            # The operator sees that no photo comes and asks again; the door goes on.
            log.exception("camera %s: no photos could be taken", self._camera)
            self._taking = None
        return []

    def _look(self) -> None:
        """Begin what was asked for; end what is no longer wanted."""
        self._looked_at = self._now()
        try:
            with self._sessions() as session:
                wanted = camera_enrolments.of_camera(session, self._camera, self._clock.now())
        except Exception as error:  # the check-in tells of a database that is away
            log.debug("camera %s: whether somebody is to be enrolled is not known: %s", self._camera, error)
            return
        if wanted is None:
            self._taking = None
        elif self._taking is None or not self._taking.is_for(wanted):
            log.info("camera %s: photos are taken of person %d", self._camera, wanted.person_id)
            self._taking = _Taking(wanted, wanted.asked_at + camera_enrolments.WAITS)

    def _take(self, taking: _Taking, frame: Frame) -> None:
        now = self._clock.now()
        if now >= taking.until:
            self._end(taking)
            return
        probes = self._analyser.analyse(frame)
        hint = _flaw(probes)
        if hint is None and self._is_new(taking, probes[0], now):
            if not taking.photos:
                taking.until = now + LASTS
            taking.probes.append(probes[0])
            taking.photos.append(_jpeg(frame.image, probes[0].box))
            taking.last_at = now
        if len(taking.photos) == PHOTOS:
            self._end(taking)
            return
        words = "" if hint is None else hint.value
        if taking.noted != (noted := (len(taking.photos), words)):
            taking.noted = noted
            with self._sessions.begin() as session:
                camera_enrolments.note(session, taking.standing.id, Stage.TAKING, hint=words, taken=noted[0])

    def _is_new(self, taking: _Taking, probe: Probe, now: datetime) -> bool:
        """Return whether this look adds something: the same person as before, differently."""
        if taking.last_at is not None and now - taking.last_at < APART:
            return False
        if probe.template is None:
            return False
        others = [one.template for one in taking.probes if one.template is not None]
        if any(probe.template.score(other) < SAME_PERSON for other in others):
            return False
        return all(differs(one, probe) for one in taking.probes)

    def _end(self, taking: _Taking) -> None:
        self._taking = None
        number, found = taking.standing.id, len(taking.photos)
        sealed = [self._keys.seal_photo(jpeg, number) for jpeg in taking.photos]
        with self._sessions.begin() as session:
            # Nothing is kept of whoever was deactivated or withdrew meanwhile.
            wanted = camera_enrolments.of_camera(session, self._camera, self._clock.now())
            if not taking.is_for(wanted):
                return
            camera_enrolments.note(session, number, Stage.TAKEN if found else Stage.NOBODY, taken=found)
            camera_enrolments.add_photos(session, number, sealed)
        log.info("camera %s: %d photos wait for an operator", self._camera, found)


def _flaw(probes: list[Probe]) -> Reason | None:
    """Return why this picture gives no photo, if it gives none."""
    if not probes:
        return Reason.NO_FACE
    first = probes[0]
    if len(probes) > 1 and probes[1].box.area > SECOND_FACE * first.box.area:
        return Reason.SEVERAL_FACES
    return first.flaws[0] if first.flaws else None


def _jpeg(image: NDArray[np.uint8], box: Box) -> bytes:
    """Return the picture around a face as JPEG; no larger than it needs to be."""
    side = AROUND * max(box.width, box.height)
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    height, width = image.shape[:2]
    left, right = max(0, round(x - side / 2)), min(width, round(x + side / 2))
    top, bottom = max(0, round(y - side / 2)), min(height, round(y + side / 2))
    crop: NDArray[Any] = image[top:bottom, left:right]
    if (scale := _SIDE / max(crop.shape[:2])) < 1:
        size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
