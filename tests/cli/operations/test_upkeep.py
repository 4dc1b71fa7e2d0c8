"""doctor and install-service."""

from __future__ import annotations

import grp
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests import needs
from tests.cli.conftest import Here
from tests.factories import ANNA, make_photo


def test_the_doctor_says_what_was_found_and_what_to_do(here: Here) -> None:
    here.good("init")
    pictures = here.folder / "pictures"
    pictures.mkdir()
    (pictures / "1.png").write_bytes(make_photo(ANNA))

    result = here("--set", "web.port=1", "--set", f"camera.source={pictures}", "doctor")

    assert result.exit_code == 1, result.output  # nothing runs, and there is no backup yet
    assert "ok       Networks" in result.output
    assert "tiny-detector, tiny-recogniser" in result.output
    assert "64 × 48 px" in result.output
    assert "→ Start the site by the command web or run." in result.output
    assert "→ Make one by the command backup." in result.output


def test_the_doctor_finds_a_damaged_network(here: Here) -> None:
    here.good("init")
    graph = next((here.folder / "weights").glob("*detector*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1])

    result = here("--set", "web.port=1", "doctor", "--quick")

    assert result.exit_code == 2
    assert "is damaged" in result.output


def test_systemd_accepts_the_units(here: Here, tmp_path: Path) -> None:
    here.good("init")
    folder = tmp_path / "units"
    said = here.good("install-service", "--to", str(folder), "--user", "root")
    names = {"attendance-site.service", "attendance-daemon.service", "attendance.target"}
    assert {path.name for path in folder.iterdir()} == names
    assert "systemctl daemon-reload" in said
    systemd = needs.program("systemd-analyze", install="apt-get install systemd")

    done = subprocess.run([systemd, "verify", "--man=no", *sorted(folder.iterdir())], capture_output=True, text=True)

    mine = [line for line in done.stderr.splitlines() if str(folder) in line or "attendance" in line]
    assert mine == []


def test_the_units_restart_watch_and_shut_in(here: Here, tmp_path: Path) -> None:
    here.good("init")
    here.good("install-service", "--to", str(tmp_path / "units"))
    daemon = (tmp_path / "units" / "attendance-daemon.service").read_text()
    site = (tmp_path / "units" / "attendance-site.service").read_text()

    for line in ("Type=notify", "Restart=always", "WatchdogSec=30", "NoNewPrivileges=yes", "User=attendance"):
        assert line in daemon
        assert line in site
    assert f"ReadWritePaths={here.folder / 'var'} {here.folder / 'var' / 'backups'}" in site
    assert "DeviceAllow=char-video4linux rw" in daemon
    assert "PrivateDevices=yes" in site
    known = {group.gr_name for group in grp.getgrall()}
    assert ("SupplementaryGroups=" in daemon) == bool(known & {"video", "gpio", "dialout"})


def test_a_folder_that_may_not_be_written_is_one_line(here: Here, tmp_path: Path) -> None:
    here.good("init")
    (tmp_path / "file").touch()

    assert "use sudo, or --to another folder" in here.refused("install-service", "--to", str(tmp_path / "file" / "x"))


@pytest.mark.parametrize("name", ["a folder", "100%"])
def test_names_with_spaces_and_percents_are_quoted(name: str, tmp_path: Path) -> None:
    from attendance.service.operations.systemd_units import Place, units

    config = tmp_path / name / "config.toml"
    text = units(Place(Path("/usr/bin/python3"), tmp_path, config, "me", [config.parent]))["attendance-site.service"]

    shown = str(config).replace("%", "%%")
    assert (f'--config "{shown}"' if " " in name else f"--config {shown}") in text


def test_an_operator_confirms_the_clock_and_the_audit_says_so(here: Here) -> None:
    here.good("init")
    refused = here("clock-confirm", typed="n\n")
    before = here.good("audit", "verify")
    done = here.good("clock-confirm", "--yes")

    assert refused.exit_code == 1
    assert "the computer's clock says" in done
    assert here.good("audit", "verify") != before
    with sqlite3.connect(here.database) as database:
        ((action,),) = database.execute("select action from audit_entries order by id desc limit 1").fetchall()
    database.close()
    assert action == "confirm_clock"
