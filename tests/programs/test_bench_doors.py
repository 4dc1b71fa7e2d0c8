"""From a picture to a pulse: what the line says, and a short real measurement."""

from __future__ import annotations

import pytest

from attendance.config import load_settings
from attendance.programs import bench_doors
from attendance.programs.bench_doors import Waits
from tests import needs


def test_the_line_has_median_and_the_slow_ones() -> None:
    waits = Waits(4, [float(each) for each in range(1, 101)], [2.0] * 100, 512.4)

    assert waits.words() == (
        "from picture to pulse with 4 cameras: 50 ms (p95 95), of which the commit 2 ms; 100 passages, 512 MB resident"
    )
    assert waits.numbers() == {"passages": 100, "p50": 50.5, "p95": 95.0, "memory_mb": 512}


@pytest.mark.long
def test_two_cameras_let_somebody_in_at_their_own_doors() -> None:
    needs.package("skimage", "demo")
    needs.package("matplotlib", "demo")
    (waits,) = bench_doors.measure(load_settings(environ={}), counts=(2,), pictures=12)

    assert len(waits.pulse) >= 4
    assert all(0 < commit < pulse for commit, pulse in zip(waits.commit, waits.pulse, strict=True))
