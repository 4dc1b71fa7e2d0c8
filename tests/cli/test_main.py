"""The command line, run in this process on real files; programs that serve run as processes of their own."""

from __future__ import annotations

import csv
import io
import os
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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from attendance import bootstrap
from attendance.cli.command_line import own_zone
from attendance.cli.main import main
from attendance.config import load_settings
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.store.session import make_engine, sessions
from tests import factories
from tests.fakes import FakeAnalyser
from tests.vision import networks

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Here:
    """One installation with tiny networks in a folder of its own."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def database(self) -> Path:
        return self.folder / "var" / "attendance.db"

    def __call__(self, *arguments: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(main, ["--config", str(self.config), *arguments], input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def good(self, *arguments: str, typed: str | None = None) -> str:
        result = self(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *arguments: str) -> str:
        """The one line on stderr of a command that ended with exit code 2."""
        result = self(*arguments)
        assert result.exit_code == 2, result.output
        (line,) = result.stderr.strip().split("\n")
        assert line.startswith("error: ")
        return line

    def photo(self, name: str, colour: tuple[int, int, int]) -> str:
        path = self.folder / name
        path.write_bytes(factories.make_photo(colour))
        return str(path)

    def count(self, table: str) -> int:
        connection = sqlite3.connect(self.database)
        (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        connection.close()
        return int(number)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    for variable in [name for name in os.environ if name.startswith("ATTENDANCE")]:
        monkeypatch.delenv(variable)
    weights = tmp_path / "weights"
    weights.mkdir()
    networks.write_detector(weights)
    networks.write_recogniser(weights)
    (tmp_path / "config.toml").write_text(
        f'[models]\nweights_dir = "weights"\ndetector = "{networks.DETECTOR}"\nrecogniser = "{networks.RECOGNISER}"\n'
    )
    return Here(tmp_path)


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> FakeAnalyser:
    """An analyser that takes a colour for a face, instead of the tiny networks."""
    analyser = FakeAnalyser()
    monkeypatch.setattr(bootstrap, "analyser_for", lambda settings: analyser)
    return analyser


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


def test_the_computers_own_zone_is_found_where_systems_keep_it(tmp_path: Path) -> None:
    assert own_zone({}, tmp_path) == "UTC"
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Kolkata")
    assert own_zone({}, tmp_path) == "Asia/Kolkata"
    (tmp_path / "timezone").write_text("Europe/Berlin\n")
    assert own_zone({}, tmp_path) == "Europe/Berlin"
    assert own_zone({"TZ": ":America/Lima"}, tmp_path) == "America/Lima"
    assert own_zone({"TZ": "CET-1CEST"}, tmp_path) == "Europe/Berlin"


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
    assert "has not been set up; run: python manage.py db upgrade" in here.refused("db", "status")
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


def test_people_are_enrolled_from_photos_and_get_more_by_the_same_name(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")

    out = here.good("enrol", "Anna Berg", here.photo("a.png", factories.ANNA), "--id", "E1", "--consent", "Yes.")
    assert "Anna Berg: person 1, 1 of 1 photos" in out
    again = here.good("enrol", "anna  berg", here.photo("b.png", (200, 40, 100)))
    assert "person 1, 1 of 1" in again
    assert (here.count("people"), here.count("templates")) == (1, 2)
    assert "enrolled before" in here.good("enrol", "Anna Berg", str(here.folder / "a.png"))

    listed = here.good("--set", f"models.recogniser={colours.model_id}", "people", "list", "berg").splitlines()
    assert re.split(r"\s{2,}", listed[1]) == ["1", "Anna Berg", "E1", "yes", "2"]


@pytest.mark.parametrize(
    "arguments",
    [("--nosuch",), ("nosuch",), ("calibrate", "--nosuch"), ("people", "list", "--nosuch"), ("web", "--port", "x"),
     ("operators", "role"), ("operators", "nosuch")],
)  # fmt: skip
def test_a_command_written_wrongly_is_told_in_one_line(here: Here, arguments: tuple[str, ...]) -> None:
    assert "; see main" in here.refused(*arguments)


def test_when_no_photo_is_good_nobody_is_enrolled(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    (here.folder / "text.jpg").write_text("no image")
    (here.folder / "empty.jpg").write_bytes(b"")

    result = here(
        "enrol",
        "Anna",
        here.photo("dark.png", factories.NOBODY),
        str(here.folder / "text.jpg"),
        str(here.folder / "empty.jpg"),
        "--consent",
        "Yes.",
    )

    assert result.exit_code == 2
    assert result.stdout.count("refused") == 3
    assert "not an image" in result.stdout
    assert result.stderr == "error: no photo could be used, so nobody was enrolled\n"
    assert here.count("people") == 0
    assert "cannot read" in here.refused("enrol", "Anna", str(here.folder / "missing.jpg"))


def test_nobody_is_enrolled_without_consent(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    photo = here.photo("a.png", factories.ANNA)

    assert "no consent of Anna is recorded: ask, then say with --consent" in here.refused("enrol", "Anna", photo)
    assert (here.count("people"), here.count("templates")) == (0, 0)


def test_many_are_enrolled_at_once_with_a_report_and_whoever_is_left_out_gives_exit_code_1(
    here: Here, colours: FakeAnalyser
) -> None:
    here.good("init")
    for name, colour in (("Anna_Berg", factories.ANNA), ("Bert", factories.NOBODY)):
        (here.folder / "in" / name).mkdir(parents=True)
        (here.folder / "in" / name / "1.png").write_bytes(factories.make_photo(colour))
    common = ("enrol-bulk", str(here.folder / "in"), "--consent", "Yes.", "--report", str(here.folder / "r.csv"))

    assert "would be enrolled" in here(*common, "--dry-run").stdout
    assert here.count("people") == 0
    done = here(*common)
    assert (done.exit_code, here.count("people"), here.count("templates")) == (1, 1, 1)
    assert re.search(r"Bert +1 +0 +0 +left out: no usable photo", done.stdout)
    assert "1 of 2 people enrolled" in done.stdout
    assert len((here.folder / "r.csv").read_text(encoding="utf-8-sig").splitlines()) == 3
    assert "lies in no person's folder" in here.refused("enrol-bulk", str(here.folder / "in" / "Bert"))


def test_somebody_who_may_be_another_is_enrolled_only_when_that_is_denied(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    photo = here.photo("a.png", factories.ANNA)
    with sessions(make_engine(load_settings(here.config).database.url)).begin() as session:
        operating_points.set_point(
            session,
            model_id=colours.model_id,
            threshold=0.5,
            margin=0.05,
            source="administrator",
            gallery_size=0,
            at=factories.NOON,
        )
    here.good("enrol", "Anna", photo, "--consent", "Yes.")
    result = here("enrol", "Ann", photo, "--consent", "Yes.")
    assert result.exit_code == 2
    assert "refused, this may be Anna, 1.00" in result.stdout
    assert "looks like Anna" in here.good("enrol", "Ann", photo, "--consent", "Yes.", "--two-people")


def test_an_id_of_somebody_else_is_refused(here: Here, colours: FakeAnalyser) -> None:
    here.good("init")
    here.good("enrol", "Anna", here.photo("a.png", factories.ANNA), "--id", "E1", "--consent", "Yes.")

    assert "belongs to Anna, not to Bert" in here.refused(
        "enrol", "Bert", here.photo("b.png", factories.BERT), "--id", "E1"
    )


def record(here: Here, *at: datetime) -> None:
    engine = make_engine(load_settings(here.config).database.url)
    with sessions(engine).begin() as session:
        for each in at:
            events.record_passage(session, factories.make_passage(each))
    engine.dispose()


def test_events_are_listed_and_exported_by_local_days(here: Here) -> None:
    here.good("init")
    late = datetime(2024, 5, 6, 22, 30, tzinfo=UTC)  # the next day already, in Berlin
    record(here, late, late + timedelta(days=2))
    berlin = ("--set", "site.timezone=Europe/Berlin", "events")

    listed = here.good(*berlin, "list", "--since", "2024-05-07", "--until", "2024-05-07").splitlines()
    assert len(listed) == 2
    assert listed[1].startswith("2024-05-07 00:30:00  door    face  granted  (erased)  recognised")

    rows = list(csv.DictReader(io.StringIO(here.good(*berlin, "export"))))
    assert [row["time_local"] for row in rows] == ["2024-05-09T00:30:00+02:00", "2024-05-07T00:30:00+02:00"]

    target = here.folder / "out.csv"
    assert "1 rows" in here.good(*berlin, "export", "--csv", str(target), "--until", "2024-05-07")
    assert target.read_bytes().startswith(b"\xef\xbb\xbftime_utc,")
    assert "cannot write" in here.refused("events", "export", "--csv", str(here.folder / "no" / "out.csv"))
    assert "is after --until" in here.refused("events", "list", "--since", "2024-05-08", "--until", "2024-05-07")


def test_a_new_token_ends_the_old_one(here: Here) -> None:
    first = re.findall(r"token .*: (\S+)", here.good("init"))[0]
    second = re.findall(r"token .*: (\S+)", here.good("operators", "reset", "--hours", "1"))[0]

    assert first != second
    assert here.count("setup_tokens") == 1


def test_operators_are_added_listed_and_given_another_role(here: Here) -> None:
    here.good("init")
    add = ("operators", "add", "Sue", "--role", "supervisor", "--department")
    assert "the departments are none so far" in here.refused(*add, "Lab")
    here.good("demo-data", "--people", "6", "--days", "1")
    made = here.good(*add, "Shop", "--staff-number", "10001", typed="correct horse battery\n" * 2)
    assert "sue can sign in as supervisor" in made
    assert "Shop" in here.good("operators", "list")
    role = ("operators", "role", "sue", "--role")
    assert "nobody has the staff number 9" in here.refused(*role, "viewer", "--staff-number", "9")
    assert "choose one or more" in here.refused(*role, "supervisor")
    assert "there is no operator eve" in here.refused("operators", "role", "eve", "--role", "viewer")

    here.good(*role, "viewer")

    assert "Shop" not in here.good("operators", "list")


def test_weights_verify_says_which_file_is_wrong(here: Here) -> None:
    assert here.good("weights", "verify").count("good") == 2

    numbers = here.folder / "weights" / f"{networks.RECOGNISER}.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:-3])
    message = here.refused("weights", "verify")

    assert "tiny-recogniser.safetensors is damaged: it was cut off" in message
    assert "tiny-detector" not in message


def test_a_recogniser_that_somebody_brings_along_gets_a_card(here: Here) -> None:
    card = networks.write_recogniser(here.folder / "weights", "brought", output="fc1")
    graph = here.folder / "weights" / "brought.onnx"
    assert "--replace" in here.refused("weights", "card", str(graph), "--terms", "mine")

    said = here.good("weights", "card", str(graph), "--terms", "mine", "--bgr", "--threshold", "0.3", "--replace")

    assert f"input {card.input_size} px, embedding {networks.DIM}" in said
    assert '"channel_order": "BGR"' in here.good("weights", "show", "brought")
    here.good("--set", "models.recogniser=brought", "init")
    assert here.count("operating_points WHERE model_id = 'brought' AND threshold = 0.3") == 1
    junk = here.folder / "weights" / "junk.onnx"
    junk.write_text("no graph")
    assert "cannot be loaded" in here.refused("weights", "card", str(junk), "--terms", "mine")
    assert "is no detector" in here.refused(
        "weights", "card", str(graph), "--kind", "detector", "--terms", "x", "--replace"
    )


def test_training_options_are_checked_before_anything_is_loaded(here: Here, tmp_path: Path) -> None:
    common = ("train", "detector", "--out", str(tmp_path / "run"), "--data")

    assert "there is no folder" in here.refused(*common, str(tmp_path / "no"))
    assert "not both" in here.refused(*common, str(tmp_path), "--epochs", "1", "--samples", "5")
    assert "multiple of 32" in here.refused(*common, str(tmp_path), "--size", "192,250")
    recogniser = ("train", "recogniser", "--out", str(tmp_path / "run"), "--data", str(tmp_path))
    assert "no multiple of 16" in here.refused(*recogniser, "--size", "250")
    assert "there is no file" in here.refused(*common, str(tmp_path), "--teacher", str(tmp_path / "t.onnx"))
    export = ("export", "detector", "--out", str(tmp_path), "--id", "x", "--weights")
    assert "there is no file" in here.refused(*export, str(tmp_path / "x.safetensors"))


def test_live_says_that_there_is_no_display(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    assert "there is no display" in here.refused("live")


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
        deadline = time.monotonic() + 60
        while not (answers(port) and here.count("cameras WHERE owner IS NOT NULL")):
            assert program.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        program.send_signal(signal.SIGTERM)
        said = program.communicate(timeout=30)[0]
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
