"""A folder with two tiny real networks and settings that name them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.vision import networks


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in [name for name in os.environ if name.startswith("ATTENDANCE")]:
        monkeypatch.delenv(variable)
    (tmp_path / "weights").mkdir()
    networks.write_detector(tmp_path / "weights")
    networks.write_recogniser(tmp_path / "weights")
    (tmp_path / "config.toml").write_text(
        f'[models]\nweights_dir = "weights"\ndetector = "{networks.DETECTOR}"\nrecogniser = "{networks.RECOGNISER}"\n'
    )
    return tmp_path
