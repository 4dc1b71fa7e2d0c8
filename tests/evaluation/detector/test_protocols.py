"""The whole measurement of a detector: by the command, on a tiny folder with tiny networks."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from attendance.cli.main import main
from attendance.evaluation.detector import protocols
from attendance.evaluation.detector.pictures import Picture
from attendance.evaluation.detector.plots import draw_all
from attendance.vision.boxes import Detections
from attendance.vision.weights import load_card, save_card
from tests.evaluation.detector import wider_folder
from tests.evaluation.detector.labelled_pictures import FakeDetector, labelled
from tests.evaluation.detector.peers import write_scrfd
from tests.vision import networks


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, float):
        yield value


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Tiny networks in a weights folder, a WIDER folder, a peer."""
    (tmp_path / "weights").mkdir()
    networks.write_detector(tmp_path / "weights")
    networks.write_recogniser(tmp_path / "weights")
    wider_folder.write_images(tmp_path / "wider")
    wider_folder.write_text(tmp_path / "wider")
    write_scrfd(tmp_path / "scrfd.onnx")
    return tmp_path


def evaluate(site: Path, *arguments: str) -> Result:
    settings = {
        "models.weights_dir": site / "weights",
        "models.detector": networks.DETECTOR,
        "models.recogniser": networks.RECOGNISER,
    }
    flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    result = CliRunner().invoke(main, [*flags, "evaluate", "detector", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_command_measures_beside_a_peer_at_each_size_and_writes_json_plots_and_card(site: Path) -> None:
    card = load_card(site / "weights", networks.DETECTOR)
    points = {"confidence": 0.77, "anything": [1, 2]}
    save_card(replace(card, operating_points=points), site / "weights")
    wider = site / "wider"

    result = evaluate(
        site, "--wider", str(wider), "--size", "256,128", "--peers", str(site / "scrfd.onnx"),
        "--out", str(site / "out" / "numbers.json"), "--plots", str(site / "plots"), "--card",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    shown, written = json.loads(result.stdout), json.loads((site / "out" / "numbers.json").read_text())
    assert list(written["sizes"]) == ["256", "128"]
    assert list(written["sizes"]["256"]) == [networks.DETECTOR, "scrfd"]
    ours = written["sizes"]["256"][networks.DETECTOR]["wider:wider"]
    assert (ours["images"], ours["faces"], ours["ignored_faces"]) == (3, 3, 2)
    assert ours["ap50"]["value"] > 0.9
    assert ours["curve"]["recall"]
    peer = written["sizes"]["256"]["scrfd"]["wider:wider"]
    assert ours["ap50_lead"]["scrfd"]["value"] == pytest.approx(ours["ap50"]["value"] - peer["ap50"]["value"], abs=1e-4)
    assert all(math.isfinite(number) for number in numbers(written))
    assert shown == protocols.without_curves(written)

    after = load_card(site / "weights", networks.DETECTOR)
    assert after.metrics == shown
    assert after.operating_points == points
    assert after.sha256 == card.sha256

    for name in ("pr-wider-wider-256", "recall-wider-wider-256", "pr-wider-wider-128", "recall-wider-wider-128"):
        image = cv2.imread(str(site / "plots" / f"{name}.png"))
        assert image is not None and image.std() > 1
        assert ElementTree.parse(site / "plots" / f"{name}.svg").getroot().tag.endswith("svg")


def test_levels_are_reported_where_the_lists_are_given(site: Path) -> None:
    first = "0--Parade/0_Parade_a"
    wider_folder.write_levels(site / "wider", {"easy": {first: [1]}, "medium": {first: [1, 2]}, "hard": {first: [3]}})

    result = evaluate(site, "--wider", str(site / "wider"))

    levels = json.loads(result.stdout)["sizes"]["256"][networks.DETECTOR]["wider:wider"]["levels"]
    assert {name: level["faces"] for name, level in levels.items()} == {"easy": 1, "medium": 2, "hard": 1}
    assert levels["easy"]["ap50"]["value"] > 0.9
    assert levels["hard"]["ap50"]["value"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "with --data or --wider"),
        (("--wider", "nowhere"), "there is no folder"),
        (("--wider", "wider", "--size", "256,x"), "whole numbers separated by commas"),
        (("--wider", "wider", "--size", "250"), "multiple of 32"),
        (("--wider", "wider", "--size", "32"), "from 64 to 2048"),
        (("--wider", "wider", "--peers", "nobody.onnx"), "there is no"),
        (("--data", "wider"), "no folder labels"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(
    site: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(site)

    result = evaluate(site, *arguments)

    assert result.exit_code == 2
    (line,) = result.stderr.strip().split("\n")
    assert words in line


def test_images_that_cannot_be_read_are_counted_and_a_folder_of_nothing_else_is_refused(site: Path) -> None:
    (site / "wider" / "images" / "0--Parade" / "0_Parade_a.jpg").write_bytes(b"no picture")
    report = json.loads(evaluate(site, "--wider", str(site / "wider")).stdout)
    ours = report["sizes"]["256"][networks.DETECTOR]["wider:wider"]
    assert (ours["unreadable"], ours["faces"], ours["at_confidence"]["recall"]["of"]) == (1, 3, 3)

    for path in (site / "wider" / "images").rglob("*.jpg"):
        path.write_bytes(b"no picture")
    result = evaluate(site, "--wider", str(site / "wider"))
    assert result.exit_code == 2
    assert "none of the 3 images" in result.stderr


def test_every_set_is_measured_by_one_look_an_image(tmp_path: Path) -> None:
    data = labelled(tmp_path)
    box = np.array([[30, 30, 70, 80]], np.float32)
    found = Detections(box, np.array([0.9], np.float32), np.zeros((1, 5, 2), np.float32))
    detector = FakeDetector([found, Detections.nothing(), Detections.nothing()])
    sets = protocols.sets_of(data, [], None)
    scenes = [Picture(path=data / "facemask853/_/maks4.png", boxes=box[:0], ignored=np.zeros(0, bool))]

    report, _ = protocols.measure(detector, protocols.Sets(sets.main_faces, sets.crowds, scenes), 256)

    assert report["lfw"]["failure_to_acquire"]["count"] == 1
    assert report["facemask853"]["ap50"]["value"] == 0
    assert report["face_free"]["images_with_a_box"]["count"] == 0
    assert detector.calls == 4


def test_a_limit_takes_the_first_of_each_set(tmp_path: Path) -> None:
    sets = protocols.sets_of(labelled(tmp_path), [], 1)

    assert [len(shown) for shown in sets.main_faces.values()] == [1]
    assert sets.face_free is not None and len(sets.face_free) == 1


def test_a_detector_that_finds_nothing_can_be_drawn(tmp_path: Path) -> None:
    one = Picture(tmp_path / "a.png", np.array([[10, 10, 40, 50]], np.float32), np.zeros(1, bool))
    cv2.imwrite(str(one.path), np.zeros((100, 100, 3), np.uint8))
    detector = FakeDetector([Detections.nothing()])
    report, _ = protocols.measure(detector, protocols.Sets({}, {"crowd": [one]}, None), 256)

    paths = draw_all({"sizes": {"256": {"fake": report}}}, tmp_path / "plots")

    assert len(paths) == 4 and all(path.stat().st_size for path in paths)
