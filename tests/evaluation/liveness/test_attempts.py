"""Attempts: pictures of one session in a row, decided as the gate decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from attendance.evaluation.liveness.attempts import attempts, in_a_row
from attendance.training.liveness.pack import Pack

POINT = {"slope": 1.0, "offset": 0.0, "live_from": 0.0, "attack_below": -1.0}


def packed(paths: list[str], species: str, set_name: str = "nuaa") -> Pack:
    columns = [np.array([value] * len(paths)) for value in (species, "p", set_name, "report", set_name)]
    blobs = [b""] * len(paths)
    return Pack(blobs, blobs, *columns, np.full(len(paths), np.nan, np.float32), np.array(paths))


def test_an_attempt_is_of_one_session_and_in_the_order_of_the_film() -> None:
    names = [f"nuaa/ClientRaw/0013/0013_00_00_{session}_{n}.jpg" for session in ("01", "02") for n in (10, 2, 30, 4)]
    faces = packed(names, "live")
    assert in_a_row(faces, np.arange(8)) == [[1, 3, 0], [5, 7, 4]]
    clip = packed(["webcam_clips/_/book.mkv"] * 7, "live", "webcam_clips")
    assert in_a_row(clip, np.arange(7)) == [[0, 1, 2], [3, 4, 5]]


def test_looks_just_beyond_the_limit_are_pooled_and_a_sure_one_decides() -> None:
    names = [f"nuaa/ImposterRaw/0013/0013_00_00_01_{n}.jpg" for n in range(9)]
    logits = np.array([0.5, -1.0, -1.0, 2.5, -9.0, -9.0, -4.0, 9.0, 9.0])
    (found,) = attempts(packed(names, "print"), logits, POINT, np.ones(9, bool))
    assert (found.single.errors, found.pooled.errors, found.pooled.count) == (2, 1, 3)
    assert found.looks == pytest.approx(5 / 3)
    (live,) = attempts(packed(names, "live"), logits, POINT, np.ones(9, bool))
    assert (live.pooled.errors, live.live) == (2, True)


def test_photographs_have_no_attempts() -> None:
    faces = replace(packed(["lfw/a/1.jpg"] * 3, "live", "lfw"))
    assert attempts(faces, np.zeros(3), POINT, np.ones(3, bool)) == []
