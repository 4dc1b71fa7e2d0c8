"""A paired tablet, and its follow-up of frames.

In: a tablet's pictures, one at a time.  Out: which badge is still held before its camera; the newest probes.
Does not know: HTTP, PINs, what is answered.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Frame, Probe
from attendance.domain.passage import Direction
from attendance.service.access.check_in import CheckIn
from attendance.service.ports import Analyser
from attendance.store.people.pins import FREE_TRIES, LOCK, LONGEST_LOCK

HELD = timedelta(seconds=3)  # a badge seen again within this has not been taken away since
CHOICES = {"in": Direction.IN, "out": Direction.OUT, "break": Direction.OUT}
_LONG_SIDE = 1280  # px


@dataclass(frozen=True, slots=True)
class Terminal:
    """A paired tablet; the log shows its name in place of a camera's."""

    id: int
    name: str
    direction: Direction


@dataclass
class ListeningAnalyser:
    """The analyser of one tablet, which remembers its newest probes for hints."""

    inner: Analyser
    probes: list[Probe] = field(default_factory=list)

    @property
    def model_id(self) -> str:
        return self.inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        return self.inner.timings

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        self.probes = []
        self.probes = self.inner.analyse(frame, max_faces)
        return self.probes


@dataclass
class Seat:
    """One tablet's follow-up of frames; `turn`: a `CheckIn` is for one thread at a time."""

    terminal: Terminal
    analyser: ListeningAnalyser
    check_in: CheckIn
    turn: threading.Lock = field(default_factory=threading.Lock)
    badge: tuple[str, datetime] | None = None
    unknown_badges: int = 0
    no_badges_until: datetime | None = None

    def takes_badges(self, now: datetime) -> bool:
        """Return whether a badge is read at all: not for a while after several that nobody has."""
        return self.no_badges_until is None or now >= self.no_badges_until

    def note_badge(self, known: bool, now: datetime) -> None:
        """Count an unknown badge; from the fifth in a row on no badge is read, each time twice as long."""
        self.unknown_badges = 0 if known else self.unknown_badges + 1
        if (beyond := self.unknown_badges - FREE_TRIES) >= 0:
            self.no_badges_until = now + min(LONGEST_LOCK, LOCK * 2 ** min(beyond, 10))

    def still_held(self, badge: str, now: datetime) -> bool:
        """Return whether this badge was judged already and is still in view: one attempt, not one a picture."""
        if self.badge is None or self.badge[0] != badge or abs(now - self.badge[1]) > HELD:
            return False
        self.badge = (badge, now)
        return True


def bounded(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink a picture to what a tablet needs: its sender chooses the size."""
    scale = _LONG_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
