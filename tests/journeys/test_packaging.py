"""What the wheel carries, and that it works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the backend itself: no network, no environment of its own."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(unpacked: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ATTENDANCE")}
    return subprocess.run(
        [sys.executable, "-m", "attendance", *arguments],
        cwd=cwd,
        env=environment | {"PYTHONPATH": str(unpacked), "TZ": "UTC"},
        capture_output=True,
        text=True,
    )


def test_the_wheel_carries_what_is_no_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.startswith("attendance/_data/")}
    expected = {"attendance/_data/config.toml"}
    for folder in ("templates", "migrations", "weights"):
        expected |= {
            f"attendance/_data/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert inside == expected


def test_the_wheel_carries_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        roots = {name.split("/")[0] for name in archive.namelist()}

    assert {root for root in roots if not root.endswith(".dist-info")} == {"attendance"}


def test_the_installed_program_uses_its_own_files_and_writes_where_it_is_started(
    unpacked: Path, tmp_path: Path
) -> None:
    checked = run(unpacked, tmp_path, "config", "check")

    assert checked.returncode == 0, checked.stderr
    assert f"sqlite:///{tmp_path}/var/attendance.db" in checked.stdout

    upgraded = run(unpacked, tmp_path, "db", "upgrade")

    assert upgraded.returncode == 0, upgraded.stderr
    assert (tmp_path / "var" / "attendance.db").exists()
    assert list(unpacked.rglob("*.db")) == []


def test_the_installed_program_makes_a_settings_file_of_its_own(unpacked: Path, tmp_path: Path) -> None:
    made = run(unpacked, tmp_path, "init")

    assert made.returncode == 0, made.stderr
    assert (tmp_path / "config.toml").read_bytes() == (ROOT / "config.toml").read_bytes()
    assert "setup token" in made.stdout


def test_the_base_install_needs_no_torch() -> None:
    heavy = ("torch", "torchvision", "onnx", "matplotlib", "scikit-image", "openvino")
    base = [requirement.split(">")[0] for requirement in PROJECT["dependencies"]]

    assert [name for name in base if name in heavy] == []


def test_the_console_script_is_manage_py() -> None:
    assert PROJECT["scripts"] == {"attendance": "attendance.cli.main:main"}
    assert "from attendance.cli.main import main" in (ROOT / "manage.py").read_text(encoding="utf-8")
