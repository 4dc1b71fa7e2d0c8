"""The gallery and the threshold as the database has them, looked up at most once a second.

In: the database, the clock.  Out: a `View`: one whole gallery, the operating point, and whether both are stale.
Does not know: frames, doors.
Main choice: reading one number a second instead of being notified; a large gallery is made in a thread beside the
frames and put in place whole.  Trade-off: a change counts up to a second late, of a large gallery some seconds
(`check_in` asks the database again before it lets anybody pass).
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from attendance.domain.access.decision import Decision, decide
from attendance.domain.access.gallery import Gallery, MakeProduct
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.faces import Probe
from attendance.domain.reason import Reason
from attendance.service.ports import Clock
from attendance.store import settings
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import templates
from attendance.store.session import Sessions

# So many templates or more are opened and put in order beside the frames.
BESIDE = 2_000

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
    """Holds the newest `View`, for all cameras or tablets of a program; `refresh` never raises, it goes stale instead.

    For several threads at once: one looks the gallery up, the others go on with what there is.
    """

    def __init__(
        self,
        sessions: Sessions,
        keys: Keys,
        model_id: str,
        clock: Clock,
        poll_every: timedelta = timedelta(seconds=1),
        stale_after: timedelta = timedelta(seconds=30),
        make_product: MakeProduct | None = None,
        beside: int = BESIDE,
    ) -> None:
        """`make_product`: multiplies bytes, for the search in a very large gallery.  `beside`: with so many templates
        or more the next gallery is made in a thread.
        """
        self._sessions, self._keys, self._model_id, self._clock = sessions, keys, model_id, clock
        self._make_product, self._beside = make_product, beside
        self._making: Future[Gallery] | None = None
        self._making_since = clock.now()
        self._poll_every, self._stale_after = poll_every, stale_after
        self._turn = threading.Lock()
        # The view and when it was true, in one: read by threads without a lock.
        nobody = View(Gallery([], [], model_id, -1), None, foreign=False, stale=True)
        self._known: tuple[View, datetime | None] = (nobody, None)
        self._polled_at: datetime | None = None
        self._trouble = ""

    @property
    def view(self) -> View:
        """Return the view that was read last, however old it is."""
        return self._known[0]

    def load(self) -> View:
        """Read now.  Raises any error, so that a wrong master key shows at the start."""
        with self._turn:
            self._load(self._clock.now(), beside=False)
        return self.view

    def _load(self, now: datetime, beside: bool) -> None:
        """Read; with `beside`, a gallery that changed is put in place once the thread has made it."""
        fresh_at = now
        with self._sessions() as session:
            gallery = self.view.gallery
            point = operating_points.current(session, self._model_id)
            compared = gallery.scoring.version if point is None else point.scoring
            if settings.gallery_version(session) != gallery.version or gallery.scoring.version != compared:
                if not beside:
                    gallery = self._gallery(session)
                    # Read again, since what grew comes into use after the threshold that was computed with it: with
                    # the threshold of before it would let in more strangers.
                    point = operating_points.current(session, self._model_id)
                    if point is not None and point.scoring != gallery.scoring.version:
                        self._polled_at = None
                        return  # changed in between: the view stays whole as it is, until the next look
                elif (made := self._made(now)) is None or made.scoring.version != compared:
                    return  # the view stays whole as it is, and grows stale if this lasts
                else:
                    gallery, fresh_at = made, self._making_since
            # What a thread may still be making is no longer wanted: later it would be older than what is here.
            self._making = None
            foreign = gallery.size == 0 and templates.templates_of_other_models(session, self._model_id) > 0
        if gallery.version != self.view.gallery.version:
            log.info("gallery version %d: %d people, %d templates", gallery.version, gallery.size, len(gallery))
        self._polled_at = now
        self._known = View(gallery, point, foreign, stale=False), fresh_at

    def _made(self, now: datetime) -> Gallery | None:
        """Return the gallery once the thread has made it; begin a thread where none is at work."""
        if self._making is None:
            self._making, self._making_since = Future(), now
            threading.Thread(target=self._make, args=(self._making,), name="gallery", daemon=True).start()
        if not self._making.done():
            return None
        making, self._making = self._making, None
        return making.result()

    def _make(self, making: Future[Gallery]) -> None:
        try:
            with self._sessions() as session:
                making.set_result(self._gallery(session))
        except Exception as error:  # told by whoever asks for the result
            making.set_exception(error)

    def _gallery(self, session: Session) -> Gallery:
        templates.require_keys_fit(session, self._keys)
        scoring = operating_points.scoring_in_force(session, self._keys, self._model_id)
        return templates.load_gallery(session, self._keys, self._model_id, scoring, self._make_product)

    def refresh(self, lasts: timedelta = timedelta(0)) -> View:
        """Return the newest view.  `lasts`: for how long it may be older, at a door that decides without the database.

        Stale for this door if the database could not be read for longer than that.
        """
        now = self._clock.now()
        if self._due(now) and self._turn.acquire(blocking=False):
            try:
                if self._due(now):  # and not looked up by another camera meanwhile
                    self._look_up(now)
            finally:
                self._turn.release()
        limit = max(self._stale_after, lasts)
        view, fresh_at = self._known
        fresh = fresh_at is not None and abs(now - fresh_at) <= limit
        return view if view.stale is not fresh else replace(view, stale=not fresh)

    def _due(self, now: datetime) -> bool:
        # Distances and not order: a clock that is set back must neither stop the polling nor hide staleness.
        return self._polled_at is None or abs(now - self._polled_at) >= self._poll_every

    def _look_up(self, now: datetime) -> None:
        self._polled_at = now
        try:
            self._load(now, beside=len(self.view.gallery) >= self._beside)
            self._report("")
        except Exception as error:  # whatever it is, it must not end the loop: the view grows stale
            self._report(f"{type(error).__name__}: {error}")

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
