"""camera list, add and change, and the daemon that watches all of them."""

from __future__ import annotations

from pathlib import Path

from attendance.cli.command_line import whole_source
from tests.cli.conftest import Here
from tests.cli.operations.programs import started, unserved_stream, until

SECRET = "rtsp://viewer:hush@10.0.0.7/1"


def test_a_long_address_is_not_taken_for_the_name_of_a_file() -> None:
    long = "http://camera.example/stream?token=" + 300 * "x"
    assert whole_source(long) == long
    assert whole_source(".") == str(Path.cwd())


def test_cameras_are_added_listed_and_changed(here: Here) -> None:
    here.good("init")
    assert "camera yard: rtsp://" in here.good("camera", "add", "yard", "-", "--direction", "out", typed=f"{SECRET}\n")
    listed = here.good("camera", "list")
    assert "hush" not in listed
    assert "not watched" in listed
    here.good("camera", "change", "yard", "--max-fps", "5", "--no-use")
    assert "switched off" in here.good("camera", "list")
    assert here.refused("camera", "add", "yard", "0").startswith("error: name: there is a camera yard already")
    assert "there is no camera x; there is yard" in here.refused("camera", "change", "x", "--use")
    assert "max_fps" in here.refused("camera", "change", "yard", "--max-fps", "0")
    assert "camera yard is removed" in here.good("camera", "remove", "yard")
    assert "yard" not in here.good("camera", "list")
    assert "there is no camera yard; there is none" in here.refused("camera", "remove", "yard")
    assert "the site has no camera x" in here.refused("daemon", "--name", "x", "--once")


def test_one_daemon_watches_all_cameras(here: Here) -> None:
    here.good("init")
    here.good("camera", "add", "front", unserved_stream())
    here.good("camera", "add", "back", unserved_stream())
    with started(here, "daemon") as log:
        until(lambda: "camera front: watching" in log.read_text() and "camera back: watching" in log.read_text())
    assert "Traceback" not in log.read_text()
