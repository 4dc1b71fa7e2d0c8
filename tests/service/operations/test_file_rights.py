"""Other users of the computer read no file of a site, and the advice mends it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from attendance.config import Settings
from attendance.service.operations.file_rights import exposed


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A database and a key that nobody else may read."""
    made = tmp_path / "site.db", tmp_path / "master.key"
    for file in made:
        file.touch(mode=0o600)
    return made


def settings(folder: Path, **web: str) -> Settings:
    return Settings.model_validate({"base_dir": folder, "backup": {"folder": str(folder / "backups")}, "web": web})


def test_what_only_this_user_may_read_is_fine(tmp_path: Path, files: tuple[Path, Path]) -> None:
    assert exposed(settings(tmp_path), *files) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_grave_and_the_advice_mends_it(
    tmp_path: Path, files: tuple[Path, Path], mode: int
) -> None:
    files[1].chmod(mode)
    (found,) = exposed(settings(tmp_path), *files)
    assert found.grave
    assert "master.key" in found.words

    subprocess.run(["sh", "-c", found.advice.removeprefix("Run: ")], check=True)

    assert exposed(settings(tmp_path), *files) == []


def test_the_database_its_log_and_the_folders_are_looked_at(tmp_path: Path, files: tuple[Path, Path]) -> None:
    log, backups = tmp_path / "site.db-wal", tmp_path / "backups"
    log.touch()
    backups.mkdir()
    for file in (files[0], log, backups):
        file.chmod(0o755)

    words = [one.words for one in exposed(settings(tmp_path), *files)]

    assert words == [f"others may read {file}" for file in (files[0], log, backups)]


def test_a_settings_file_matters_once_a_secret_is_in_it(tmp_path: Path, files: tuple[Path, Path]) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[web]\nport = 8000\n")
    file.chmod(0o644)
    assert exposed(settings(tmp_path), *files) == []

    file.write_text(f'[web]\nsecret_key = "{"s" * 32}"\n')

    (found,) = exposed(settings(tmp_path, secret_key="s" * 32), *files)
    assert (found.grave, found.advice) == (False, f"Run: chmod 640 {file}")
