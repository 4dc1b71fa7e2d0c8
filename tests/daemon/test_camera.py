"""The newest picture only, and a camera that comes back: against real files and a real MJPEG server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.daemon import camera as camera_module
from attendance.daemon.camera import MOST_ABANDONED, LiveCamera
from attendance.daemon.cameras.feed import SourceLost
from attendance.errors import UserError
from tests.daemon.conftest import PATIENCE_S, Lateness, make_pictures, make_video, read_all, wait_for
from tests.daemon.mjpeg import MjpegServer, mjpeg_server
from tests.factories import ANNA, BERT, NOON, STRANGER, make_image

Watch = Callable[..., LiveCamera]


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    with mjpeg_server() as server:
        yield server


def shades(frames: list[object]) -> list[int]:
    return [round(float(frame.image.mean()) / 10) for frame in frames]  # type: ignore[attr-defined]


# Files


def test_every_picture_of_a_video_can_be_had_stamped_as_in_real_time(watch: Watch, tmp_path: Path) -> None:
    camera = watch(make_video(tmp_path / "a.mp4", list(range(50, 250, 10)), fps=20), paced=False)
    frames = []
    while (frame := camera.read(PATIENCE_S)) is not None:
        frames.append(frame)
        time.sleep(0.005)  # a slow reader misses nothing

    assert shades(frames) == list(range(5, 25))
    assert [frame.sequence for frame in frames] == list(range(20))
    assert [frame.taken_at - NOON for frame in frames] == [timedelta(seconds=number / 20) for number in range(20)]
    assert frames[0].camera == "door"
    assert {frame.came for frame in frames} == {None}  # their ages would mean nothing
    assert camera.ended
    assert camera.read(0.1) is None


def test_a_video_plays_in_real_time_and_a_slow_reader_gets_the_newest_picture(watch: Watch, tmp_path: Path) -> None:
    camera = watch(make_video(tmp_path / "a.mp4", list(range(20, 220, 5)), fps=20))
    with Lateness() as late:
        begun = time.monotonic()
        first = camera.read(PATIENCE_S)
        time.sleep(1.0)
        second = camera.read(PATIENCE_S)
        rest = read_all(camera)
        took = time.monotonic() - begun

    assert first is not None
    assert second is not None
    gap, pictures = second.sequence - first.sequence, 20 * late.seconds
    assert 17 - pictures <= gap <= 24 + pictures  # what came in between is gone
    assert took == pytest.approx(2.0, abs=0.4 + late.seconds)
    assert rest[-1].sequence == 39
    assert first.came is not None and second.came is not None
    assert begun <= first.came <= second.came <= begun + took


def test_broken_pictures_in_the_middle_of_a_video_are_counted_and_left_out(watch: Watch, tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.avi", [100] * 40)
    data = bytearray(path.read_bytes())
    first = data.index(b"\xff\xd8", len(data) // 2)
    last = data.index(b"\xff\xd9", first)
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    camera = watch(path, paced=False)
    frames = read_all(camera)

    assert len(frames) == 39
    assert camera.health.broken == 40 - len(frames)
    assert camera.health.trouble == ""


def test_pictures_of_a_folder_come_in_order_and_broken_ones_are_counted(
    watch: Watch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_pictures(tmp_path / "folder", [ANNA, BERT, STRANGER])
    (folder / "1.png").write_bytes(b"no picture")
    (folder / "9.png").write_bytes(b"")
    caplog.set_level(logging.INFO)
    camera = watch(folder, paced=False)
    frames = read_all(camera)

    assert [tuple(frame.image[0, 0]) for frame in frames] == [ANNA, STRANGER]
    assert camera.health.broken == 2
    assert caplog.text.count("several pictures of one person in a row must agree") == 1


def test_more_broken_pictures_than_a_camera_may_give_do_not_end_a_folder(watch: Watch, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "folder", [ANNA, *[BERT] * 40, STRANGER])
    for number in range(1, 41):
        (folder / f"{number}.png").write_bytes(b"no picture")

    assert len(read_all(watch(folder, paced=False))) == 2


@pytest.mark.parametrize("paced", [True, False])
def test_a_file_that_is_no_video_is_the_users_mistake(watch: Watch, tmp_path: Path, paced: bool) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    camera = watch(tmp_path / "a.mp4", paced)

    with pytest.raises(UserError, match=r"cannot open .*a\.mp4: it is not a video that can be read; give a video"):
        camera.read(PATIENCE_S)


def test_a_folder_with_nothing_but_broken_pictures_is_the_users_mistake(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    camera = watch(tmp_path)

    with pytest.raises(UserError, match=r"no picture of .* can be read"):
        camera.read(PATIENCE_S)


@pytest.mark.parametrize(
    ("degrees", "size", "corner"), [(0, (64, 48), 0), (90, (48, 64), 1), (180, (64, 48), 3), (270, (48, 64), 2)]
)
def test_a_camera_that_is_mounted_sideways_is_turned(
    watch: Watch, tmp_path: Path, degrees: int, size: tuple[int, int], corner: int
) -> None:
    picture = make_image(ANNA, 64, 48)
    picture[:8, :8] = 255
    (tmp_path / "folder").mkdir()
    assert cv2.imwrite(str(tmp_path / "folder" / "1.png"), picture)
    (frame,) = read_all(watch(tmp_path / "folder", paced=False, rotate=degrees))
    corners = [frame.image[y, x].min() == 255 for y in (0, -1) for x in (0, -1)]

    assert frame.image.shape[1::-1] == size
    assert corners.index(True) == corner and sum(corners) == 1


def test_a_file_that_is_not_there_is_refused_before_anything_starts(watch: Watch) -> None:
    with pytest.raises(UserError, match=r"there is no file or folder missing\.mp4"):
        watch("missing.mp4")


def test_a_webcam_that_is_not_there_is_the_users_mistake(watch: Watch) -> None:
    camera = watch("77")

    with pytest.raises(UserError, match="cannot open webcam 77: it cannot be opened; plug it in"):
        camera.read(PATIENCE_S)


# Streams


def test_a_picture_that_never_changes_is_trouble_until_it_does(
    watch: Watch, server: MjpegServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(camera_module, "FROZEN_S", 0.5)
    camera = watch(server.url)
    wait_for(lambda: camera.read(0.1) is not None and camera.health.trouble == camera_module.FROZEN)
    server.colour = (200, 40, 40)
    wait_for(lambda: camera.read(0.1) is not None and camera.health.trouble == "")

    assert [record.message.count("frozen") for record in caplog.records if "restart it" in record.message] == [1]


def test_a_stream_gives_its_newest_picture(watch: Watch, server: MjpegServer) -> None:
    camera = watch(server.url)
    first = camera.read(PATIENCE_S)
    wait_for(lambda: camera.health.frames > 10)
    server.colour = (200, 40, 40)
    before = camera.health.frames
    wait_for(lambda: camera.health.frames > before + 50)  # more than are on their way
    second = camera.read(PATIENCE_S)

    assert first is not None
    assert second is not None
    assert first.image.shape == (120, 160, 3)
    assert first.image[0, 0].argmax() == 1
    assert second.image[0, 0].argmax() == 0  # what was shown before the change is gone
    assert second.sequence > first.sequence + 5


def test_a_stream_that_hangs_is_lost_and_found_again(
    watch: Watch, server: MjpegServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    camera = watch(server.url)
    assert camera.read(PATIENCE_S) is not None
    server.hang.set()
    wait_for(lambda: camera.read(0.1) is None and camera.health.trouble)
    assert camera.health.lost == 1
    before = server.requests
    # Several attempts, each of them hanging; it is the reading that makes them.
    wait_for(lambda: camera.read(0.1) is None and server.requests >= before + 2)
    assert camera.read(0.1) is None
    server.hang.clear()
    wait_for(lambda: camera.read(0.1))

    assert camera.health.trouble == ""
    assert sum("trying again" in line for line in caplog.messages) <= 2  # changes, not attempts
    assert any("pictures again after" in line for line in caplog.messages)


def test_broken_jpegs_are_counted_and_left_out(watch: Watch, server: MjpegServer) -> None:
    server.broken_every = 3
    camera = watch(server.url)
    frames = []

    def enough() -> bool:
        if (frame := camera.read(0.2)) is not None:
            frames.append(frame)
        return len(frames) > 10 and camera.health.broken > 5

    wait_for(enough)

    assert len(frames) > 10
    assert camera.health.broken > 5
    assert (camera.health.lost, camera.health.trouble) == (0, "")
    assert all(frame.image.shape == (120, 160, 3) for frame in frames)


def test_a_stream_of_garbage_is_a_lost_camera(watch: Watch, server: MjpegServer) -> None:
    camera = watch(server.url)
    assert camera.read(PATIENCE_S) is not None
    server.garbage.set()
    wait_for(lambda: camera.read(0.1) is None and camera.health.trouble)
    server.garbage.clear()
    wait_for(lambda: camera.read(0.1))

    assert camera.health.trouble == ""


def test_a_camera_that_disappears_and_comes_back_is_found_again(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with mjpeg_server() as server:
        port = server.server_address[1]
        camera = watch(server.url)
        assert camera.read(PATIENCE_S) is not None
    wait_for(lambda: camera.read(0.1) is None and camera.health.trouble == "it cannot be opened")
    with mjpeg_server(port):
        wait_for(lambda: camera.read(0.1))

    assert camera.health.lost == 1
    assert camera.health.trouble == ""
    assert not camera.ended


def test_a_stream_that_is_not_there_at_the_start_is_waited_for(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    with mjpeg_server() as server:
        port = server.server_address[1]
    camera = watch(f"http://me:secret@127.0.0.1:{port}/video.mjpg?pwd=secret")
    for _ in range(8):
        assert camera.read(0.1) is None
    assert camera.health.trouble == "it cannot be opened"
    with mjpeg_server(port):
        wait_for(lambda: camera.read(0.1))

    assert len([line for line in caplog.messages if "it cannot be opened" in line]) == 1
    assert "secret" not in caplog.text


def test_the_wait_between_attempts_doubles_up_to_its_limit(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []

    def refuse(*_: object) -> None:
        begun.append(time.monotonic())
        raise SourceLost("it cannot be opened")

    monkeypatch.setattr(camera_module, "open_feed", refuse)
    camera = watch("http://127.0.0.1:9/a.mjpg", reconnect_min_s=0.1, reconnect_max_s=0.4)
    wait_for(lambda: camera.read(0.02) is None and len(begun) == 5)

    gaps = np.diff(begun)  # a busy computer may wait longer, never shorter
    assert (gaps >= np.array([0.1, 0.2, 0.4, 0.4]) * 0.95).all()
    assert gaps.max() < 5


# Drivers that do not come back


class StuckFeed:
    """Two good pictures, then a read that no time-out ends."""

    fps, tells_end, note = 25.0, False, ""

    def __init__(self, let_go: threading.Event) -> None:
        self.let_go, self.left = let_go, 2

    def read(self) -> NDArray[np.uint8] | None:
        if self.left:
            self.left -= 1
            return make_image(ANNA)
        self.let_go.wait(30)
        return make_image(STRANGER)

    def close(self) -> None:
        pass


def test_a_read_that_never_returns_is_given_up_and_its_late_picture_is_not_used(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "GRACE_S", 0.0)
    let_go = threading.Event()
    opened: list[StuckFeed] = []

    def open_stuck(*_: object) -> StuckFeed:
        opened.append(StuckFeed(let_go))
        return opened[-1]

    monkeypatch.setattr(camera_module, "open_feed", open_stuck)
    camera = watch("http://127.0.0.1:9/a.mjpg", read_timeout_s=0.2)
    pictures = []
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline + PATIENCE_S * (len(opened) < MOST_ABANDONED):
        if (frame := camera.read(0.05)) is not None:
            pictures.append(frame)

    assert len(opened) == MOST_ABANDONED  # no more threads than that, however long it hangs
    assert camera.health.trouble.startswith("no answer")
    let_go.set()
    monkeypatch.setattr(StuckFeed, "read", lambda self: make_image(BERT))
    wait_for(lambda: (frame := camera.read(0.05)) is not None and not pictures.append(frame))
    assert {tuple(frame.image[0, 0]) for frame in pictures} == {ANNA, BERT}  # never STRANGER


def test_closing_does_not_wait_for_a_read_that_hangs(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(camera_module, "open_feed", lambda *_: StuckFeed(let_go))
    camera = watch("http://127.0.0.1:9/a.mjpg", read_timeout_s=60)
    wait_for(lambda: camera.read(0.05))
    with Lateness() as late:
        begun = time.monotonic()
        camera.close()
        took = time.monotonic() - begun

    assert took < 1 + late.seconds
    let_go.set()


def test_a_driver_that_raises_is_a_lost_camera(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Wild(StuckFeed):
        def read(self) -> NDArray[np.uint8] | None:
            raise OSError("the bus is gone")

    monkeypatch.setattr(camera_module, "open_feed", lambda *_: Wild(threading.Event()))
    camera = watch("http://127.0.0.1:9/a.mjpg")
    camera.read(0.5)

    assert camera.health.trouble == "reading failed with OSError"
    assert "the bus is gone" in caplog.text
