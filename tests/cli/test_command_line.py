"""What all commands share."""

from __future__ import annotations

from pathlib import Path

from attendance.cli.command_line import own_zone


def test_the_computers_own_zone_is_found_where_systems_keep_it(tmp_path: Path) -> None:
    assert own_zone({}, tmp_path) == "UTC"
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Kolkata")
    assert own_zone({}, tmp_path) == "Asia/Kolkata"
    (tmp_path / "timezone").write_text("Europe/Berlin\n")
    assert own_zone({}, tmp_path) == "Europe/Berlin"
    assert own_zone({"TZ": ":America/Lima"}, tmp_path) == "America/Lima"
    assert own_zone({"TZ": "CET-1CEST"}, tmp_path) == "Europe/Berlin"
