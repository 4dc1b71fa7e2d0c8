"""backup and restore at the command line, and a running site and daemon that notice a restore."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Here

ROOT = Path(__file__).resolve().parents[3]


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def rename_site(here: Here, value: str) -> None:
    connection = sqlite3.connect(here.database)
    connection.execute("INSERT OR REPLACE INTO settings VALUES ('mark', json_quote(?), '2026-01-01')", (value,))
    connection.commit()
    connection.close()


def put_back(here: Here, *arguments: str) -> str:
    """Commands before this one ran in this process, and their connections live until they are collected."""
    gc.collect()
    return here.good("restore", *arguments, "--yes")


def mark(here: Here) -> str:
    connection = sqlite3.connect(here.database)
    (value,) = connection.execute("SELECT json_extract(value, '$') FROM settings WHERE key = 'mark'").fetchone()
    connection.close()
    return str(value)


def test_a_backup_is_made_listed_checked_and_restored(here: Here) -> None:
    here.good("init")
    rename_site(here, "before")
    said = here.good("backup")
    assert "read back whole" in said
    assert "not in it: the master key" in said
    (path,) = (here.folder / "var" / "backups").glob("*.db")
    assert path.name in here.good("backup", "list")
    assert "the master key fits" in here.good("backup", "check", str(path))
    rename_site(here, "after")

    said = put_back(here, str(path))

    assert mark(here) == "before"
    assert "the replaced database is kept" in said
    assert len(list((here.folder / "var" / "backups").glob("*before-restore.db"))) == 1


def test_what_is_no_backup_is_one_line(here: Here) -> None:
    here.good("init")
    (here.folder / "x.db").write_bytes(b"x" * 5000)

    assert "choose another file" in here.refused("restore", str(here.folder / "x.db"), "--yes")
    assert "there are no backups" in here.refused("backup", "list")


def test_a_running_site_and_daemon_end_for_a_restore_and_come_back(here: Here) -> None:
    here.good("init")
    rename_site(here, "before")
    here.good("backup")
    (path,) = (here.folder / "var" / "backups").glob("*.db")
    rename_site(here, "after")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        camera = f"http://127.0.0.1:{nobody.getsockname()[1]}/x.mjpg"
    command = [sys.executable, str(ROOT / "manage.py"), "--config", str(here.config), "run"]
    log = here.folder / "run.log"
    with log.open("w") as output:
        program = subprocess.Popen(
            [*command, "--camera", camera, "--port", str(port)], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: log.read_text().count("watching") == 1 and "admin site" in log.read_text())

        said = put_back(here, str(path), "--wait", "60")

        assert "restored from" in said
        assert mark(here) == "before"
        until(lambda: log.read_text().count("watching") == 2 and log.read_text().count("admin site") == 2)
        assert log.read_text().count("is about to be restored") >= 2
        # The database of the running site is deleted: both end, and find nothing to open.
        holders = here.count("cameras WHERE owner IS NOT NULL")
        assert holders == 1
        here.database.unlink()
        # Whoever opens it a moment later leaves an empty file there, which the other one calls a replaced one.
        until(lambda: re.search(r"was (deleted|replaced) while it was in use", log.read_text()) is not None)
        for name in ("daemon", "site"):
            until(lambda name=name: re.search(rf"the {name} ended with exit code 2;", log.read_text()) is not None)  # type: ignore[misc]
    finally:
        os.kill(program.pid, signal.SIGTERM)
        program.wait(60)
