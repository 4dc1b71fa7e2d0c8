"""Looks that show a picture which was seen before, and the alarm about a camera whose pictures only repeat.

In: looks at faces; whether each names somebody.  Out: whether a look is a further one; an alarm's begin and end.
Does not know: what is decided about a look.
Main choice: outlives faults, changes of the direction and lost connections, unlike the looks that agree.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from attendance.domain.access.repeated_looks import RepeatedLooks, Suspicion
from attendance.domain.faces import Box, Frame
from attendance.service.access.reason_texts import suspicion_words
from attendance.service.access.recording import Recorder

log = logging.getLogger(__name__)

SUSPICION_LASTS = timedelta(minutes=1)


class Repeats:
    """Of one camera or tablet.  Not for several threads at once."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._looks = RepeatedLooks()
        self._asked: tuple[datetime, dict[Box, bool]] | None = None
        self._suspicion: Suspicion | None = None
        self._suspected_at: datetime | None = None

    @property
    def suspicion(self) -> Suspicion | None:
        """Return what is suspected now."""
        return self._suspicion

    def start(self, camera: str) -> None:
        """End what a program that ended meanwhile suspected: this one looks anew."""
        self._recorder.end_suspicion(camera)

    def is_repeat(self, frame: Frame, box: Box, named: bool) -> bool:
        """Return whether a look shows the same picture as an earlier one; one that names somebody is suspicious."""
        if self._asked is None or self._asked[0] != frame.taken_at:
            self._asked = frame.taken_at, {}
        known = self._asked[1]
        if box in known:  # asked before about this very look
            return known[box]
        repeat = self._looks.is_repeat(frame.image, box, frame.taken_at, named)
        if named:
            self._suspect(frame.camera, self._looks.suspicion)
            self._suspected_at = frame.taken_at
        known[box] = repeat
        return repeat

    def remember(self, frame: Frame, box: Box) -> None:
        """Remember the pixels of a face that rests, so that a recording of them is known later."""
        self._looks.remember(frame.image, box)

    def let_lapse(self, frame: Frame) -> None:
        """Forget the suspicion once that face is gone: the camera may be well again while nobody is there."""
        if self._suspicion is None or self._suspected_at is None:
            return
        if abs(frame.taken_at - self._suspected_at) > SUSPICION_LASTS:
            self._suspect(frame.camera, None)

    def _suspect(self, camera: str, suspicion: Suspicion | None) -> None:
        """Raise one alarm when a suspicion begins, whatever it turns into, and end it with the suspicion."""
        if suspicion is not None and self._suspicion is None:
            log.error("camera %s: security: %s", camera, suspicion_words(suspicion))
            self._recorder.note_suspicion(camera, suspicion)
        elif suspicion is None and self._suspicion is not None:
            self._recorder.end_suspicion(camera)
        self._suspicion = suspicion
