"""One installation with tiny networks in a folder of its own, and its command line."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from attendance.cli.main import main
from tests import factories
from tests.vision import networks


@dataclass(frozen=True)
class Here:
    """One installation with tiny networks in a folder of its own."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def database(self) -> Path:
        return self.folder / "var" / "attendance.db"

    def __call__(self, *arguments: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(main, ["--config", str(self.config), *arguments], input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def good(self, *arguments: str, typed: str | None = None) -> str:
        result = self(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *arguments: str) -> str:
        """The one line on stderr of a command that ended with exit code 2."""
        result = self(*arguments)
        assert result.exit_code == 2, result.output
        (line,) = result.stderr.strip().split("\n")
        assert line.startswith("error: ")
        return line

    def photo(self, name: str, colour: tuple[int, int, int]) -> str:
        path = self.folder / name
        path.write_bytes(factories.make_photo(colour))
        return str(path)

    def count(self, table: str) -> int:
        connection = sqlite3.connect(self.database)
        (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        connection.close()
        return int(number)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    for variable in [name for name in os.environ if name.startswith("ATTENDANCE")]:
        monkeypatch.delenv(variable)
    weights = tmp_path / "weights"
    weights.mkdir()
    networks.write_detector(weights)
    networks.write_recogniser(weights)
    (tmp_path / "config.toml").write_text(
        f'[models]\nweights_dir = "weights"\ndetector = "{networks.DETECTOR}"\nrecogniser = "{networks.RECOGNISER}"\n'
    )
    return Here(tmp_path)
