"""What all commands share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from attendance.cli.command_line import own_zone
from attendance.cli.main import main


def test_the_computers_own_zone_is_found_where_systems_keep_it(tmp_path: Path) -> None:
    assert own_zone({}, tmp_path) == "UTC"
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Kolkata")
    assert own_zone({}, tmp_path) == "Asia/Kolkata"
    (tmp_path / "timezone").write_text("Europe/Berlin\n")
    assert own_zone({}, tmp_path) == "Europe/Berlin"
    assert own_zone({"TZ": ":America/Lima"}, tmp_path) == "America/Lima"
    assert own_zone({"TZ": "CET-1CEST"}, tmp_path) == "Europe/Berlin"


RANGES = (click.IntRange, click.FloatRange, click.Choice)


def test_every_option_accepts_its_own_default() -> None:
    """One whose default lies outside its range fails only where nobody names it, which is nearly everywhere."""

    def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
        for name in group.list_commands(click.Context(group)):
            command = group.get_command(click.Context(group), name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from commands(command, f"{path} {name}")
            else:
                yield f"{path} {name}", command

    every = list(commands(main, "manage.py"))
    assert len(every) > 70
    for path, command in every:
        context = click.Context(command)
        for option in command.params:
            default = option.get_default(context)
            if isinstance(option.type, RANGES) and isinstance(default, int | float | str):
                try:
                    option.type_cast_value(context, default)
                except click.BadParameter as error:
                    pytest.fail(f"{path} {option.name}: {error.message}")
