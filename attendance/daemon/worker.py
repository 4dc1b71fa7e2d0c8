"""The daemon's loop: newest picture → check-in → one line in the log; a heartbeat beside it.

In: a camera, a `CheckIn`, the database.  Out: recorded passages (by `CheckIn`), log lines, the camera's row.
With each heartbeat it applies what the admin site may change: where in the picture to look, which way
people go, whether anybody is recognised at all.
Does not know: how a face is recognised, what a door is, signals.
Main choice: one thread and one `step`, which tests call directly.  Trade-off: nothing is written about the
camera while a frame is judged.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from time import monotonic, perf_counter
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from attendance.config import CameraSettings
from attendance.daemon import lock
from attendance.daemon.camera import Health
from attendance.domain.faces import Frame, Region
from attendance.domain.passage import Direction
from attendance.errors import UserError, without_secrets
from attendance.service.access.check_in import Outcome
from attendance.service.access.reason_texts import reason_words
from attendance.service.ports import Camera, Clock
from attendance.store.cameras import cameras
from attendance.store.session import Sessions, database_file, engine_of
from attendance.store.tables.cameras import Camera as CameraRow

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
WAIT_S = 0.25  # for a picture; so soon a signal is noticed
KEPT_TIMINGS = 5000
SNAPSHOT_SIDE = 960  # px, the longer one


class WatchedCamera(Camera, Protocol):
    """What the loop needs beyond pictures.  `paced`: pictures come in real time, whether they are read or not."""

    paced: bool
    ended: bool

    @property
    def health(self) -> Health: ...


class FrameJudge(Protocol):
    """`CheckIn`, as the loop sees it."""

    @property
    def timings(self) -> Mapping[str, float]: ...

    @property
    def trouble(self) -> str: ...

    def start(self) -> object: ...

    def process(self, frame: Frame) -> list[Outcome]: ...

    def set_direction(self, direction: Direction) -> None: ...


class Beside(Protocol):
    """What runs for as long as the camera is watched, such as the watch over its door.

    `observe`: is given what `Worker`'s own `observe` is, and must be quick.  `stop` waits for the end,
    also where nothing was started.
    """

    def start(self) -> None: ...

    def observe(self, outcomes: Sequence[Outcome], timings: Mapping[str, float], /) -> None: ...

    def stop(self) -> None: ...


class Worker:
    """One camera's daemon.  `run` may be called once.

    `every_turn`: called before each look for a picture; what it raises ends the daemon.  `observe`: is given the
    outcomes and the milliseconds of each picture.  `beside`: what starts once the camera is ours and ends with it.
    """

    def __init__(
        self,
        camera: WatchedCamera,
        check_in: FrameJudge,
        sessions: Sessions,
        clock: Clock,
        settings: CameraSettings,
        every_turn: Sequence[Callable[[], None]] = (),
        observe: Callable[[Sequence[Outcome], Mapping[str, float]], None] | None = None,
        beside: Sequence[Beside] = (),
    ) -> None:
        self._camera, self._check_in, self._sessions, self._clock = camera, check_in, sessions, clock
        self._settings, self._name = settings, settings.name
        self._every_turn, self._observe, self._beside = every_turn, observe, beside
        self._owner = f"process {os.getpid()} on {socket.gethostname()}"
        self._beaten_at: float | None = None
        self._beat_trouble = ""
        self._region: Region | None = None
        self._active, self._direction = True, Direction(settings.direction)
        self._newest: NDArray[np.uint8] | None = None
        self._milliseconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT_TIMINGS))
        self.frames = 0

    def run(
        self,
        stop: threading.Event,
        max_seconds: float | None = None,
        once: bool = False,
        started: Callable[[], None] | None = None,
    ) -> None:
        """Watch until `stop` is set, a file has ended, or `max_seconds` are over; `once`: one picture only.

        `started` is called when the camera is ours and the gallery is loaded.

        Raises UserError if another daemon holds the camera or takes it over, and if a file or webcam cannot be
        opened.
        """
        end = None if max_seconds is None else monotonic() + max_seconds
        try:
            with self._held():
                self._check_in.start()
                for one in self._beside:
                    one.start()
                log.info("camera %s: watching", self._name)
                if started is not None:
                    started()
                while not (stop.is_set() or self._camera.ended or (end is not None and monotonic() >= end)):
                    begun, frames = monotonic(), self.frames
                    self.step()
                    if once and self.frames:
                        break
                    if self.frames > frames and self._camera.paced:
                        stop.wait(max(0.0, begun + 1 / self._settings.max_fps - monotonic()))
        finally:
            self._camera.close()
            for one in self._beside:
                one.stop()
            for line in self.summary():
                log.info("camera %s: %s", self._name, line)

    def step(self) -> list[Outcome]:
        """Judge the newest picture, if there is one, and log the outcome.  Write the heartbeat when due."""
        for action in self._every_turn:
            action()
        frame = self._camera.read(WAIT_S)
        outcomes: list[Outcome] = []
        if frame is not None:
            begun = perf_counter()
            self._newest = frame.image
            if self._active:
                outcomes = self._check_in.process(replace(frame, region=self._region))
            self._note({"read": self._camera.health.read_ms, **self._check_in.timings})
            self._note({"whole": (whole := (perf_counter() - begun) * 1000)})
            spent = {**self._check_in.timings, "whole": whole}
            if self._observe is not None:
                self._observe(outcomes, spent)
            for one in self._beside:
                one.observe(outcomes, spent)
            self.frames += 1
            for outcome in outcomes:
                self._say(outcome)
        if self._beaten_at is None or monotonic() - self._beaten_at >= HEARTBEAT_S:
            self._beat()
        return outcomes

    def summary(self) -> Sequence[str]:
        """Return how many pictures were judged and how long each stage took; `whole`: all stages but reading."""
        health = self._camera.health
        counted = (
            f"{self.frames} of {health.frames} pictures looked at, {health.broken} broken, lost {health.lost} times"
        )
        if not self._milliseconds:
            return (counted,)
        stages = ", ".join(
            f"{stage} {np.percentile(values, 50):.1f}/{np.percentile(values, 95):.1f}"
            for stage, values in self._milliseconds.items()
        )
        return counted, f"ms a picture (p50/p95): {stages}"

    def _note(self, timings: Mapping[str, float]) -> None:
        for stage, milliseconds in timings.items():
            self._milliseconds[stage].append(milliseconds)

    def _say(self, outcome: Outcome) -> None:
        if outcome.settled is None and outcome.repeat:
            return  # a lasting fault: logged once
        decision = outcome.decision
        numbers = [
            f"{name} {value:.3f}"
            for name, value in (
                ("score", decision.score),
                ("runner-up", decision.runner_up),
                ("threshold", decision.threshold),
            )
            if value is not None
        ]
        if outcome.settled is not None:
            numbers.append(f"{outcome.settled.frames} frames")
        verdict = f"refused: {reason_words(decision.reason)}"
        if decision.granted:
            verdict = f"{outcome.person_name} passes{' again' if outcome.repeat else ''}"
            if outcome.opening is not None and not outcome.opening.done:
                did = "failed" if outcome.opening.outcome == "failed" else "may not have opened"
                verdict += f", but the door {did}: {outcome.opening.detail}"
        log.info("camera %s: %s (%s)", self._name, verdict, ", ".join(numbers) or "no score")

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Own the camera during the block: by a file's lock on this computer, by a claim across computers."""
        database = database_file(engine_of(self._sessions))
        path = None if database is None else lock.lock_file(database, self._name)
        guard = nullcontext() if path is None else lock.held(path, self._owner, f"the camera {self._name}")
        with guard:
            self._claim(left_over=path is not None)
            try:
                yield
            finally:
                self._release()

    def _claim(self, left_over: bool) -> None:
        """Claim the camera's row; `left_over`: the file's lock is ours, so the row's owner is dead."""
        with self._sessions.begin() as session:
            known = cameras.get_camera(session, self._name)
            if left_over and known is not None and known.owner is not None:
                cameras.release(session, self._name, owner=known.owner)
            camera = cameras.claim(
                session,
                self._name,
                source=without_secrets(self._settings.source),
                direction=Direction(self._settings.direction),
                owner=self._owner,
                at=self._clock.now(),
            )
            self._take_over(camera)

    def _take_over(self, camera: CameraRow) -> None:
        """Apply the admin site's settings; log each change once."""
        if (direction := cameras.direction_of(camera)) is not self._direction:
            self._direction = direction
            self._check_in.set_direction(direction)
            log.info("camera %s: people go %s there", self._name, direction.value)
        if camera.active is not self._active:
            self._active = camera.active
            log.info("camera %s: switched %s on the admin site", self._name, "on" if camera.active else "off")
        region = cameras.region_of(camera)
        if region == self._region:
            return
        self._region = region
        shares = "the whole picture"
        if region is not None:
            shares = f"{region.x1:.0%} to {region.x2:.0%} across, {region.y1:.0%} to {region.y2:.0%} down"
        log.info("camera %s: looks for faces in %s", self._name, shares)

    def _wanted_snapshot(self) -> bytes | None:
        """Return the picture that the admin site asked for, coded before anything is written; None if it did not."""
        if self._newest is None:
            return None
        with self._sessions() as session:
            camera = cameras.get_camera(session, self._name)
        wanted = camera is not None and cameras.wants_snapshot(camera, self._clock.now())
        return _small_jpeg(self._newest) if wanted else None

    def _serve_site(self, session: Session, snapshot: bytes | None) -> None:
        """Apply changes and requests of the admin site since the last heartbeat."""
        now, camera = self._clock.now(), cameras.get_camera(session, self._name)
        if camera is None:
            return
        self._take_over(camera)
        cameras.drop_snapshot(session, self._name, before=now - cameras.SNAPSHOT_LIVES)
        if snapshot is not None:
            cameras.store_snapshot(session, self._name, snapshot, at=now)
            log.info("camera %s: a picture was taken for the admin site", self._name)

    def _release(self) -> None:
        try:
            with suppress(UserError):  # it is not ours any more, or was removed
                self._beat()
            with self._sessions.begin() as session:
                cameras.drop_snapshot(session, self._name)
                cameras.release(session, self._name, owner=self._owner)
        except Exception as error:  # the database is gone; the claim ends by itself
            log.warning("camera %s: cannot be given back: %s", self._name, error)

    def _beat(self) -> None:
        """Write that we live and how the camera is.  UserError if another daemon has the camera now."""
        self._beaten_at, health = monotonic(), self._camera.health
        try:
            snapshot = self._wanted_snapshot()
            with self._sessions.begin() as session:
                still_ours = cameras.heartbeat(
                    session,
                    self._name,
                    owner=self._owner,
                    at=self._clock.now(),
                    seen_at=health.seen_at,
                    error=health.trouble or self._check_in.trouble or None,
                )
                if still_ours:
                    self._serve_site(session, snapshot)
        except Exception as error:  # a locked database must not end the daemon; `CheckIn` refuses meanwhile
            if str(error) != self._beat_trouble:
                log.error("camera %s: no heartbeat can be written: %s", self._name, error)
            self._beat_trouble = str(error)
            return
        if self._beat_trouble:
            log.info("camera %s: heartbeats are written again", self._name)
            self._beat_trouble = ""
        if not still_ours:
            raise UserError(f"the camera {self._name} was taken over by another daemon: stop one of the two")


def _small_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Return a small copy for a page."""
    height, width = picture.shape[:2]
    scale = min(1.0, SNAPSHOT_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.imencode(".jpg", cv2.resize(picture, size, interpolation=cv2.INTER_AREA))[1].tobytes()
