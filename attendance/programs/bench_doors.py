"""How long somebody waits: from the picture that decides to the pulse at the door's device.

In: the settings, how many cameras.  Out: milliseconds of each passage, by camera count.
Does not know: other runtimes, detectors.
Main choice: everything is real but lens and lock: the networks, an SQLite file flushed at each commit, the driver for
Shelly, and a device on this computer that notes when it is asked.  All cameras look at once, each in its thread and
with its own door, and each always has a next picture.  They share the networks and take turns, as in the daemon.
Trade-off: a camera's own delay and the way through a network are not in it.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from attendance import bootstrap
from attendance.bootstrap import Installation
from attendance.config import Settings
from attendance.daemon.doors.drivers import door_of
from attendance.daemon.turns import InTurn
from attendance.domain.faces import Frame
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.programs import daemons, portraits
from attendance.programs.loopback_door import LoopbackDoor
from attendance.service.access.check_in import CheckIn
from attendance.service.access.policy.editing import let_everybody_pass
from attendance.service.audit.audit import Actor
from attendance.service.enrolment.enrol import enrol_photo
from attendance.service.ports import Analyser
from attendance.store.people import people

PICTURES = 60  # different ones, each seen once by each camera
VISIT_S = 4.0
APART = timedelta(seconds=1 / portraits.FPS)
BETWEEN = timedelta(seconds=10)  # from one visit to the next, by the pictures' own time


@dataclass(slots=True)
class Waits:
    """Milliseconds of each passage.  `commit`: the part of it that the flushed write takes.

    `memory_mb`: of this process while all cameras looked, resident."""

    cameras: int
    pulse: list[float] = field(default_factory=list)
    commit: list[float] = field(default_factory=list)
    memory_mb: float = 0.0

    def words(self) -> str:
        """Return the line of the report."""
        number = f"{self.cameras} camera{'s' if self.cameras > 1 else ''}"
        p50, p95 = np.percentile(self.pulse, (50, 95))
        part = float(np.percentile(self.commit, 50))
        return (
            f"from picture to pulse with {number}: {p50:.0f} ms (p95 {p95:.0f}), of which the commit {part:.0f} ms; "
            f"{len(self.pulse)} passages, {self.memory_mb:.0f} MB resident"
        )

    def numbers(self) -> dict[str, float]:
        p50, p95 = np.percentile(self.pulse, (50, 95))
        return {
            "passages": len(self.pulse),
            "p50": round(float(p50), 1),
            "p95": round(float(p95), 1),
            "memory_mb": round(self.memory_mb),
        }


def measure(settings: Settings, counts: Sequence[int] = (1, 4), pictures: int | None = None) -> list[Waits]:
    """Return the waits for each number of cameras; UserError if the weights let nobody in."""
    shown = list(
        itertools.islice(portraits.frames([portraits.Visit(portraits.collins(), VISIT_S)]), pictures or PICTURES)
    )
    return [_measured(settings, count, shown) for count in counts]


def _measured(settings: Settings, cameras: int, shown: Sequence[NDArray[np.uint8]]) -> Waits:
    waits = Waits(cameras)
    with tempfile.TemporaryDirectory(prefix="attendance-bench-") as folder:
        site = fresh_site(settings, Path(folder))
        devices = [LoopbackDoor() for _ in range(cameras)]
        try:
            # Loaded one after the other: what is measured begins when all of them look.
            networks, turns = daemons.shared_networks(site.settings)
            lanes = [
                _check_in(site, f"camera {number}", device, InTurn(networks, turns))
                for number, device in enumerate(devices)
            ]
            threads = [
                threading.Thread(target=_look, args=(check_in, f"camera {number}", device, shown, waits))
                for number, (check_in, device) in enumerate(zip(lanes, devices, strict=True))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            waits.memory_mb = resident_mb()
        finally:
            for device in devices:
                device.close()
            site.engine.dispose()
    if not waits.pulse:
        raise UserError("nobody was let in, so there is nothing to measure: evaluate these weights first")
    return waits


def _look(
    check_in: CheckIn, camera: str, device: LoopbackDoor, shown: Sequence[NDArray[np.uint8]], waits: Waits
) -> None:
    """Show the pictures to one camera, with an empty one after each passage; note how long each passage took."""
    empty, at = np.zeros_like(shown[0]), datetime.now(UTC)
    for number, picture in enumerate(shown):
        at += APART
        begun = perf_counter()
        outcomes = check_in.process(Frame(picture, at, camera, number))
        if not any(outcome.opening is not None and outcome.opening.done for outcome in outcomes):
            continue
        waits.pulse.append((device.pulses[-1][0] - begun) * 1000)
        waits.commit.append(check_in.timings["commit"])
        at += BETWEEN
        check_in.process(Frame(empty, at, camera, number))


def resident_mb() -> float:
    """Return how much memory this process holds, in MB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _check_in(site: Installation, camera: str, device: LoopbackDoor, analyser: Analyser) -> CheckIn:
    rules = replace(bootstrap.rules_for(site.settings), camera=camera, direction=Direction.IN)
    door = door_of(camera, "shelly", {"address": device.address})
    check_in = CheckIn(site.sessions, site.keys, analyser, door, site.clock, rules)
    check_in.start()
    return check_in


def fresh_site(settings: Settings, folder: Path) -> Installation:
    """Return a fresh site in which one person is enrolled."""
    changed = settings.model_copy(
        update={
            "database": settings.database.model_copy(update={"url": f"sqlite:///{folder / 'bench.db'}"}),
            "base_dir": folder,
        }
    )
    bootstrap.set_up(changed)
    site = bootstrap.installation_for(changed)
    with site.sessions.begin() as session:
        now = site.clock.now()
        let_everybody_pass(session, Actor("command line", "bench"), now)
        words = "Public-domain portrait, for this measurement."
        person = people.create_person(session, name="Collins", at=now, consent_at=now, consent_text=words)
        photo = portraits.as_jpeg(portraits.collins())
        report = enrol_photo(
            session, site.keys, bootstrap.analyser_for(changed), person.id, photo, "upload", site.clock
        )
        if not report.ok:
            raise UserError(f"the portrait was refused: {report.words}; evaluate the detector's weights")
    return site
