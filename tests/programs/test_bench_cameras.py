"""Several cameras in real time: what counts as left out, and a short real measurement."""

from __future__ import annotations

import time
from time import perf_counter

import numpy as np
import pytest

from attendance.config import load_settings
from attendance.programs import bench_cameras
from attendance.programs.bench_cameras import Ran
from tests import needs


def test_the_row_tells_waits_and_pictures_that_were_left_out() -> None:
    ran = Ran("ours", 4, [float(each) for each in range(1, 101)], looked=90, offered=100, busy=1.234, memory_mb=512.4)
    assert ran.row() == ["ours", "4", "50", "95", "100", "10%", "1.23", "512"]
    assert ran.numbers()["p95_ms"] == pytest.approx(95, abs=0.1)
    assert "nan" in Ran("nobody", 1).row() and Ran("nobody", 1).numbers()["p50_ms"] is None


def test_who_is_slow_looks_at_the_newest_picture_only() -> None:
    numbers: list[int] = []

    def slow(_picture: np.ndarray, number: int, _came: float) -> float:
        numbers.append(number)
        time.sleep(0.15)
        return perf_counter()

    ran = bench_cameras._run(Ran("slow", 1), [slow], [np.zeros((8, 8, 3), np.uint8)], seconds=0.6)
    assert numbers == sorted(set(numbers)) and ran.offered == 6
    assert ran.looked == len(numbers) == len(ran.waits) < 6
    assert min(ran.waits) >= 150


@pytest.mark.long
def test_two_cameras_let_somebody_in_at_their_own_doors() -> None:
    needs.package("skimage", "demo")
    needs.package("matplotlib", "demo")
    (ran,) = bench_cameras.measure(load_settings(environ={}), counts=(2,), seconds=11)
    assert len(ran.waits) >= 2 and ran.memory_mb > 0
