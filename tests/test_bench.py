"""The bench measures what it says, and refuses to measure nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from attendance import bench
from attendance.config import load_settings
from attendance.errors import UserError


def test_pictures_a_second_count_everything_from_decoding_to_searching() -> None:
    measured = bench.Measured()
    measured.stages["whole"] += [40.0, 60.0, 100.0]

    assert measured.pictures == 3
    assert measured.fps == pytest.approx(15)
    assert measured.p("whole", 50) == 60


def test_nobody_in_the_random_gallery_looks_like_another() -> None:
    gallery = bench.random_gallery(500, 384, "model")
    rows = gallery._matrix

    assert (gallery.size, len(gallery)) == (500, 500)
    assert np.abs(rows @ rows.T - np.eye(500)).max() < 0.4


def test_a_json_file_in_no_folder_is_refused_before_measuring(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--json: there is no folder"):
        bench.run_bench(load_settings(environ={}), json_file=tmp_path / "missing" / "a.json")


def test_a_short_bench_prints_a_table_and_writes_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "_has_torch", lambda: False)
    monkeypatch.setattr(bench, "VIDEO_S", 1.0)
    monkeypatch.setattr(bench, "GALLERIES", (100, 1000))
    bench.run_bench(load_settings(environ={}), seconds=1.0, json_file=tmp_path / "bench.json")

    told = capsys.readouterr().out
    numbers = json.loads((tmp_path / "bench.json").read_text())
    ours = numbers["runtimes"]["onnxruntime"]
    for stage in ("decode", "detect", "align", "quality", "embed", "search", "whole"):
        assert f"\n{stage} " in told
        assert 0 < ours["ms"][stage]["p50"] <= ours["ms"][stage]["p95"]
    assert ours["pictures_with_template"] <= ours["pictures"]
    assert f"{ours['fps']:.1f}" in told
    assert "to compare: pip install" in told
    assert set(numbers["search_ms"]) == {"100", "1000"}
