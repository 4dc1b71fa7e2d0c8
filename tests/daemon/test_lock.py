"""One daemon a camera on one computer, however the last one died."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from attendance.daemon import lock
from attendance.errors import UserError


def test_a_lock_that_is_held_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with (
        lock.held(path, "process 1 on kiosk", "the camera door"),
        pytest.raises(UserError, match="the camera door is held by process 1 on kiosk: stop that daemon"),
        lock.held(path, "process 2 on kiosk", "the camera door"),
    ):
        pass


def test_a_lock_is_free_again_after_use(tmp_path: Path) -> None:
    for owner in ("a much longer name", "short"):
        with lock.held(tmp_path / "a.lock", owner, "it"):
            assert (tmp_path / "a.lock").read_text() == f"{owner}\n"


def test_a_killed_process_leaves_the_lock_free(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from attendance.daemon import lock\n"
        "with lock.held(pathlib.Path(sys.argv[1]), 'the dead', 'it'): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.lock")], check=False, env=os.environ)
    assert (tmp_path / "a.lock").read_text() == "the dead\n"
    with lock.held(tmp_path / "a.lock", "the next", "it"):
        pass


def test_cameras_have_locks_of_their_own_whatever_their_names(tmp_path: Path) -> None:
    names = ["front door", "front_door", "front/door", "../../door", "Tür", "x" * 100]
    files = [lock.lock_file(tmp_path / "attendance.db", name) for name in names]

    assert len(set(files)) == len(names)
    assert {file.parent for file in files} == {tmp_path}


def test_a_folder_that_may_not_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write"), lock.held(tmp_path / "missing" / "a.lock", "me", "it"):
        pass
