"""The commands of working time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from attendance.cli.main import main
from tests.cli.conftest import Here


def test_the_commands_fill_roll_up_and_write_check_ins(engine: Engine, tmp_path: Path) -> None:
    run = CliRunner(env={"ATTENDANCE__DATABASE__URL": str(engine.url)}).invoke
    made = run(main, ["demo-data", "--people", "6", "--days", "9"], catch_exceptions=False)
    assert made.output.startswith("6 people with ")

    rolled = run(main, ["roll-up"], catch_exceptions=False)
    assert "days written down" in rolled.output

    file = tmp_path / "out.csv"
    first, last = (datetime.now(UTC) - timedelta(days=8)).date(), datetime.now(UTC).date()
    done = run(
        main, ["check-ins", "frappe", str(file), "--from", str(first), "--to", str(last)], catch_exceptions=False
    )
    assert done.exit_code == 0
    assert file.read_text(encoding="utf-8").startswith("Employee,Log Type,Time")

    again = run(main, ["demo-data"])
    assert again.exit_code == 2
    assert "there are people in this database" in again.output


def test_demo_data_makes_the_site_of_an_empty_folder_by_itself(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.folder)
    assert not here.database.exists()

    said = here.good("demo-data", "--people", "8", "--days", "2")

    assert "setup token (works once" in said
    assert "8 people with " in said
    assert here.count("people") == 8
    assert here.count("templates") >= 8
    assert here.count("cameras") == 3
    assert "Security" in here.good("people", "list")
    assert "setup token" in here.good("init")  # it may be repeated, as init may
    assert "there are people in this database" in here.refused("demo-data")


def test_demo_data_writes_a_settings_file_where_one_is_named(here: Here) -> None:
    text = here.config.read_text()
    here.config.unlink()
    here.config.with_name("config.toml").parent.mkdir(exist_ok=True)

    weights = [line.replace(" = ", "=", 1) for line in text.splitlines()[1:]]
    sets = [part for line in weights for part in ("--set", "models." + line.replace('"', ""))]
    said = here.good(*sets, "demo-data", "--people", "3", "--days", "1")

    assert f"settings: {here.config} (new)" in said
    assert "3 people with " in said
