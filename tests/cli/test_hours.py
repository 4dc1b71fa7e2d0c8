"""The commands of working time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from attendance import paths
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


def test_demo_data_in_an_empty_folder_leaves_the_programs_own_database_alone(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.good("init")
    here.config.write_text(here.config.read_text().replace('"weights"', f'"{here.folder / "weights"}"'))
    monkeypatch.setattr(paths, "default_config", lambda: here.config)
    (empty := tmp_path / "empty").mkdir()
    monkeypatch.chdir(empty)

    made = CliRunner().invoke(main, ["demo-data", "--people", "3", "--days", "1"], catch_exceptions=False)

    assert f"{empty.resolve() / 'var' / 'attendance.db'} (new)" in made.stdout
    assert here.count("people") == 0


def test_demo_data_writes_a_settings_file_where_one_is_named(here: Here) -> None:
    text = here.config.read_text()
    here.config.unlink()
    here.config.with_name("config.toml").parent.mkdir(exist_ok=True)

    weights = [line.replace(" = ", "=", 1) for line in text.splitlines()[1:]]
    sets = [part for line in weights for part in ("--set", "models." + line.replace('"', ""))]
    said = here.good(*sets, "demo-data", "--people", "3", "--days", "1")

    assert f"settings: {here.config} (new)" in said
    assert "3 people with " in said


def test_a_terminals_file_is_reported_first_and_taken_in_once(engine: Engine, tmp_path: Path) -> None:
    run = CliRunner(env={"ATTENDANCE__DATABASE__URL": str(engine.url)}).invoke
    run(main, ["demo-data", "--people", "2", "--days", "1"], catch_exceptions=False)
    day = (datetime.now(UTC) - timedelta(days=20)).date()
    file = tmp_path / "attlog.dat"
    file.write_text(
        f"10001\t{day} 08:55:00\t0\t1\t0\t0\n10001\t{day} 17:02:00\t1\t1\t0\t0\n777\t{day} 09:00:00\t0\t1\t0\t0\n"
    )
    command = ["import-check-ins", str(file), "--device", "Gate"]

    unknown = run(main, command)
    assert "user 777: nobody has this staff number (1 lines)" in unknown.output
    assert (unknown.exit_code, "nothing was taken in" in unknown.output) == (2, True)

    report = run(main, [*command, "--leave-out-unknown"])
    assert "2 new check-ins of 1 people, 0 known already" in report.output
    assert "nothing was written" in report.output

    assert "2 check-ins are taken in" in run(main, [*command, "--leave-out-unknown", "--write"]).output
    again = run(main, [*command, "--leave-out-unknown", "--write"])
    assert "0 new check-ins of 0 people, 2 known already" in again.output
    assert "cannot read" in run(main, ["import-check-ins", str(tmp_path / "gone.dat")]).output
