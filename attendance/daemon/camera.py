"""A camera that is always at its newest picture and comes back by itself.

In: a source, time-outs.  Out: `Frame`s, one at a time; `Health`.
Does not know: what is seen, the database.
Main choice: a thread reads and keeps the newest picture only, and the caller of `read` watches over
that thread.  A read that hangs in a driver cannot be interrupted, so its thread is abandoned and
another one started.  Trade-off: up to MOST_ABANDONED threads sleep until the driver lets go.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, perf_counter

import numpy as np
from numpy.typing import NDArray

from attendance.config import CameraSettings
from attendance.daemon.cameras.feed import NO_FURTHER, Feed, FeedEnded, Kind, Source, SourceLost
from attendance.daemon.sources import open_feed, parse_source
from attendance.domain.faces import Frame
from attendance.errors import Phrase, UserError
from attendance.service.cameras.rotation import turned
from attendance.service.ports import Clock

log = logging.getLogger(__name__)

# So many reads in a row without a picture are the end of a file, or a lost camera.
BROKEN_IN_A_ROW = 25
MOST_ABANDONED = 4
# The backend has its own time-outs; the watchdog acts only if they fail.
GRACE_S = 1.0
# A picture that is the same to the last bit for so long comes from a camera that is frozen.
FROZEN_S = 120.0
FROZEN = Phrase("the picture has not changed for minutes, the camera is frozen: restart it")
_SAMPLED = 8  # every eighth pixel of every eighth row is compared
_LOOK_EVERY_S = 0.1
_JOIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Health:
    """`trouble`: what is wrong now, "" if nothing.  `broken`: pictures that could not be used;
    `lost`: how often the camera was lost; `seen_at`: when the newest picture came; `read_ms`: how
    long reading it took (with a stream that includes waiting for it)."""

    trouble: str = ""
    frames: int = 0
    broken: int = 0
    lost: int = 0
    seen_at: datetime | None = None
    read_ms: float = 0.0


def open_camera(settings: CameraSettings, clock: Clock, paced: bool = True) -> LiveCamera:
    """Return the camera of the settings, not connected yet: the first `read` connects.

    `paced=False` gives every picture of a file or folder, stamped as if it had been played in real
    time.  UserError for a source that is not valid, and for a file or folder that is not there.
    """
    return LiveCamera(parse_source(settings.source), settings, clock, paced)


class LiveCamera:
    """A `service.ports.Camera`.  `read` and `close` belong to one thread."""

    def __init__(self, source: Source, settings: CameraSettings, clock: Clock, paced: bool = True) -> None:
        self.source, self.paced = source, paced or not source.finite
        self.ended = False
        self._settings, self._clock = settings, clock
        self._changed = threading.Condition()
        # Shared with the grabber; only under `_changed`.
        self._frame: Frame | None = None
        self._seen_at: datetime | None = None
        self._frames, self._broken, self._read_ms = 0, 0, 0.0
        self._note = ""
        # Used by the reader only.
        self._grabber: _Grabber | None = None
        self._abandoned: list[_Grabber] = []
        self._trouble, self._lost = Phrase(), 0
        self._lost_since: float | None = None
        self._retry_at, self._wait_s = 0.0, settings.reconnect_min_s
        self._size: tuple[int, ...] = ()
        self._sample: NDArray[np.uint8] | None = None
        self._changed_at, self._frozen = monotonic(), False

    @property
    def health(self) -> Health:
        with self._changed:
            return Health(
                self._trouble or (FROZEN if self._frozen else ""),
                self._frames,
                self._broken,
                self._lost,
                self._seen_at,
                self._read_ms,
            )

    def read(self, timeout: float) -> Frame | None:
        """Return the newest picture that was not read yet; None if none came in `timeout` seconds, and after the end.

        UserError if a webcam, file or folder cannot be opened at the start, or has no picture at
        all.  A stream that is not there yet is waited for instead: cameras boot slowly.
        """
        deadline = monotonic() + timeout
        while not self.ended:
            self._supervise()
            with self._changed:
                left = deadline - monotonic()
                if self._frame is None and left > 0 and not self.ended:
                    self._changed.wait(min(left, _LOOK_EVERY_S))
                frame, self._frame = self._frame, None
                self._changed.notify_all()
            if frame is not None:
                self._note_picture(frame)
                return frame
            if monotonic() >= deadline:
                break
        return None

    def close(self) -> None:
        """Let go of the camera; a read that hangs is not waited for."""
        self.ended = True
        if self._grabber is not None:
            self._grabber.cancel()
            self._grabber.join(_JOIN_S)

    def offer(self, grabber: _Grabber, picture: NDArray[np.uint8], number: int, read_ms: float) -> bool:
        """Take the newest picture from the grabber.  False if that grabber has been given up."""
        with self._changed:
            if not self.paced:
                while self._frame is not None and not grabber.cancelled.is_set():
                    self._changed.wait(_LOOK_EVERY_S)
            if grabber.cancelled.is_set():
                return False
            taken_at, came = self._clock.now(), None
            if self.paced:
                came = monotonic()
            else:
                taken_at = grabber.begun_at + timedelta(seconds=number / grabber.fps)
            self._frame = Frame(picture, taken_at, self._settings.name, self._frames, came=came)
            self._frames += 1
            self._seen_at, self._read_ms = taken_at, read_ms
            self._changed.notify_all()
        return True

    def note(self, words: str) -> None:
        """Log what is unusual about the feed, once for this camera and not once a connection."""
        with self._changed:
            new, self._note = words and words != self._note, words or self._note
        if new:
            log.info("camera %s: %s: %s", self._settings.name, self.source.shown, words)

    def count_broken(self, pictures: int) -> None:
        with self._changed:
            self._broken += pictures

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _supervise(self) -> None:
        """Start, replace or give up the grabber, whatever is due."""
        grabber, now = self._grabber, monotonic()
        if grabber is None:
            if now >= self._retry_at and self._may_start():
                self._grabber = _Grabber(self, self.source, self._settings, self._clock.now())
                self._grabber.start()
            return
        if (hung := grabber.hung_for(now)) is not None:
            grabber.cancel()
            self._abandoned.append(grabber)
            self._lose(grabber, Phrase("no answer for %(seconds)s s", seconds=round(hung)))
        elif grabber.verdict is not None:
            if grabber.opened and self.source.finite:
                self._finish()
            else:
                self._lose(grabber, grabber.verdict)

    def _may_start(self) -> bool:
        self._abandoned = [grabber for grabber in self._abandoned if grabber.is_alive()]
        return len(self._abandoned) < MOST_ABANDONED

    def _finish(self) -> None:
        with self._changed:
            if self._frame is not None:  # the last picture has not been read yet
                return
            frames, broken = self._frames, self._broken
        if not frames:
            raise UserError(f"no picture of {self.source.shown} can be read: {self._advice()}")
        self.ended = True
        log.info("camera %s: %s has ended after %d pictures", self._settings.name, self.source.shown, frames)
        if broken:
            log.warning("camera %s: broken pictures left out: %d", self._settings.name, broken)

    def _lose(self, grabber: _Grabber, why: Phrase) -> None:
        """Note the trouble, once, and when to try again."""
        self._grabber = None
        never_there = not grabber.opened and not self._frames and self.source.kind is not Kind.STREAM
        if self.source.finite or never_there:  # to try again would play it from the start, or wait for nothing
            raise UserError(f"cannot open {self.source.shown}: {why}; {self._advice()}")
        now = monotonic()
        if grabber.opened or self._lost_since is None:
            self._lost += 1
            self._lost_since = self._lost_since or now
        if why != self._trouble:
            log.warning(
                "camera %s: %s: %s; trying again, at first in %g s, then every %g s at most",
                self._settings.name,
                self.source.shown,
                why,
                max(self._wait_s, grabber.wait_s),
                max(self._settings.reconnect_max_s, grabber.wait_s),
            )
        with self._changed:
            self._trouble = why
        self._retry_at = now + max(self._wait_s, grabber.wait_s)
        self._wait_s = min(self._wait_s * 2, self._settings.reconnect_max_s)

    def _note_picture(self, frame: Frame) -> None:
        size = frame.image.shape[1], frame.image.shape[0]
        name, shown = self._settings.name, self.source.shown
        if self._lost_since is not None:
            log.info("camera %s: pictures again after %.0f s", name, monotonic() - self._lost_since)
        if size != self._size and self.source.kind is not Kind.FOLDER:
            log.info("camera %s: pictures of %d×%d px from %s", name, *size, shown)
        self._size = size
        self._watch_for_a_frozen_picture(frame)
        self._lost_since, self._wait_s = None, self._settings.reconnect_min_s
        if self._trouble:
            with self._changed:
                self._trouble = Phrase()

    def _watch_for_a_frozen_picture(self, frame: Frame) -> None:
        """Note since when the picture is the same, also across a reconnect.  Sensors are never still to the bit."""
        if self.source.finite:
            return
        sample, now = frame.image[::_SAMPLED, ::_SAMPLED], monotonic()
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._sample, self._changed_at = sample.copy(), now
        frozen = now - self._changed_at >= FROZEN_S
        if frozen is not self._frozen:
            name, shown = self._settings.name, self.source.shown
            log.warning("camera %s: %s: %s", name, shown, FROZEN if frozen else "the picture changes again")
            self._frozen = frozen

    def _advice(self) -> str:
        match self.source.kind:
            case Kind.WEBCAM:
                return "plug it in, end other programs that use it, or give another number with --camera"
            case Kind.FOLDER:
                return "give a folder with JPEG, PNG, WebP or BMP pictures"
            case _:
                return "give a video that this computer can play, such as MP4 with H.264"


class _Grabber(threading.Thread):
    """Reads one connection until it ends, is lost, or is cancelled."""

    def __init__(self, camera: LiveCamera, source: Source, settings: CameraSettings, begun_at: datetime) -> None:
        super().__init__(name=f"camera {settings.name}", daemon=True)
        self.cancelled = threading.Event()
        self.begun_at = begun_at
        self.fps = 1.0
        self.opened = False
        self.verdict: Phrase | None = None  # why it ended
        self.wait_s = 0.0  # how long the camera is to be left alone
        self._camera, self._source, self._settings = camera, source, settings
        self._busy_since: float | None = monotonic()

    def cancel(self) -> None:
        self.cancelled.set()
        self._camera.wake()

    def hung_for(self, now: float) -> float | None:
        """Return the seconds that one call of the backend has taken, if that is too long."""
        begun = self._busy_since
        limit = self._settings.read_timeout_s if self.opened else self._settings.open_timeout_s
        return now - begun if begun is not None and now - begun > limit + GRACE_S else None

    def run(self) -> None:
        feed: Feed | None = None
        verdict = Phrase("it has failed")
        try:
            feed = open_feed(self._source, self._settings.open_timeout_s, self._settings.read_timeout_s)
            self.fps, self.opened = feed.fps, True
            verdict = self._grab(feed)
        except SourceLost as lost:
            verdict, self.wait_s = lost.words, lost.wait_s
        except Exception as error:  # a driver's fault loses the camera but does not end the daemon
            log.exception("camera %s: reading failed", self._settings.name)
            verdict = Phrase("reading failed with %(error)s", error=type(error).__name__)
        finally:
            self._busy_since = None
            if feed is not None:
                feed.close()
            self.verdict = verdict
            self._camera.wake()

    def _grab(self, feed: Feed) -> Phrase:
        """Read on; return why it ended."""
        broken, number, begun = 0, 0, monotonic()
        last_good = begun
        while not self.cancelled.is_set():
            self._busy_since, start = monotonic(), perf_counter()
            try:
                picture = feed.read()
            except FeedEnded:
                self._camera.count_broken(broken)
                return Phrase("it has ended")
            read_ms = (perf_counter() - start) * 1000
            self._busy_since = None
            number += 1
            if picture is None:
                broken += 1
                too_long = not self._source.finite and monotonic() - last_good >= self._settings.read_timeout_s
                if too_long or (broken >= BROKEN_IN_A_ROW and not feed.tells_end):
                    return NO_FURTHER
                continue
            self._camera.note(feed.note)
            self._camera.count_broken(broken)  # only now: those at the end of a video are none
            broken, last_good = 0, monotonic()
            if self._source.finite and self._camera.paced:
                self.cancelled.wait(max(0.0, begun + (number - 1) / feed.fps - last_good))
            if not self._camera.offer(self, turned(picture, self._settings.rotate), number - 1, read_ms):
                break
        return Phrase("it was closed")
