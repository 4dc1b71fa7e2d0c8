"""Settings: where they come from, who wins, and what is said about wrong ones."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pydantic
import pytest

from attendance import config, paths
from attendance.config import Settings, load, load_settings
from attendance.errors import UserError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refusal(file: Path, text: str, environ: dict[str, str] | None = None, flags: dict[str, Any] | None = None) -> str:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_settings(file, flags, environ or {})
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_setting_is_in_the_file_with_a_comment_and_its_default() -> None:
    text = paths.default_config().read_text(encoding="utf-8")
    values = tomllib.loads(text)
    for name, field in config.fields():
        section, key = name.split(".")
        assert values[section][key] == field.default, name
        body = text[text.index(f"\n[{section}]\n") :]
        assert re.search(rf"^# .+\n{key} = ", body, re.MULTILINE), f"{name} has no comment"


def test_the_file_holds_nothing_that_is_no_setting() -> None:
    values = tomllib.loads(paths.default_config().read_text(encoding="utf-8"))
    listed = {f"{section}.{key}" for section, keys in values.items() for key in keys}

    assert listed == {name for name, _ in config.fields()}


def test_flags_beat_the_environment_which_beats_the_file_which_beats_the_defaults(file: Path) -> None:
    file.write_text("[web]\nport = 1\nhost = 'a'\nsession_hours = 1\n")
    environ = {"ATTENDANCE__WEB__PORT": "2", "ATTENDANCE__WEB__HOST": "b", "PATH": "/bin"}

    loaded = load(file, {"web.port": 3}, environ)

    web = loaded.settings.web
    assert (web.port, web.host, web.session_hours, web.max_upload_mb) == (3, "b", 1.0, 25)
    assert loaded.origins == {
        "web.port": "flag",
        "web.host": "ATTENDANCE__WEB__HOST",
        "web.session_hours": str(file),
    }


def test_overrides_may_be_nested_or_dotted(file: Path) -> None:
    file.write_text("")

    assert load_settings(file, {"web": {"port": 9}, "site.name": "HQ"}, {}).web.port == 9


def test_settings_cannot_be_changed(file: Path) -> None:
    file.write_text("")
    settings = load_settings(file, environ={})

    with pytest.raises(pydantic.ValidationError):
        settings.web.port = 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[decision]\nframes_neded = 3", "decision.frames_neded; did you mean decision.frames_needed?"),
        ("[doors]\nunlock_s = 3", "no section doors; sections are site, database"),
        ("port = 3", "port = 3 is not in a section"),
        ("[decision]\nframes_needed = 0", "decision.frames_needed is 0, but must be a whole number from 1 to 30"),
        ('[decision]\nframes_needed = "x"', 'decision.frames_needed is "x", but must be a whole number'),
        ("[decision]\nframes_needed = true", "decision.frames_needed is true, but must be a whole number"),
        ("[detector]\nconfidence = 1.5", "detector.confidence is 1.5, but must be a number above 0 below 1"),
        ("[detector]\nconfidence = nan", "detector.confidence is nan, but must be a number"),
        (
            "[detector]\ninput_size = 250",
            "input_size is 250, but must be a whole number from 64 to 2048 in steps of 32",
        ),
        (
            '[models]\nruntime = "tf"',
            'models.runtime is "tf", but must be "auto" or "onnxruntime" or "openvino" or "torch"',
        ),
        ('[models]\ndetector = "../x"', 'models.detector is "../x", but must be a model_id of letters'),
        ('[site]\ntimezone = "Mars/Base"', 'site.timezone is "Mars/Base", but must be an IANA time zone'),
        ('[site]\nname = ""', 'site.name is "", but must be a text of 1 to 100 characters'),
        ('[database]\nurl = "attendance.db"', 'database.url is "attendance.db", but must be a database URL'),
        ("[web]\nhttps_only = 3", "web.https_only is 3, but must be true or false"),
        ("[camera]\nreconnect_min_s = 60", "camera: reconnect_min_s must not be above reconnect_max_s"),
        ("[quality]\nmin_brightness = 240", "quality: min_brightness must be below max_brightness"),
        ("[web\nport = 3", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_place_finding_and_allowed_values(file: Path, text: str, says: str) -> None:
    message = refusal(file, text)

    assert message.startswith(f"{file}: ")
    assert says in message


def test_a_wrong_variable_is_refused_by_its_own_name(file: Path) -> None:
    assert refusal(file, "", {"ATTENDANCE__WEB__PORT": "http"}).startswith("ATTENDANCE__WEB__PORT: web.port is ")
    assert "did you mean web.port?" in refusal(file, "", {"ATTENDANCE__WEB__PROT": "1"})
    assert "no section nothing" in refusal(file, "", {"ATTENDANCE__NOTHING__AT_ALL": "1"})


def test_a_wrong_flag_is_called_a_flag(file: Path) -> None:
    assert refusal(file, "", flags={"web.port": "x"}).startswith("flag: web.port is ")


def test_a_secret_may_come_from_a_file(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://me:pass@host/db\n")
    file.write_text("")

    loaded = load(file, environ={"ATTENDANCE__DATABASE__URL_FILE": str(secret)})

    assert loaded.settings.database.url == "postgresql://me:pass@host/db"
    assert loaded.origins["database.url"] == "ATTENDANCE__DATABASE__URL_FILE"


def test_only_secrets_have_a_file_form_and_the_file_must_be_readable(file: Path, tmp_path: Path) -> None:
    assert "no setting site.name_file" in refusal(file, "", {"ATTENDANCE__SITE__NAME_FILE": "x"})
    missing = {"ATTENDANCE__WEB__SECRET_KEY_FILE": str(tmp_path / "no")}
    assert "cannot read" in refusal(file, "", missing)
    both = {"ATTENDANCE__DATABASE__URL": "sqlite:///a.db", "ATTENDANCE__DATABASE__URL_FILE": str(file)}
    assert "both set database.url" in refusal(file, "", both)


def test_passwords_are_never_shown(file: Path) -> None:
    file.write_text('[camera]\nsource = "rtsp://me:hunter2@cam/1"\n[database]\nurl = "postgresql://me:hunter2@h/db"\n')
    settings = load_settings(file, {"web.secret_key": "hunter2" * 5}, {})

    everything = "".join(config.shown(settings, name) for name, _ in config.fields()) + repr(settings) + str(settings)

    assert "hunter2" not in everything
    assert "hunter2" not in refusal(file, '[web]\nsecret_key = "hunter2"')


def test_paths_are_relative_to_the_settings_file_wherever_the_program_is_started(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    file.write_text('[models]\nweights_dir = "nets"\n[camera]\nsource = "clips/a.mp4"\n')

    settings = load_settings(file, environ={})

    assert settings.database.url == f"sqlite:///{tmp_path}/var/attendance.db"
    assert settings.models.weights == tmp_path / "nets"
    assert settings.camera.source == str(tmp_path / "clips/a.mp4")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////srv/a.db",
        "sqlite:///:memory:",
        "sqlite://",
        "postgresql+psycopg://h/db",
        "sqlite:///file:x?uri=true",
    ],
)
def test_urls_that_name_no_relative_file_are_left_alone(file: Path, url: str) -> None:
    file.write_text("")

    if url == "sqlite://":
        assert "must be a database URL" in refusal(file, "", flags={"database.url": url})
    else:
        assert load_settings(file, {"database.url": url}, {}).database.url == url


@pytest.mark.parametrize("source", ["0", "rtsp://cam/1", "http://cam/x.mjpg"])
def test_webcams_and_streams_are_no_paths(file: Path, source: str) -> None:
    file.write_text("")

    assert load_settings(file, {"camera.source": source}, {}).camera.source == source


def test_a_webcam_may_be_written_as_a_number(file: Path) -> None:
    file.write_text("[camera]\nsource = 1\n")

    assert load_settings(file, environ={}).camera.source == "1"


def test_the_file_is_found_by_flag_then_variable_then_folder_then_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two, here = tmp_path / "one.toml", tmp_path / "two.toml", tmp_path / "config.toml"
    for each in (one, two, here):
        each.write_text("")

    assert config.find_config(one, {"ATTENDANCE_CONFIG": str(two)}) == one
    assert config.find_config(None, {"ATTENDANCE_CONFIG": str(two)}) == two
    assert config.find_config(None, {}) == here
    here.unlink()
    assert config.find_config(None, {}) == paths.default_config()


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no file .*init"):
        load_settings(tmp_path / "no.toml")
    with pytest.raises(UserError, match=r"\$ATTENDANCE_CONFIG: there is no file"):
        load_settings(environ={"ATTENDANCE_CONFIG": str(tmp_path / "no.toml")})


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UserError, match="not UTF-8"):
        load_settings(file, environ={})


def test_defaults_alone_are_valid() -> None:
    assert Settings().decision.frames_needed == 3
