"""Detectors that are compared: ours is the door's; a peer's graph is read as its owners wrote it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from attendance.config import Settings
from attendance.errors import UserError
from attendance.evaluation.detector import detectors
from attendance.vision.serving import analyser_for
from tests.evaluation.detector.peers import POINTS, REACH, write_scrfd
from tests.vision import networks


def write_yunet(path: Path) -> Path:
    """YuNet's outputs for a network that takes bright cells of stride 32 for faces of 2 × 3 cells."""
    nodes = [helper.make_node("Conv", ["input", "grey"], ["mean"])]
    constants: dict[str, NDArray[np.generic]] = {"grey": np.full((1, 3, 1, 1), 1 / 765, np.float32)}
    outputs = []
    for stride in (8, 16, 32):
        pool = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        constants[f"factor{stride}"] = np.full((1, 1, 1, 1), 0.9 if stride == 32 else 0, np.float32)
        nodes.append(helper.make_node("AveragePool", ["mean"], [f"pool{stride}"], **pool))
        nodes.append(helper.make_node("Conv", [f"pool{stride}", f"factor{stride}"], [f"map{stride}"]))
        for kind, values in YUNET.items():
            constants[f"w_{kind}"] = np.full((len(values), 1, 1, 1), float(kind in ("cls", "obj")), np.float32)
            constants[f"b_{kind}"] = np.array(values, np.float32)
            constants[f"rows_{kind}"] = np.array([1, -1, len(values)], np.int64)
            out = f"{kind}_{stride}"
            nodes += [
                helper.make_node("Conv", [f"map{stride}", f"w_{kind}", f"b_{kind}"], [f"conv_{out}"]),
                helper.make_node("Transpose", [f"conv_{out}"], [f"last_{out}"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"last_{out}", f"rows_{kind}"], [out]),
            ]
            outputs.append(helper.make_tensor_value_info(out, TensorProto.FLOAT, [1, "N", len(values)]))
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "H", "W"])
    initialisers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "yunet", [image], outputs, initialisers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), str(path))
    return path


# Middle of the box from the cell's corner and logarithms of its sides, in strides; points from the corner.
YUNET = {"cls": [0.0], "obj": [0.0], "bbox": [0.5, 0.25, np.log(2), np.log(3)], "kps": [*POINTS]}


def test_yunet_is_read_as_its_owners_wrote_it(tmp_path: Path) -> None:
    (peer,) = detectors.peers([write_yunet(tmp_path / "yunet.onnx")], 128)
    image = np.kron(block(32, 64)[..., 0], np.ones((2, 2), np.uint8))

    found = peer.detect(np.dstack([image] * 3))

    assert len(found.boxes) == 1
    # The cell's corner is (32, 64) of 128; everything is twice as large in the image.
    x, y = 32 + 16, 64 + 8
    expected = np.clip(2 * np.array([x - 32, y - 48, x + 32, y + 48]), 0, 256)
    assert found.boxes[0] == pytest.approx(expected, abs=0.01)
    points = 2 * (np.array([32, 64] * 5) + 32 * np.array(POINTS))
    assert found.landmarks[0].reshape(-1) == pytest.approx(points, abs=0.01)
    assert found.scores[0] == pytest.approx(0.9, abs=0.01)
    assert len(peer.detect(np.zeros((50, 80, 3), np.uint8)).boxes) == 0


def block(x: int, y: int, side: int = 128) -> NDArray[np.uint8]:
    image = np.zeros((side, side, 3), np.uint8)
    image[y : y + 32, x : x + 32] = 255
    return image


@pytest.mark.parametrize("size", [64, 128, 192])
def test_a_peer_published_for_one_size_works_at_another(tmp_path: Path, size: int) -> None:
    (peer,) = detectors.peers([write_scrfd(tmp_path / "scrfd.onnx")], size)

    found = peer.detect(block(32, 64, size))

    # The block is the cell (1, 2); SCRFD's anchors lie at the cells' corners.
    reach = REACH * 32
    corners = [32 - reach, 64 - reach, 32 + reach, 64 + reach]
    expected = np.clip(corners, 0, size)
    if size >= 128:
        assert found.boxes[0] == pytest.approx(expected)
        assert len(found.boxes) == 1  # the second anchor's is the same box, and suppressed
        assert found.landmarks[0].reshape(-1) == pytest.approx(np.array([32, 64] * 5) + 32 * np.array(POINTS))
        assert found.scores[0] == pytest.approx(0.9 * (255 - 127.5) / 128)


def test_a_peer_finds_in_pixels_of_the_image_whatever_its_size(tmp_path: Path) -> None:
    (peer,) = detectors.peers([write_scrfd(tmp_path / "scrfd.onnx")], 128)
    image = np.kron(block(32, 64)[..., 0], np.ones((4, 4), np.uint8))

    found = peer.detect(np.dstack([image] * 3))

    # At the cell's corner (128, 256) of 512; reach 48 px of the input are 192.
    assert found.boxes[0] == pytest.approx([0, 64, 320, 448])


def test_ours_is_the_analyser_of_the_door(tmp_path: Path) -> None:
    networks.write_detector(tmp_path)
    networks.write_recogniser(tmp_path)
    models = {"weights_dir": str(tmp_path), "detector": networks.DETECTOR, "recogniser": networks.RECOGNISER}
    settings = Settings()
    settings = settings.model_copy(update={"models": settings.models.model_copy(update=models)})
    image = np.full((256, 256, 3), 60, np.uint8)
    image[64:96, 64:96] = image[160:192, 128:160] = 255

    ours = detectors.ServedDetector(settings, 256)
    found = ours.detect(image).down_to(settings.detector.confidence)
    door = analyser_for(settings).detect(image)

    assert len(found.boxes) == len(door) > 1
    for box, score, points, face in zip(found.boxes, found.scores, found.landmarks, door, strict=True):
        assert box.tolist() == [face.box.x1, face.box.y1, face.box.x2, face.box.y2]
        assert score == np.float32(face.score)
        assert np.array_equal(points, face.landmarks.points)


def test_peers_in_a_folder_are_found_and_other_networks_left(tmp_path: Path) -> None:
    write_scrfd(tmp_path / "scrfd.onnx")
    networks.write_recogniser(tmp_path)

    assert [peer.name for peer in detectors.peers([tmp_path], 64)] == ["scrfd"]


def test_what_is_no_peer_is_refused(tmp_path: Path) -> None:
    networks.write_recogniser(tmp_path)
    (tmp_path / "broken.onnx").write_bytes(b"\xff\xfe nothing of the kind")
    for name, words in ((f"{networks.RECOGNISER}.onnx", "neither YuNet nor SCRFD"), ("broken.onnx", "cannot load")):
        with pytest.raises(UserError, match=words):
            detectors.peers([tmp_path / name], 64)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="neither YuNet nor SCRFD"):
        detectors.peers([tmp_path / "empty"], 64)
