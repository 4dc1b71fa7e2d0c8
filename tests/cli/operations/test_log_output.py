"""Log lines as text and JSON, and files that are put aside."""

from __future__ import annotations

import json
import logging
import sys
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from attendance.cli.operations.log_output import TEXT, JsonLines, OneLine, log_to_folder
from attendance.config import Logs
from attendance.errors import UserError
from tests.cli.conftest import Here


@pytest.fixture(autouse=True)
def handlers_come_back() -> Iterator[None]:
    root = logging.getLogger()
    before, forms = list(root.handlers), [handler.formatter for handler in root.handlers]
    yield
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers = before
    for handler, form in zip(before, forms, strict=True):
        handler.setFormatter(form)


def test_a_line_is_one_json_object_with_its_error(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("a\nb")
    except ValueError:
        logging.getLogger("attendance.test").exception("line %d\nsecond", 1)
    line = JsonLines().format(caplog.records[0])

    assert "\n" not in line
    found = json.loads(line)
    assert (found["log.level"], found["message"], found["error.type"]) == ("error", "line 1\nsecond", "ValueError")
    assert datetime.fromisoformat(found["@timestamp"]).utcoffset() is not None


def test_a_file_is_put_aside_when_it_is_full(tmp_path: Path) -> None:
    path = log_to_folder(Logs(folder=str(tmp_path / "logs"), max_mb=1, keep=2), "daemon-front door")
    assert path == tmp_path / "logs" / "daemon-front_door.log"
    for _ in range(45):
        logging.getLogger("attendance.test").warning("x" * 100_000)

    assert sorted(one.name for one in path.parent.iterdir()) == [f"{path.name}", f"{path.name}.1", f"{path.name}.2"]
    assert all(one.stat().st_size <= 1 << 20 for one in path.parent.iterdir())


def test_a_folder_that_may_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match=r"check logs\.folder"):
        log_to_folder(Logs(folder=str(tmp_path / "file" / "logs")), "site")


def test_json_in_the_settings_holds_for_the_file_too(here: Here) -> None:
    here.good("init")
    logs = here.folder / "logs"
    here.refused(
        "--set", f"logs.folder={logs}", "--set", "logs.format=json", "daemon", "--camera", "/nowhere.mp4", "--name", "x"
    )
    logging.getLogger("attendance.test").warning("hello")

    lines = (logs / "daemon-x.log").read_text().splitlines()
    assert json.loads(lines[-1])["message"] == "hello"


def test_no_control_character_reaches_a_log() -> None:
    hostile = "eve\n2026-01-01 00:00:00 INFO    x: ada signed in\r\x1b[2J\u202e\u2028\x00"
    record = logging.LogRecord("site", logging.INFO, "", 1, "wrong password of %s", (hostile,), None)

    for formatter in (OneLine(TEXT), JsonLines()):
        line = formatter.format(record)
        assert not [sign for sign in line if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp")]
        assert "eve" in line and "ada signed in" in line


def test_a_traceback_keeps_its_lines_and_none_looks_like_an_entry() -> None:
    try:
        raise ValueError("x\n2026-01-01 00:00:00 INFO    x: ada signed in")
    except ValueError:
        record = logging.LogRecord("site", logging.ERROR, "", 1, "failed", (), sys.exc_info())

    first, *more = OneLine(TEXT).format(record).split("\n")
    assert first.endswith("site: failed")
    assert more and all(line.startswith("    | ") for line in more)
