"""The gallery and the threshold as the database has them, looked up at most once a second.

In: the database, the clock.  Out: a `View`: one whole gallery, the operating point, and whether both are stale.
Does not know: frames, doors.
Main choice: reading one number a second instead of being notified.  Trade-off: a change counts up to a
second late (`check_in` asks the database again before it lets anybody pass).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from attendance.domain.access.decision import Decision, decide
from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.faces import Probe
from attendance.domain.reason import Reason
from attendance.service.ports import Clock
from attendance.store import settings
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import templates
from attendance.store.session import Sessions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """Gallery and operating point of one frame's decisions.  `foreign`: all people are enrolled with another model."""

    gallery: Gallery
    point: OperatingPoint | None
    foreign: bool
    stale: bool

    def decide(self, probe: Probe) -> Decision:
        if self.stale:
            return denied(Reason.STALE_GALLERY)
        decision = decide(probe, self.gallery, self.point)
        if decision.reason is Reason.EMPTY_GALLERY and self.foreign:
            return replace(decision, reason=Reason.FOREIGN_MODEL)
        return decision


class GalleryWatch:
    """Holds the newest `View`; `refresh` never raises, it goes stale instead."""

    def __init__(
        self,
        sessions: Sessions,
        keys: Keys,
        model_id: str,
        clock: Clock,
        poll_every: timedelta = timedelta(seconds=1),
        stale_after: timedelta = timedelta(seconds=30),
        lasts: Callable[[], timedelta] | None = None,
    ) -> None:
        """`lasts`: for how long the gallery may be older, at a door that decides without the database."""
        self._sessions, self._keys, self._model_id, self._clock = sessions, keys, model_id, clock
        self._poll_every, self._stale_after, self._lasts = poll_every, stale_after, lasts
        self._view = View(Gallery([], [], model_id, -1), None, foreign=False, stale=True)
        self._polled_at: datetime | None = None
        self._fresh_at: datetime | None = None
        self._trouble = ""

    @property
    def view(self) -> View:
        return self._view

    def load(self) -> View:
        """Read now.  Raises any error, so that a wrong master key shows at the start."""
        now = self._clock.now()
        with self._sessions() as session:
            gallery = self._view.gallery
            point = operating_points.current(session, self._model_id)
            compared = gallery.scoring.version if point is None else point.scoring
            if settings.gallery_version(session) != gallery.version or gallery.scoring.version != compared:
                templates.require_keys_fit(session, self._keys)
                scoring = operating_points.scoring_in_force(session, self._keys, self._model_id)
                gallery = templates.load_gallery(session, self._keys, self._model_id, scoring)
            foreign = gallery.size == 0 and templates.templates_of_other_models(session, self._model_id) > 0
        if gallery.version != self._view.gallery.version:
            log.info("gallery version %d: %d people, %d templates", gallery.version, gallery.size, len(gallery))
        self._view = View(gallery, point, foreign, stale=False)
        self._polled_at = self._fresh_at = now
        return self._view

    def refresh(self) -> View:
        now = self._clock.now()
        # Distances and not order: a clock that is set back must neither stop the polling nor hide staleness.
        if self._polled_at is None or abs(now - self._polled_at) >= self._poll_every:
            self._polled_at = now
            try:
                self.load()
                self._report("")
            except Exception as error:  # whatever it is, it must not end the loop: the view grows stale
                self._report(f"{type(error).__name__}: {error}")
        limit = self._stale_after if self._lasts is None else max(self._stale_after, self._lasts())
        fresh = self._fresh_at is not None and abs(now - self._fresh_at) <= limit
        if self._view.stale is fresh:
            self._view = replace(self._view, stale=not fresh)
        return self._view

    def _report(self, trouble: str) -> None:
        """Log changes, not repeats."""
        if trouble and trouble != self._trouble:
            log.error("cannot read the gallery: %s", trouble)
        elif self._trouble and not trouble:
            log.info("the gallery can be read again")
        self._trouble = trouble


def denied(reason: Reason) -> Decision:
    """Return a denial without scores."""
    return Decision(reason=reason, person_id=None, score=None, runner_up=None, threshold=None)
