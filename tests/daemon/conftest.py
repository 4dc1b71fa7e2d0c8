"""Cameras with short time-outs, and videos made on the spot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from attendance.config import CameraSettings
from attendance.daemon.camera import LiveCamera, open_camera
from attendance.domain.faces import Frame
from tests.factories import make_image
from tests.fakes import FakeClock

Colour = tuple[int, int, int]
# Ends only what would never come.
PATIENCE_S = 60.0


def camera_settings(source: str | Path, **changes: Any) -> CameraSettings:
    values: dict[str, Any] = {
        "name": "door",
        "source": str(source),
        # Long enough that a busy computer's pause is not taken for a camera that hangs.
        "open_timeout_s": 4.0,
        "read_timeout_s": 2.0,
        "reconnect_min_s": 0.1,
        "reconnect_max_s": 0.4,
        "max_fps": 100.0,
    }
    return CameraSettings(**values | changes)


@pytest.fixture
def watch() -> Iterator[Callable[..., LiveCamera]]:
    """Makes cameras and closes them."""
    opened: list[LiveCamera] = []

    def make(source: str | Path, paced: bool = True, **changes: Any) -> LiveCamera:
        opened.append(open_camera(camera_settings(source, **changes), FakeClock(), paced))
        return opened[-1]

    yield make
    for camera in opened:
        camera.close()


def read_all(camera: LiveCamera, seconds: float = PATIENCE_S) -> list[Frame]:
    """Everything until the end."""
    frames, deadline = [], time.monotonic() + seconds
    while not camera.ended and time.monotonic() < deadline:
        frame = camera.read(0.2)
        if frame is not None:
            frames.append(frame)
    assert camera.ended, "it has not ended"
    return frames


class Lateness:
    """By how much this computer has woken sleepers too late: what a busy one is given beyond a test's own limits.

    On an idle computer that is nothing, and the limits are the test's.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sleep, daemon=True)

    def __enter__(self) -> Lateness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sleep(self) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            self._stop.wait(0.02)
            self.seconds += max(0.0, time.monotonic() - begun - 0.025)


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.02)


def make_video(path: Path, shades: list[int], fps: float = 20.0, size: tuple[int, int] = (64, 48)) -> Path:
    """A grey video, one shade a picture."""
    code = cv2.VideoWriter_fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), code, fps, size)
    assert writer.isOpened()
    for shade in shades:
        writer.write(make_image((shade, shade, shade), *size))
    writer.release()
    return path


def make_pictures(folder: Path, colours: list[Colour]) -> Path:
    folder.mkdir()
    for number, colour in enumerate(colours):
        assert cv2.imwrite(str(folder / f"{number}.png"), make_image(colour))
    return folder
