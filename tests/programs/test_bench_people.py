"""What people cost: how a person-minute and an idle hour are told from some pictures, and a short real measurement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from attendance.config import load_settings
from attendance.domain.faces import Box
from attendance.errors import UserError
from attendance.evaluation.recogniser.embedding import peer as embedder
from attendance.programs import bench_people
from attendance.programs.bench_people import EVERYTHING, FOLLOWING, FPS, Peer, Spent
from attendance.vision.boxes import Detections
from tests import needs
from tests.factories import NOON, make_landmarks


def test_a_person_minute_is_the_beginning_once_and_what_follows_for_the_rest() -> None:
    spent = Spent("ours", "scene", [50.0] * bench_people.BEGUN + [10.0] * 40)

    assert spent.minute_s == pytest.approx(0.05 * 10 * FPS + 0.01 * 50 * FPS)
    assert spent.hour_s == pytest.approx(0.01 * 3600 * FPS)
    assert Spent("ours", "short", [20.0] * 5).hour_s == pytest.approx(0.02 * 3600 * FPS)


def test_the_report_tells_ratios_to_this_program() -> None:
    found = [
        Spent(name, scene, [milliseconds] * 200)
        for name, milliseconds in ((FOLLOWING, 10.0), (EVERYTHING, 30.0), ("peer", 40.0))
        for scene in ("stands", "nobody")
    ]
    told = bench_people.report(found)
    assert "1.00×" in told and "3.00×" in told and "4.00×" in told
    assert [one["minute_s"] for one in bench_people.numbers(found)][::2] == [6.0, 18.0, 24.0]


def test_all_take_turns_on_each_picture() -> None:
    order: list[tuple[str, int]] = []

    def look(name: str) -> bench_people.Look:
        return lambda picture, _at: order.append((name, int(picture[0, 0, 0])))

    pictures = iter([np.full((8, 8, 3), shade, np.uint8) for shade in (1, 2)])
    found = bench_people._take_turns("scene", {"a": look("a"), "b": look("b")}, pictures)
    assert order == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert [len(one.milliseconds) for one in found] == [2, 2]


class TwoFaces:
    name, key, confidence = "two", "key", 0.5

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        five = [make_landmarks(Box(x, 20, x + 60, 90)).points for x in (10, 110, 200)]
        boxes = np.array([[x, 20, x + 60, 90] for x in (10, 110, 200)], np.float32)
        return Detections(boxes, np.array([0.9, 0.8, 0.1], np.float32), np.stack(five))


def recogniser(path: Path, side: int = 112) -> Path:
    """The mean colour as an embedding."""
    node = helper.make_node("ReduceMean", ["image"], ["embedding"], axes=[2, 3], keepdims=0)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, side, side])
    graph = helper.make_graph(
        [node], "g", [image], [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, None)]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_a_peer_embeds_each_face_of_each_picture(tmp_path: Path) -> None:
    peer = Peer(TwoFaces(), embedder(recogniser(tmp_path / "r.onnx")))
    picture = np.random.default_rng(0).integers(0, 255, (120, 300, 3)).astype(np.uint8)
    vectors = peer.look(picture, NOON)
    assert len(vectors) == 2 and all(np.linalg.norm(one) == pytest.approx(1, abs=1e-4) for one in vectors)


def test_peers_need_a_recogniser_for_crops_of_112_px(tmp_path: Path) -> None:
    assert bench_people.peers_of([recogniser(tmp_path / "other.onnx", 160)]) == {}
    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    with pytest.raises(UserError, match="cannot load"):
        bench_people.peers_of([tmp_path / "bad.onnx"])


@pytest.mark.long
def test_following_costs_less_for_who_stands_there() -> None:
    needs.package("skimage", "demo")
    needs.package("matplotlib", "demo")
    found = {(one.name, one.scene): one for one in bench_people.measure(load_settings(environ={}), seconds=14)}
    stands = "a person stands there"
    assert found[FOLLOWING, stands].later < 0.8 * found[EVERYTHING, stands].later
