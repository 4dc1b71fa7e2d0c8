"""Advice names commands that run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from attendance.errors import UserError, one_line, sentence
from attendance.paths import program

ROOT = Path(__file__).parents[1]


def test_the_console_script_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/site/bin/attendance", "web"])

    assert program() == "attendance"
    assert one_line(UserError("run: python manage.py db upgrade")) == "run: attendance db upgrade"


def test_a_virtual_environment_that_is_not_active_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "argv", ["manage.py", "web"])
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path)

    assert program() == ".venv/bin/python manage.py"
    assert sentence("run: python manage.py init") == "Run: .venv/bin/python manage.py init."


def test_an_active_one_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(python.parent))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "site" / "manage.py"), "web"])
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path)

    assert program() == "python site/manage.py"


@pytest.mark.parametrize(("made", "advice"), [(True, "run .venv/bin/python manage.py"), (False, "run make, which")])
def test_without_the_packages_one_line_says_how_to_start_it(tmp_path: Path, made: bool, advice: str) -> None:
    (tmp_path / "manage.py").write_bytes((ROOT / "manage.py").read_bytes())
    (tmp_path / "attendance").symlink_to(ROOT / "attendance")
    if made:
        (tmp_path / ".venv" / "bin").mkdir(parents=True)
        (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    # -S: a Python without any package, as the system's is.
    command = [sys.executable, "-S", "-E", "-s", str(tmp_path / "manage.py"), "web"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: the package ") and ended.stderr.count("\n") == 1
    assert advice in ended.stderr
