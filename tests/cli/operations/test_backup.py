"""backup and restore at the command line, and a running site and daemon that notice a restore."""

from __future__ import annotations

import gc
import re
import sqlite3

from tests.cli.conftest import Here
from tests.cli.operations.programs import free_port, started, unserved_stream, until


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
    with started(here, "run", "--camera", unserved_stream(), "--port", str(free_port())) as log:
        until(lambda: log.read_text().count("watching") == 1 and "admin site" in log.read_text())

        said = put_back(here, str(path), "--wait", "60")

        assert "restored from" in said
        assert mark(here) == "before"
        until(lambda: log.read_text().count("watching") == 2 and log.read_text().count("admin site") == 2)
        assert log.read_text().count("is about to be restored") >= 2
        # The database of the running site is deleted: both end, and find nothing to open.
        assert here.count("cameras WHERE owner IS NOT NULL") == 1
        here.database.unlink()
        until(lambda: log.read_text().count("was deleted while it was in use") == 2)
        for name in ("daemon", "site"):
            until(lambda name=name: re.search(rf"the {name} ended with exit code 2;", log.read_text()) is not None)  # type: ignore[misc]
        assert not here.database.exists()
