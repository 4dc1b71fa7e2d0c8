"""The commands of working time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import Engine

from attendance.cli.main import main


def test_the_commands_fill_roll_up_and_write_check_ins(engine: Engine, tmp_path: Path) -> None:
    run = CliRunner(env={"ATTENDANCE__DATABASE__URL": str(engine.url)}).invoke
    made = run(main, ["demo-data", "--people", "6", "--days", "9"], catch_exceptions=False)
    assert made.output.startswith("6 people, ")

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
