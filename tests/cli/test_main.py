"""The command line, run in this process on real files; programs that serve run as processes of their own."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from attendance.cli.command_line import own_zone
from attendance.cli.main import main
from tests.cli.conftest import Here
from tests.vision import networks

ROOT = Path(__file__).resolve().parents[2]


def every_command(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from every_command(inner, f"{path} {name}".strip())


def test_every_command_and_every_option_says_what_it_does() -> None:
    silent = []
    for path, command in every_command(main):
        if not command.help:
            silent.append(path)
        silent += [
            f"{path} {option.opts[0]}"
            for option in command.params
            if isinstance(option, click.Option) and not option.help
        ]

    assert silent == []


def test_init_makes_the_database_once_and_prints_one_token(here: Here) -> None:
    first = here.good("init")

    assert re.search(r"setup token .*: \S{32}\n", first)
    assert "http://127.0.0.1:8000/setup" in first
    assert here.database.exists()
    key = here.database.with_name("master.key")
    assert key.stat().st_mode & 0o777 == 0o600

    before = key.read_text()
    assert "up to date" in here.good("init")
    assert key.read_text() == before


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Nowhere/Land"])
def test_init_makes_the_settings_file_that_is_missing(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    written = own_zone()  # of what is no zone, the computer's
    new = tmp_path / "site" / "config.toml"
    arguments = ["--set", f"models.weights_dir={tmp_path / 'weights'}"]
    arguments += ["--set", f"models.detector={networks.DETECTOR}", "--set", f"models.recogniser={networks.RECOGNISER}"]

    result = CliRunner().invoke(main, ["--config", str(new), *arguments, "init"])

    assert result.exit_code == 0, result.output
    assert f"days begin and end in {written} (site.timezone)\n" in result.output
    expected = (ROOT / "config.toml").read_text(encoding="utf-8").replace('timezone = "UTC"', f'timezone = "{written}"')
    assert new.read_text(encoding="utf-8") == expected
    assert (tmp_path / "site" / "var" / "attendance.db").exists()


def test_init_with_damaged_weights_writes_no_database(here: Here) -> None:
    graph = here.folder / "weights" / f"{networks.DETECTOR}.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])

    assert "tiny-detector.onnx is damaged" in here.refused("init")
    assert not here.database.exists()


def test_a_database_that_does_not_fit_is_named_with_what_to_do(here: Here) -> None:
    assert "has not been set up; run: attendance db upgrade" in here.refused("db", "status")
    assert not here.database.exists()
    assert "has not been set up" in here.refused("people", "list")

    assert "was empty, is current" in here.good("db", "upgrade")
    assert "current" in here.good("db", "status")

    connection = sqlite3.connect(here.database)
    connection.execute("UPDATE alembic_version SET version_num = 'ffff'")
    connection.commit()
    connection.close()
    assert "newer version" in here.refused("db", "status")
    assert "newer version" in here.refused("db", "upgrade")
    assert "newer version" in here.refused("web")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ("web.port=0", 'flag: web.port is "0", but must be a whole number from 1 to 65535'),
        ("web.prot=1", "did you mean web.port?"),
        ("nonsense", "write it as section.key=value"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(here: Here, changes: str, says: str) -> None:
    assert says in here.refused("--set", changes, "people", "list")


def test_config_check_prints_each_value_with_its_origin(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENDANCE__SITE__NAME", "HQ")
    monkeypatch.setenv("ATTENDANCE__CAMERA__SOURCE", "rtsp://me:hunter2@cam/1")

    lines = here.good("--set", "web.port=9000", "config", "check").splitlines()

    found = {line.split()[0]: re.split(r"\s{2,}", line)[1:] for line in lines}
    assert found["site.name"] == ['"HQ"', "ATTENDANCE__SITE__NAME"]
    assert found["camera.source"] == ['"rtsp://…@cam/1"', "ATTENDANCE__CAMERA__SOURCE"]
    assert found["web.port"] == ["9000", "flag"]
    assert found["models.detector"] == ['"tiny-detector"', str(here.config)]
    assert found["decision.frames_needed"] == ["3", "default"]


@pytest.mark.parametrize(
    "arguments",
    [("--nosuch",), ("nosuch",), ("calibrate", "--nosuch"), ("people", "list", "--nosuch"), ("web", "--port", "x"),
     ("operators", "role"), ("operators", "nosuch")],
)  # fmt: skip
def test_a_command_written_wrongly_is_told_in_one_line(here: Here, arguments: tuple[str, ...]) -> None:
    assert "; see main" in here.refused(*arguments)


def test_the_daemon_watches_a_folder_of_pictures_and_gives_the_camera_back(here: Here) -> None:
    here.good("init")
    pictures = here.folder / "pictures"
    pictures.mkdir()
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[96:160, 96:160] = 255  # what the tiny detector takes for a face
    for number in range(4):
        cv2.imwrite(str(pictures / f"{number}.png"), picture)

    here.good("daemon", "--camera", str(pictures), "--name", "folder", "--max-seconds", "20")

    connection = sqlite3.connect(here.database)
    assert connection.execute("SELECT name, owner FROM cameras").fetchall() == [("folder", None)]
    connection.close()


def test_a_camera_that_is_not_there_is_one_line(here: Here) -> None:
    here.good("init")

    assert "nowhere.mp4" in here.refused("daemon", "--camera", str(here.folder / "nowhere.mp4"), "--max-seconds", "5")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def test_run_serves_site_and_camera_and_sigterm_ends_both(here: Here) -> None:
    here.good("init")
    port = free_port()
    # A stream that nobody serves: the daemon keeps trying, as it should at a door.
    camera = f"http://127.0.0.1:{free_port()}/x.mjpg"
    command = [sys.executable, str(ROOT / "manage.py"), "--config", str(here.config), "run"]
    program = subprocess.Popen(
        [*command, "--camera", camera, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while not (answers(port) and here.count("cameras WHERE owner IS NOT NULL")):
            assert program.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        program.send_signal(signal.SIGTERM)
        said = program.communicate(timeout=60)[0]
    finally:
        program.kill()

    assert program.returncode == 0, said
    assert "Traceback" not in said
    assert here.count("cameras WHERE owner IS NOT NULL") == 0
    assert not answers(port)


def test_a_port_in_use_is_one_line(here: Here) -> None:
    here.good("init")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        assert f"cannot listen at 127.0.0.1:{port}" in here.refused("web", "--port", str(port))
