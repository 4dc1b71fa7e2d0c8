"""The part of `manage.py bench` with several cameras in real time: ten 720p pictures a second each, in one daemon.

In: the settings, files of peers.  Out: how long from a picture to the pulse, pictures that were left out, processor
time, memory.
Does not know: how well anybody is recognised.
Main choice: pictures come whether anybody is ready or not, as from cameras, and the newest one counts.  A peer has the
same pictures, a detector and a recogniser for each camera, and one answer for each picture.
Trade-off: a busy computer shows as left-out pictures and longer waits.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, perf_counter, process_time, sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.bootstrap import rules_for
from attendance.config import Settings
from attendance.console import table
from attendance.daemon.doors.drivers import door_of
from attendance.daemon.turns import InTurn
from attendance.domain.faces import Frame
from attendance.programs import bench_doors, bench_people, daemons, portraits
from attendance.programs.bench_people import FPS
from attendance.programs.loopback_door import LoopbackDoor
from attendance.service.access.check_in import CheckIn

CAMERAS, SECONDS = 4, 21.0
VISIT, EMPTY = 4 * FPS, 3 * FPS  # pictures
MOVED = 12  # px: each visit's pictures are moved by that, so that none is a repeat of an earlier one

Picture = NDArray[np.uint8]
# Given a picture, its number and when it came; returns when its answer was there, None for none (`perf_counter`).
Look = Callable[[Picture, int, float], float | None]


@dataclass(slots=True)
class Ran:
    """`waits`: ms from a picture to its answer · `looked`, `offered`: pictures · `busy`: processor seconds a second."""

    name: str
    cameras: int
    waits: list[float] = field(default_factory=list)
    looked: int = 0
    offered: int = 0
    busy: float = 0.0
    memory_mb: float = 0.0

    def row(self) -> list[str]:
        p50, p95 = np.percentile(self.waits, (50, 95)) if self.waits else (float("nan"),) * 2
        left_out = 1 - self.looked / max(1, self.offered)
        return [
            self.name, str(self.cameras), f"{p50:.0f}", f"{p95:.0f}", str(len(self.waits)), f"{left_out:.0%}",
            f"{self.busy:.2f}", f"{self.memory_mb:.0f}",
        ]  # fmt: skip

    def numbers(self) -> dict[str, Any]:
        p50, p95 = np.percentile(self.waits, (50, 95)) if self.waits else (None, None)
        return {
            "name": self.name,
            "cameras": self.cameras,
            "answers": len(self.waits),
            "p50_ms": None if p50 is None else round(float(p50), 1),
            "p95_ms": None if p95 is None else round(float(p95), 1),
            "looked": self.looked,
            "offered": self.offered,
            "processor_s_per_s": round(self.busy, 3),
            "memory_mb": round(self.memory_mb),
        }


def measure(
    settings: Settings, peers: Sequence[Path] = (), counts: Sequence[int] = (1, CAMERAS), seconds: float | None = None
) -> list[Ran]:
    """Return how this program does with each number of cameras, and each peer with the largest number."""
    seconds = seconds or SECONDS
    visit = portraits.Visit(portraits.collins(), VISIT / portraits.FPS)
    shown = [*itertools.islice(portraits.frames([visit]), VISIT)]
    shown += [*portraits.frames([portraits.Visit(None, 1 / portraits.FPS)])] * EMPTY
    found = [_daemon(settings, count, shown, seconds) for count in counts]
    of_each = [bench_people.peers_of(peers) for _ in range(max(counts))]
    for name in of_each[0]:
        looks = [_until_template(theirs[name]) for theirs in of_each]
        found.append(_run(Ran(name, max(counts)), looks, shown, seconds))
    return found


def _daemon(settings: Settings, cameras: int, shown: Sequence[Picture], seconds: float) -> Ran:
    with tempfile.TemporaryDirectory(prefix="attendance-bench-") as folder:
        site = bench_doors.fresh_site(settings, Path(folder))
        networks, turns = daemons.shared_networks(site.settings)
        watch = daemons.gallery_for(site, networks.model_id)
        devices = [LoopbackDoor() for _ in range(cameras)]
        try:
            looks = []
            for number, device in enumerate(devices):
                eye, rest = daemons.following(networks, site.settings)
                gated = daemons.gated(InTurn(eye, turns), site.settings)
                rules = replace(rules_for(site.settings), camera=f"camera {number}")
                door = door_of(rules.camera, "shelly", {"address": device.address})
                check_in = CheckIn(site.sessions, site.keys, gated, door, site.clock, rules, watch=watch, rest=rest)
                check_in.start()
                looks.append(_until_pulse(check_in, device, rules.camera))
            return _run(Ran("this program, to the pulse", cameras), looks, shown, seconds)
        finally:
            for device in devices:
                device.close()
            site.engine.dispose()


def _until_template(peer: bench_people.Peer) -> Look:
    return lambda picture, _number, _came: perf_counter() if peer.look(picture) else None


def _until_pulse(check_in: CheckIn, device: LoopbackDoor, camera: str) -> Look:
    def look(picture: Picture, number: int, came: float) -> float | None:
        outcomes = check_in.process(Frame(picture, datetime.now(UTC), camera, number, came=came))
        opened = any(outcome.opening is not None and outcome.opening.done for outcome in outcomes)
        return device.pulses[-1][0] if opened else None

    return look


def _run(ran: Ran, looks: Sequence[Look], shown: Sequence[Picture], seconds: float) -> Ran:
    """Show the pictures to all cameras at once, in real time."""
    lock, begun, spent = threading.Lock(), monotonic() + 0.2, process_time()

    def camera(look: Look) -> None:
        newest = -1
        while (number := int((monotonic() - begun) * FPS)) < seconds * FPS:
            if number <= newest:
                sleep(max(0.001, begun + (newest + 1) / FPS - monotonic()))
                continue
            newest = number
            visit, place = divmod(max(0, number), len(shown))
            picture = np.roll(shown[place], MOVED * visit, axis=1)
            came, clock = monotonic(), perf_counter()
            answered = look(picture, number, came)
            with lock:
                ran.looked += 1
                if answered is not None:
                    ran.waits.append((answered - clock) * 1000)

    threads = [threading.Thread(target=camera, args=(look,)) for look in looks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ran.busy = (process_time() - spent) / max(0.1, monotonic() - begun)
    ran.offered = round(seconds * FPS) * len(looks)
    ran.memory_mb = bench_doors.resident_mb()
    return ran


def report(found: Sequence[Ran]) -> str:
    """Return the table as text."""
    header = ["720p, 10 a second", "cameras", "ms p50", "p95", "answers", "left out", "processor s/s", "MB resident"]
    words = "(a peer answers with a template for each picture that shows a face; MB are of the whole bench so far)"
    return f"{table([one.row() for one in found], header)}\n\n{words}"
