"""The daemon as a process: signals, exit codes, a second one beside it, a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon.conftest import PATIENCE_S, make_pictures, make_video, wait_for
from tests.daemon.mjpeg import mjpeg_server
from tests.factories import ANNA, NOBODY
from tests.service.conftest import Site, site, staffed

__all__ = ["site", "staffed"]

ROOT = Path(__file__).resolve().parents[2]


class Daemon:
    def __init__(self, database: Path, source: str | Path, log: Path) -> None:
        self.log = log
        command = [sys.executable, "-m", "tests.daemon.daemon_process", str(database), str(source)]
        with log.open("w") as stderr:
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=stderr)

    @property
    def text(self) -> str:
        return self.log.read_text()

    def says(self, words: str) -> None:
        wait_for(lambda: words in self.text or self.process.poll() is not None)
        assert words in self.text

    def ends(self, number: int) -> int:
        """Send a signal; the exit code.  Whoever waited for the camera's 60 s would be too late."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S - 5)


Start = Callable[[str | Path], Daemon]


@pytest.fixture
def start(database: Path, tmp_path: Path) -> Iterator[Start]:
    running: list[Daemon] = []

    def make(source: str | Path) -> Daemon:
        running.append(Daemon(database, source, tmp_path / f"{len(running)}.log"))
        return running[-1]

    yield make
    for daemon in running:
        daemon.process.kill()
        daemon.process.wait(PATIENCE_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_signal_ends_it_cleanly(start: Start, number: int) -> None:
    with mjpeg_server() as server:
        daemon = start(server.url)
        daemon.says("pictures of 160×120 px")
        assert daemon.ends(number) == 0
    assert "pictures looked at" in daemon.text


def test_a_signal_ends_it_cleanly_while_the_camera_hangs(start: Start) -> None:
    with mjpeg_server() as server:
        daemon = start(server.url)
        daemon.says("pictures of 160×120 px")
        server.hang.set()
        time.sleep(0.3)
        assert daemon.ends(signal.SIGTERM) == 0


def test_a_file_ends_it_by_itself_and_its_passages_are_recorded(start: Start, staffed: Site, tmp_path: Path) -> None:
    daemon = start(make_pictures(tmp_path / "clip", [NOBODY, *[ANNA] * 5]))

    assert daemon.process.wait(PATIENCE_S) == 0
    assert "has ended after 6 pictures" in daemon.text
    assert [view.person_name for view in staffed.log()] == ["Anna"]


def test_a_second_one_on_the_same_camera_ends_with_code_2_and_one_line(start: Start) -> None:
    with mjpeg_server() as server:
        first = start(server.url)
        first.says("watching")
        second = start(server.url)
        assert second.process.wait(PATIENCE_S) == 2
        assert first.process.poll() is None

    errors = [line for line in second.text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert f"the camera door is held by process {first.process.pid} on " in errors[0]
    assert "Traceback" not in second.text


def test_after_a_kill_the_next_one_starts_at_once(start: Start) -> None:
    with mjpeg_server() as server:
        first = start(server.url)
        first.says("watching")
        first.ends(signal.SIGKILL)
        second = start(server.url)
        second.says("pictures of 160×120 px")
        assert second.ends(signal.SIGTERM) == 0


def test_a_file_that_is_no_video_ends_it_with_code_2_and_one_line(start: Start, tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [100] * 30)
    path.write_bytes(path.read_bytes()[:500])
    daemon = start(path)

    assert daemon.process.wait(PATIENCE_S) == 2
    assert [line for line in daemon.text.splitlines() if line.startswith("error: cannot open ")]
    assert "Traceback" not in daemon.text
