"""Whoever was let in or told "checked in" is in the log after a power cut.

As root: a file system of its own in a file; at a chance moment the program is stopped, and the file is copied as it
lies on the disk then.  What was told by then must be in the copy.  Elsewhere: each time somebody is told, everything
that was written to the database before has been flushed.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import needs

ROOT = Path(__file__).resolve().parents[2]
SIZE = 48 * 2**20  # bytes of the file system
CONFIG = '[database]\nurl = "sqlite:///attendance.db"\n'
WRITES = re.compile(r"pwrite64\(\d+<[^>]*attendance\.db(-wal)?>")
FLUSHES = re.compile(r"(?:fdatasync|fsync)\(\d+<[^>]*attendance\.db(-wal)?>")
TELLS = re.compile(r'write\(1<[^>]*>, "told ')


def telling(config: Path, number: int) -> list[str]:
    return [sys.executable, "-m", "tests.journeys.telling", str(config), str(number)]


def set_up(folder: Path) -> Path:
    """An installation in this folder, by `manage.py init`."""
    config = folder / "config.toml"
    config.write_text(CONFIG)
    command = [sys.executable, str(ROOT / "manage.py"), "--config", str(config), "init"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return config


def test_each_time_somebody_is_told_all_that_was_written_has_been_flushed(tmp_path: Path) -> None:
    strace = needs.program("strace", install="apt install strace")
    config, trace = set_up(tmp_path), tmp_path / "trace"
    calls = "trace=pwrite64,write,fsync,fdatasync"
    watched = [str(strace), "-f", "-y", "-qq", "--seccomp-bpf", "-e", calls, "-o", str(trace)]

    done = subprocess.run([*watched, *telling(config, 20)], cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    written, told = dict[str | None, int](), 0
    for line in trace.read_text().splitlines():
        if found := WRITES.search(line):
            written[found[1]] = written.get(found[1], 0) + 1
        elif found := FLUSHES.search(line):
            written[found[1]] = 0
        elif TELLS.search(line):
            told += 1
            assert "-wal" in written, "the trace knows the log file of the database"
            assert set(written.values()) == {0}, f"told after {written} writes that no flush followed"
    assert told == 20


@pytest.mark.long
@pytest.mark.root
def test_a_few_power_cuts_take_nothing_back(tmp_path: Path) -> None:
    cut_power(tmp_path, cuts=3)


@pytest.mark.root
@pytest.mark.long
def test_many_power_cuts_take_nothing_back(tmp_path: Path) -> None:
    cut_power(tmp_path, cuts=60)


def cut_power(folder: Path, cuts: int) -> None:
    needs.root()
    for name in ("mkfs.ext4", "mount", "umount", "losetup"):
        needs.program(name, f"/usr/sbin/{name}", f"/sbin/{name}", install="apt install e2fsprogs mount")
    blank, running, after = (folder / f"{name}.img" for name in ("blank", "running", "after"))
    at = folder / "disk"
    at.mkdir()
    with blank.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(blank)], check=True)
    with mounted(blank, at):
        set_up(at)
    chance, told = random.Random(16), 0
    for _ in range(cuts):
        shutil.copy(blank, running)
        with mounted(running, at):
            lines = run_until_the_cut(at / "config.toml", chance.randint(5, 60), lambda: shutil.copy(running, after))
        with mounted(after, at):  # which replays the file system's journal, as at the next start
            database = sqlite3.connect(at / "attendance.db")
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            kept = {identifier for (identifier,) in database.execute("SELECT id FROM passages")}
            database.close()
        assert set(lines) - kept == set(), f"{len(set(lines) - kept)} of {len(lines)} were told and are gone"
        told += len(lines)
    assert told >= 5 * cuts


def run_until_the_cut(config: Path, after: int, cut: Callable[[], object]) -> list[str]:
    """Start, wait until so many were told, stop, copy; return all who were told by then."""
    program = subprocess.Popen(telling(config, 100_000), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    lines = []
    try:
        for line in program.stdout:
            lines.append(line.split()[1])
            if len(lines) == after:
                break
        program.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, program.pid, os.WSTOPPED)
        cut()
    finally:
        program.kill()
        lines += [line.split()[1] for line in program.stdout]
        program.wait()
        program.stdout.close()
    return lines


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[None]:
    done = subprocess.run(["mount", "-o", "loop", str(image), str(at)], capture_output=True, text=True)
    if done.returncode != 0:
        needs.missing(f"a file cannot be mounted as a disk here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)
