"""A file is replaced whole, under its name, or stays as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from attendance.files import durable


def test_a_new_file_is_for_its_own_user_only_and_no_draft_stays(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"

    durable.replace_file(file, b"one")

    assert file.read_bytes() == b"one"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("keep", "rights"), [(False, 0o600), (True, 0o640)])
def test_another_files_rights_stay_only_if_that_is_wanted(tmp_path: Path, keep: bool, rights: int) -> None:
    file = tmp_path / "ledger"
    file.write_bytes(b"one")
    file.chmod(0o640)

    durable.replace_file(file, b"two", keep_rights=keep)

    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", rights)


def test_a_disk_that_refuses_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ledger"
    file.write_bytes(b"one")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        durable.replace_file(file, b"two")

    assert file.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [file]


def test_file_and_folder_are_flushed_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[Path, bool]] = []
    really = os.fsync
    file = tmp_path / "keys.json"

    def noted(descriptor: int) -> None:
        flushed.append((Path(f"/proc/self/fd/{descriptor}").readlink(), file.exists()))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    durable.replace_file(file, b"one")

    (draft, early), folder = flushed
    assert (draft.name.startswith(".keys.json"), early) == (True, False)
    assert folder == (tmp_path, True)
