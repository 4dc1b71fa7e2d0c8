"""A folder with two tiny real networks and settings that name them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from attendance.evaluation.recogniser import plots
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


class Stamp(Figure):
    """A picture with everything on it, in a small size and without the layout that takes most of the time."""

    def __init__(self, figsize: tuple[float, float], layout: str | None = None) -> None:
        super().__init__(figsize=(figsize[0] / 4, figsize[1] / 4))


@pytest.fixture
def stamps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are drawn as stamps, where it matters which there are and not what they look like."""
    monkeypatch.setattr(plots, "Figure", Stamp)
