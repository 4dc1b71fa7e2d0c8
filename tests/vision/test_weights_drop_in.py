"""A network that somebody brings along: any ArcFace-convention ONNX file, by card and config, without code."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from attendance import paths
from attendance.cli.main import main
from attendance.config import Settings, load_settings
from attendance.domain.faces import Frame, Template
from attendance.vision.serving import analyser_for, cards_for
from tests import needs
from tests.factories import NOON
from tests.vision import networks

ROOT = Path(__file__).resolve().parent.parent.parent
TEACHERS = ("face_mbf512", "face_mfn512")
DIM = 16


def arcface_like(path: Path) -> NDArray[np.float32]:
    """[1,3,112,112] RGB, (x - 127.5) / 127.5 → [1,16,1,1], not normalised; returns its linear map [3,16].

    Like published files it keeps its numbers inside, calls input and output as it likes, and has a batch of one.
    """
    numbers = np.random.default_rng(5).normal(size=(3, DIM)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["input.1"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "numbers"], ["flat"]),
        helper.make_node("Unsqueeze", ["flat", "last"], ["683"]),
    ]
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, [1, DIM, 1, 1])],
        [numpy_helper.from_array(numbers, "numbers"), numpy_helper.from_array(np.array([2, 3], np.int64), "last")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return numbers


def make_card(graph: Path, *arguments: str) -> None:
    result = CliRunner().invoke(main, ["weights", "card", str(graph), "--terms", "the owner's", *arguments])
    assert result.exit_code == 0, result.output


def settings_with(folder: Path, detector: str, recogniser: str) -> Settings:
    (folder / "config.toml").write_text(
        f'[models]\nweights_dir = "."\ndetector = "{detector}"\nrecogniser = "{recogniser}"\n'
    )
    return load_settings(folder / "config.toml", environ={})


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("ATTENDANCE__")]:
        monkeypatch.delenv(variable)


def test_an_arcface_network_is_used_by_card_and_config_alone(tmp_path: Path) -> None:
    numbers = arcface_like(tmp_path / "theirs.onnx")
    networks.write_detector(tmp_path)
    make_card(tmp_path / "theirs.onnx", "--threshold", "0.3")
    settings = settings_with(tmp_path, networks.DETECTOR, "theirs")

    crop = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    template = analyser_for(settings).embed(crop)

    rgb = (crop[..., ::-1].reshape(-1, 3).mean(0) - 127.5) / 127.5
    expected = rgb @ numbers
    assert template.vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-4)
    assert template.model_id == "theirs"
    card = cards_for(settings)[1]
    assert (card.input_size, card.embedding_dim) == (112, DIM)
    assert card.operating_points == {"default_threshold": 0.3}


def test_its_templates_are_never_compared_with_the_shipped_ones(tmp_path: Path) -> None:
    arcface_like(tmp_path / "theirs.onnx")
    networks.write_detector(tmp_path)
    make_card(tmp_path / "theirs.onnx")
    template = analyser_for(settings_with(tmp_path, networks.DETECTOR, "theirs")).embed(
        np.full((112, 112, 3), 30, np.uint8)
    )
    with pytest.raises(ValueError, match="different models"):
        template.score(Template(template.vector, "shipped"))


def test_a_file_swapped_after_its_card_was_made_does_not_load(tmp_path: Path) -> None:
    arcface_like(tmp_path / "theirs.onnx")
    networks.write_detector(tmp_path)
    make_card(tmp_path / "theirs.onnx")
    graph = onnx.load(str(tmp_path / "theirs.onnx"))
    graph.producer_name = "somebody else"
    (tmp_path / "theirs.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(Exception, match="sha256 is not the one on its card"):
        analyser_for(settings_with(tmp_path, networks.DETECTOR, "theirs"))


def published(name: str) -> Path:
    """A published embedder; skips where this computer has none."""
    roots = [Path(os.environ["ATTENDANCE_DATA"])] if "ATTENDANCE_DATA" in os.environ else []
    roots.append(ROOT.parent / "shared" / "data")
    file = next((file for root in roots if (file := root / "teachers" / f"{name}.onnx").is_file()), None)
    if file is None:
        pytest.skip(f"there is no teachers/{name}.onnx in $ATTENDANCE_DATA or ../shared/data")
    return file


@pytest.mark.parametrize("name", TEACHERS)
def test_a_published_embedder_tells_two_people_apart_through_our_detector(tmp_path: Path, name: str) -> None:
    needs.package("skimage", extra="demo")
    from attendance.programs import portraits

    shutil.copyfile(published(name), tmp_path / f"{name}.onnx")
    detector = load_settings(ROOT / "config.toml", environ={}).models.detector
    for file in paths.weights_dir().glob(f"{detector}.*"):
        shutil.copyfile(file, tmp_path / file.name)
    make_card(tmp_path / f"{name}.onnx")
    assert json.loads((tmp_path / f"{name}.json").read_text())["embedding_dim"] == 512
    analyser = analyser_for(settings_with(tmp_path, detector, name))

    def template(image: NDArray[np.uint8]) -> Template:
        (probe, *_) = analyser.analyse(Frame(image, NOON, "test"))
        assert probe.template is not None, probe.flaws
        return probe.template

    collins, hopper = portraits.collins(), portraits.hopper()
    smaller = cv2.resize(collins, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA).astype(np.uint8)
    same = template(collins).score(template(np.clip(smaller * 0.8, 0, 255).astype(np.uint8)))
    apart = template(collins).score(template(hopper))
    assert same > 0.6
    assert apart < 0.3
