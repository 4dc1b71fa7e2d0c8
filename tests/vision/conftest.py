from __future__ import annotations

from pathlib import Path

import pytest

from attendance.vision.weights import Card
from tests.vision import networks


@pytest.fixture
def detector(tmp_path: Path) -> Card:
    return networks.write_detector(tmp_path)


@pytest.fixture
def recogniser(tmp_path: Path) -> Card:
    return networks.write_recogniser(tmp_path)
