"""Training, exporting and the live window: what is refused before anything is loaded."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Here


def test_training_options_are_checked_before_anything_is_loaded(here: Here, tmp_path: Path) -> None:
    common = ("train", "detector", "--out", str(tmp_path / "run"), "--data")

    assert "there is no folder" in here.refused(*common, str(tmp_path / "no"))
    assert "not both" in here.refused(*common, str(tmp_path), "--epochs", "1", "--samples", "5")
    assert "multiple of 32" in here.refused(*common, str(tmp_path), "--size", "192,250")
    recogniser = ("train", "recogniser", "--out", str(tmp_path / "run"), "--data", str(tmp_path))
    assert "not a multiple of 16" in here.refused(*recogniser, "--size", "250")
    assert "there is no file" in here.refused(*common, str(tmp_path), "--teacher", str(tmp_path / "t.onnx"))
    export = ("export", "detector", "--out", str(tmp_path), "--id", "x", "--weights")
    assert "there is no file" in here.refused(*export, str(tmp_path / "x.safetensors"))


def test_the_long_run_refuses_options_that_contradict_it(here: Here, tmp_path: Path) -> None:
    common = ("train", "recogniser", "--out", str(tmp_path / "run"), "--data", str(tmp_path))

    assert "--epochs does not go with --flat" in here.refused(*common, "--flat", "--epochs", "1")
    assert "--size-at-first does not go" in here.refused(*common, "--anneal", "640", "--size-at-first", "64")
    assert "--frozen needs --flat" in here.refused(*common, "--frozen", "3")
    assert "give a new folder" in here.refused(*common, "--flat", "--no-resume")
    assert "no packs of crops yet" in here.refused(*common, "--flat")


def test_live_names_the_weights_that_are_missing(here: Here, tmp_path: Path) -> None:
    assert "there is no file" in here.refused("live", "--weights", str(tmp_path / "no.safetensors"))
