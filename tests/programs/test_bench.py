"""The bench measures what it says, and refuses to measure nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from attendance.config import load_settings
from attendance.errors import UserError
from attendance.programs import bench, bench_cameras, bench_detectors, bench_doors, bench_hours, bench_people
from tests import needs


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


@pytest.mark.long
def test_a_short_bench_prints_a_table_and_writes_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "installed_runtimes", lambda own_numbers: ["onnxruntime"])
    monkeypatch.setattr(bench, "VIDEO_S", 1.0)
    monkeypatch.setattr(bench, "GALLERIES", (100, 1000))
    monkeypatch.setattr(bench_detectors, "FAR", 256)
    monkeypatch.setattr(bench_detectors, "LEAST_ROUNDS", 2)
    monkeypatch.setattr(bench_doors, "PICTURES", 6)
    monkeypatch.setattr(bench_hours, "PEOPLE", 3)
    monkeypatch.setattr(bench_cameras, "SECONDS", 4.0)
    monkeypatch.setattr(bench_people, "SECONDS", 2.0)
    bench.run_bench(load_settings(environ={}), seconds=1.0, json_file=tmp_path / "bench.json")

    told = capsys.readouterr().out
    numbers = json.loads((tmp_path / "bench.json").read_text())
    ours = numbers["runtimes"]["onnxruntime"]
    for stage in ("decode", "detect", "align", "quality", "embed", "search", "whole"):
        assert f"\n{stage} " in told
        assert 0 < ours["ms"][stage]["p50"] <= ours["ms"][stage]["p95"]
    assert ours["pictures_with_template"] <= ours["pictures"]
    assert numbers["models"]["flip"] is True and numbers["runtimes"][bench.OTHERWISE]["pictures"]
    assert "ONNX Runtime, without models.flip" in told
    assert f"{ours['fps']:.1f}" in told
    assert "to compare: pip install" in told
    assert "this detector, ONNX Runtime" in told
    assert "a picture in which nothing moves" in told
    assert [one["input_size"] for one in numbers["detectors"]] == [256]
    assert numbers["hours"]["ratio"] > 0 and "working time of 3 people" in told
    assert [one["cameras"] for one in numbers["cameras"]] == [1, bench_cameras.CAMERAS]
    assert {one["name"] for one in numbers["people"]} == {bench_people.FOLLOWING, bench_people.EVERYTHING}
    assert "person-minute" in told and "720p, 10 a second" in told
    assert set(numbers["search_ms"]) == {"100", "1000", "compared_with_all"}


def test_detectors_take_turns_and_are_told_as_ratios() -> None:
    order: list[str] = []

    def detector(name: str) -> bench_detectors.Detect:
        return lambda picture: order.append(name) or 1  # type: ignore[func-returns-value]

    pictures = [np.zeros((8, 8, 3), np.uint8)]
    names = {bench_detectors.OURS: detector("ours"), "theirs": detector("theirs")}
    timed = bench_detectors._take_turns(names, pictures, 256, seconds=0)
    told = bench_detectors.report(timed, still_ms=0.1, whole_ms=50)

    assert order == ["ours", "theirs"] * (bench_detectors.LEAST_ROUNDS + bench_detectors.WARM_UP)
    assert [len(one.milliseconds) for one in timed] == [bench_detectors.LEAST_ROUNDS] * 2
    assert "1.00×" in told
    assert "0.10 ms (0.2 % of one that is searched)" in told


def test_what_a_still_picture_costs_is_measured_without_searching_it() -> None:
    assert bench_detectors.still_frame_ms(np.zeros((720, 1280, 3), np.uint8)) > 0


def test_a_file_that_is_no_peer_is_refused(tmp_path: Path) -> None:
    needs.package("onnx", extra="train")
    (tmp_path / "a.onnx").write_bytes(b"no graph")
    pictures = [np.zeros((64, 64, 3), np.uint8)]
    with pytest.raises(UserError, match="cannot load"):
        bench_detectors.compare(load_settings(environ={}), ["onnxruntime"], [tmp_path / "a.onnx"], pictures, 1, 0)
