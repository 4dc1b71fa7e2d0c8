"""`live_test` without a display: the picture goes to a page on this computer."""

from __future__ import annotations

import re
import socket
import threading
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.errors import UserError
from attendance.models import live
from attendance.vision.boxes import Detections

FACE = Detections(
    np.array([[20, 20, 60, 70]], np.float32), np.array([0.9], np.float32), np.full((1, 5, 2), 40, np.float32)
)


def _detect(_image: NDArray[np.uint8]) -> Detections:
    time.sleep(0.01)
    return FACE


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest.fixture
def video(tmp_path: Path) -> str:
    path = tmp_path / "camera.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, (160, 120))
    for _ in range(400):
        writer.write(np.full((120, 160, 3), 70, np.uint8))
    writer.release()
    return str(path)


def test_without_a_display_the_picture_with_its_boxes_is_on_the_page_that_is_printed(
    video: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ends: list[Exception] = []

    def watch() -> None:
        try:
            live.show(_detect, video)
        except UserError as error:
            ends.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    printed, until = "", time.monotonic() + 20
    while "in a browser" not in printed and time.monotonic() < until:
        printed += capsys.readouterr().out
        time.sleep(0.01)
    found = re.search(r"open (http://127\.0\.0\.1:\d+/\S+/) in a browser on this computer; Ctrl-C ends", printed)
    assert found is not None, printed
    with urllib.request.urlopen(found[1] + "stream", timeout=10) as stream:
        stream.readline()
        size = int([stream.readline() for _ in range(3)][1].split(b":")[1])
        picture = cv2.imdecode(np.frombuffer(stream.read(size), np.uint8), cv2.IMREAD_COLOR)
    thread.join(30)

    assert picture is not None and picture.shape == (120, 160, 3)
    blue, green, red = picture[45, 20].astype(int)  # the box's left edge
    assert green > 120 and green > blue + 30 and green > red + 30  # JPEG spreads the colour of a thin line
    assert str(ends[0]) == f"camera {video} stopped sending pictures"


def test_a_camera_that_does_not_open_and_a_port_in_use_are_one_line(tmp_path: Path, video: str) -> None:
    with pytest.raises(UserError, match="does not open: is it plugged in"):
        live.show(_detect, str(tmp_path / "nothing.avi"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} .* choose another"):
            live.show(_detect, video, port)
