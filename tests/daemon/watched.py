"""A worker before a folder of pictures, and what its camera row says."""

from __future__ import annotations

from dataclasses import replace

from attendance.daemon.camera import Health
from attendance.daemon.worker import Worker
from attendance.domain.faces import Frame
from attendance.store.cameras import cameras
from attendance.store.tables.cameras import Camera
from tests.daemon.conftest import camera_settings
from tests.factories import make_frame
from tests.fakes import FakeClock
from tests.service.conftest import Site

SETTINGS = camera_settings("0", direction="in")


class FakeCamera:
    """Gives the frames that it was given; then nothing, or, when `endless`, the last one again."""

    paced = False

    def __init__(self, frames: list[Frame], clock: FakeClock, endless: bool = False) -> None:
        self.frames, self.clock, self.endless = list(frames), clock, endless
        self.health = Health()
        self.closed = False

    @property
    def ended(self) -> bool:
        return not self.frames

    def read(self, timeout: float) -> Frame | None:
        if not self.frames:
            return None
        self.clock.advance(0.2)
        frame = self.frames[0] if self.endless else self.frames.pop(0)
        self.health = replace(self.health, frames=self.health.frames + 1, seen_at=self.clock.now(), read_ms=1.5)
        return replace(frame, taken_at=self.clock.now())

    def close(self) -> None:
        self.closed = True


def worker_at(site: Site, colours: list[tuple[int, int, int]], endless: bool = False) -> tuple[Worker, FakeCamera]:
    camera = FakeCamera([make_frame(colour) for colour in colours], site.clock, endless)
    return Worker(camera, site.check_in(), site.sessions, site.clock, SETTINGS), camera


def row(site: Site) -> Camera:
    with site.sessions() as session:
        camera = cameras.get_camera(session, "door")
        assert camera is not None
        return camera
