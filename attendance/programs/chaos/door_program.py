"""The door's program of the chaos run: the daemon's loop, recorder, edge and driver, in a process that may be killed.

In: commands by a pipe: visits, jumps of the clock, a database that is gone.  Out: reports by a pipe: who was let in.
Does not know: which fault is tried, the device's mind.
Main choice: everything is the daemon's but lens, networks and clock: a picture holds a colour, which is a person, and
the time goes on by visits and not by waiting.  It is forked and not started, which saves a second for each life.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from attendance.config import CameraSettings
from attendance.daemon.camera import Health
from attendance.daemon.doors.drivers import door_of
from attendance.daemon.doors.network import http_call
from attendance.daemon.worker import Worker
from attendance.domain.access.door_state import Inputs
from attendance.domain.faces import Box, Frame, Landmarks, Probe, Quality, Template
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.programs.chaos.device import Ledger, Site
from attendance.service.access.check_in import CheckIn, Outcome, Rules
from attendance.service.access.edge.deciding import Edge
from attendance.service.operations.system_clock import SystemClock
from attendance.service.ports import Door, Pulse
from attendance.store.access.edge_files import edge_folder
from attendance.store.faults import DatabaseUnreachable
from attendance.store.session import Sessions, make_engine, sessions

MODEL = "chaos-colours-v1"
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
STEP_S = 0.2  # between two pictures
LOOKS = 6  # pictures of one visit; three of them settle it
BUSY_MS = 30
DEVICE_S = 0.5  # the driver's time-out, shortened
SIDE = 48


def face_of(person: int) -> Template:
    """Return the template of a person of the run."""
    vector = np.random.default_rng([14, person]).normal(size=384)
    return Template((vector / np.linalg.norm(vector)).astype(np.float32), MODEL)


class Colours:
    """An analyser: a picture's first pixel is the person; 0 is nobody."""

    model_id = MODEL
    timings: Mapping[str, float] = {}

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:  # noqa: ARG002  there is one
        person = int(frame.image[0, 0, 0])
        if not person:
            return []
        box = Box(8, 8, 40, 40)
        points = np.array([(18, 20), (30, 20), (24, 26), (19, 33), (29, 33)], dtype=np.float32)
        quality = Quality(size=120.0, sharpness=300.0, brightness=120.0, contrast=50.0, yaw=0.0, visible=1.0)
        return [Probe(box, Landmarks(points), 0.9, quality, (), face_of(person))]


class Time:
    """The run's clock: goes on by commands; `skew`: how far the wall clock is off."""

    def __init__(self, since: float, skew: float) -> None:
        self.since, self.skew = since, skew

    def wall(self) -> datetime:
        return BEGIN + timedelta(seconds=self.since + self.skew)


class Announced:
    """A door that says which passage it asks for before it asks the device: so the device can look it up."""

    def __init__(self, door: Door, ledger: Ledger) -> None:
        self._door = door
        self._file = os.open(ledger.announced, os.O_WRONLY | os.O_APPEND)

    @property
    def name(self) -> str:
        return self._door.name

    @property
    def pulse_in_device(self) -> bool:
        return self._door.pulse_in_device

    @property
    def readable(self) -> bool:
        return self._door.readable

    def unlock(self, seconds: float, passage: str = "") -> Pulse:
        os.write(self._file, f"{passage}\n".encode())
        return self._door.unlock(seconds, passage)

    def prepare(self) -> Sequence[str]:
        return self._door.prepare()

    def inputs(self) -> Inputs:
        return self._door.inputs()

    def close(self) -> None:
        self._door.close()


class Visits:
    """The camera: each command is a visit of a few pictures, and the answer follows the last one."""

    paced, ended = False, False

    def __init__(self, time: Time, commands: int, reports: int, away: threading.Event) -> None:
        self._time, self._commands, self._reports, self._away = time, commands, reports, away
        self._frames: deque[tuple[float, int]] = deque()
        self._visiting, self._unread = False, b""
        self.health = Health()

    def read(self, timeout: float) -> Frame | None:
        if not self._frames:
            if self._visiting:
                self._visiting = False
                self.report({"done": True})
            self._obey(timeout)
        if not self._frames:
            return None
        self._time.since, person = self._frames.popleft()
        noise = np.random.default_rng(round(self._time.since * 10)).integers(20, 230, (SIDE, SIDE, 3))
        image: NDArray[np.uint8] = noise.astype(np.uint8)
        image[0, 0, 0] = person
        return Frame(image, self._time.wall(), "door")

    def report(self, message: Mapping[str, Any]) -> None:
        os.write(self._reports, json.dumps(message).encode() + b"\n")

    def observe(self, outcomes: Sequence[Outcome], _timings: Mapping[str, float]) -> None:
        for one in outcomes:
            if one.passage is not None:
                self.report({"passage": one.passage.id, "granted": one.decision.granted, "why": one.decision.reason})

    def close(self) -> None:
        return

    def _obey(self, timeout: float) -> None:
        if b"\n" not in self._unread:
            if not select.select([self._commands], [], [], timeout)[0]:
                return
            more = os.read(self._commands, 65536)
            if not more:
                self.ended = True
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        if line:
            command = json.loads(line)
            self._time.skew = command["skew"]
            (self._away.set if command["away"] else self._away.clear)()
            begin, person = command["at"], command["person"]
            self._visiting = True
            self._frames.extend((begin + STEP_S * look, person) for look in range(LOOKS))


def be(site: Site, ledger: Ledger, address: str, since: float, skew: float, commands: int, reports: int) -> None:
    """Be the door's program until the pipe of commands ends, or somebody kills it.  Never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)
    http_call.TIMEOUT_S = DEVICE_S  # type: ignore[attr-defined]  # as it is named there
    time, away = Time(since, skew), threading.Event()
    camera = Visits(time, commands, reports, away)
    try:
        _worker(site, ledger, address, time, camera, away).run(threading.Event())
        camera.report({"ended": ""})
    except UserError as error:
        camera.report({"ended": str(error)})
    except BaseException as error:  # whatever it was, the run has to hear of it
        camera.report({"fault": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


class _MayBeAway:
    """Sessions that fail as with a server that is down, while the run wants that."""

    def __init__(self, factory: Sessions, away: threading.Event) -> None:
        self._factory, self._away = factory, away

    def __call__(self) -> Any:
        self._fail()
        return self._factory()

    def begin(self) -> Any:
        self._fail()
        return self._factory.begin()

    def _fail(self) -> None:
        if self._away.is_set():
            raise DatabaseUnreachable("the database server cannot be reached: the run took it away")


def _worker(site: Site, ledger: Ledger, address: str, time: Time, camera: Visits, away: threading.Event) -> Worker:
    engine = make_engine(f"sqlite:///{site.database}", busy_timeout_ms=BUSY_MS)
    factory = cast(Sessions, _MayBeAway(sessions(engine), away))
    clock = SystemClock(time.wall, lambda: time.since, lambda: False)
    door = Announced(door_of("front", "shelly", {"address": address, "relay": 0}), ledger)
    folder = edge_folder(site.folder, site.camera)
    edge = Edge(factory, site.keys, clock, door, site.camera, folder, pause=lambda: time.since)
    rules = Rules(site.camera, Direction.IN, cooldown=timedelta(seconds=1))
    check_in = CheckIn(factory, site.keys, Colours(), door, clock, rules, edge=edge)
    settings = CameraSettings(name=site.camera, source="chaos", direction="in")
    return Worker(camera, check_in, factory, clock, settings, (edge.tick,), camera.observe)
