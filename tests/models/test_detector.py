"""DetectionModel's promises, as properties; and its training's geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attendance.errors import UserError
from attendance.models import DetectionModel, RecognitionModel
from attendance.models.export import export
from attendance.training.detector.assignment import CHOSEN, REACH, by_alignment, by_bands, iou_of_all
from attendance.training.detector.scenes import Scene
from attendance.training.detector.train import Choices, giou, losses_of, wing
from attendance.vision.boxes import cell_centres, decode, iou_matrix


@pytest.fixture(scope="module")
def net() -> DetectionModel:
    torch.manual_seed(0)
    return DetectionModel(input_size=128).eval()


def test_the_heads_have_a_row_for_each_cell_and_any_multiple_of_32_works(net: DetectionModel) -> None:
    for height, width in ((128, 128), (96, 160)):
        with torch.inference_mode():
            heads = net(torch.rand(2, 3, height, width) * 255)
        cells = len(cell_centres(height, width)[0])
        assert heads["bbox"].shape == (2, cells, 4) and bool((heads["bbox"] >= 0).all())
        assert heads["obj"].shape == (2, cells)
        assert heads["landmarks"].shape == (2, cells, 10)


def test_a_batch_gives_what_single_images_give(net: DetectionModel) -> None:
    images = torch.rand(2, 3, 128, 128) * 255
    with torch.inference_mode():
        together, single = net(images), [net(image[None]) for image in images]
    for name, values in together.items():
        assert torch.allclose(values, torch.cat([one[name] for one in single]), atol=1e-4)


def test_boxes_stay_inside_images_of_any_shape_and_come_best_first(net: DetectionModel) -> None:
    random = np.random.default_rng(0)
    for shape in ((1, 1, 3), (40, 300), (333, 77, 4), (64, 64, 3)):
        image = random.integers(0, 255, shape, dtype=np.uint8)
        found = net.detect(image, conf_thresh=0.005)
        assert (found.boxes >= 0).all() and (found.boxes[:, 0::2] <= shape[1]).all()
        assert (found.boxes[:, 1::2] <= shape[0]).all() and np.isfinite(found.landmarks).all()
        assert (np.diff(found.scores) <= 0).all()


def test_a_plot_has_the_images_size(net: DetectionModel) -> None:
    assert net.face_and_plot(np.zeros((50, 70, 3), np.uint8), 0.001).shape == (50, 70, 3)


def test_16_bits_and_grey_are_seen_as_8_bits_in_colour(net: DetectionModel) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (48, 64), dtype=np.uint8)
    colour = net.detect(np.repeat(grey[..., None], 3, axis=2), 0.005)
    deep = grey.astype(np.uint16) * 257
    for same in (grey, grey[..., None], deep, Image.fromarray(grey), Image.fromarray(deep)):
        assert np.array_equal(net.detect(same, 0.005).boxes, colour.boxes)


def test_what_is_no_image_is_refused_in_words(net: DetectionModel) -> None:
    with pytest.raises(UserError, match="float64"):
        net.detect(np.zeros((8, 8, 3)))  # type: ignore[arg-type]


def test_the_live_window_says_when_there_is_no_display(net: DetectionModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UserError, match="no display"):
        net.live_test()


def test_every_face_size_is_given_to_some_cell_and_decodes_back_to_its_box() -> None:
    centres, strides = (torch.from_numpy(a) for a in cell_centres(256, 256))
    for side in (8, 14, 30, 45, 60, 90, 150, 240):
        box = torch.tensor([[8.0, 8.0, 8.0 + side, 8.0 + side]])
        matched = by_bands(box, torch.ones(1, dtype=torch.bool), centres, strides).matched
        cells = torch.nonzero(matched == 0)[:, 0]
        assert len(cells), f"no cell learns a face of {side} px"
        assert all(REACH[int(strides[c])][0] <= side < REACH[int(strides[c])][1] for c in cells)
        bbox = np.zeros((len(centres), 4), np.float32)
        obj, points = np.full(len(centres), -9, np.float32), np.zeros((len(centres), 10), np.float32)
        for c in cells:
            centre, stride = centres[c].numpy(), float(strides[c])
            corners = box[0].numpy()
            bbox[c] = np.concatenate([centre - corners[:2], corners[2:] - centre]) / stride
            obj[c] = 5
        boxes, _, _ = decode(bbox, obj, points, (256, 256), 0.5)
        if (bbox[cells] >= 0).all():
            assert len(boxes) == 1 and np.allclose(boxes[0], box[0], atol=1e-3)


@pytest.mark.parametrize("way", ["bands", "aligned"])
def test_an_unsure_face_is_neither_learned_nor_punished(way: str) -> None:
    centres, strides = (torch.from_numpy(a) for a in cell_centres(64, 64))
    box, sure = torch.tensor([[10.0, 10.0, 40.0, 40.0]]), torch.zeros(1, dtype=torch.bool)
    if way == "bands":
        given = by_bands(box, sure, centres, strides)
    else:
        given = by_alignment(box, sure, centres, strides, box.expand(len(centres), 4), torch.ones(len(centres)))
    assert (given.matched == -1).all() and given.ignored.any()


def test_alignment_takes_the_cells_that_are_right_already_and_each_face_gets_some() -> None:
    torch.manual_seed(4)
    random = np.random.default_rng(4)
    centres, strides = (torch.from_numpy(a) for a in cell_centres(128, 128))
    for _ in range(20):
        corner = torch.from_numpy(random.uniform(0, 90, (3, 2))).float()
        boxes = torch.cat([corner, corner + torch.from_numpy(random.uniform(12, 38, (3, 1))).float()], 1)
        if iou_of_all(boxes, boxes).fill_diagonal_(0).max() > 0:  # a cell in two faces is one's only
            continue
        predicted = torch.from_numpy(random.uniform(0, 100, (len(centres), 4))).float()
        predicted[:, 2:] += predicted[:, :2]
        given = by_alignment(boxes, torch.ones(3, dtype=torch.bool), centres, strides, predicted, torch.rand(336))
        assert given.quality is not None and (given.quality >= 0).all() and (given.quality <= 1).all()
        for face in range(3):
            cells = torch.nonzero(given.matched == face)[:, 0]
            assert 1 <= len(cells) <= CHOSEN
    # Of all cells that could learn it, the one whose box is right is chosen, with full quality.
    box = torch.tensor([[40.0, 40.0, 80.0, 80.0]])
    predicted = torch.zeros(len(centres), 4)
    right = int(((centres - 60).abs().amax(1) + 1000 * (strides != 16)).argmin())
    predicted[right] = box[0]
    given = by_alignment(box, torch.ones(1, dtype=torch.bool), centres, strides, predicted, torch.full((336,), 0.5))
    assert given.quality is not None
    assert given.matched[right] == 0 and float(given.quality[right]) == pytest.approx(1)
    assert float(given.quality.sum()) == pytest.approx(1, abs=1e-3)


def test_overlap_of_all_agrees_with_the_one_of_serving() -> None:
    random = np.random.default_rng(1)
    first, second = (np.sort(random.uniform(0, 50, (n, 2, 2)), axis=1).reshape(n, 4) for n in (7, 5))
    given = iou_of_all(torch.from_numpy(first), torch.from_numpy(second)).numpy()
    assert np.allclose(given, iou_matrix(first.astype(np.float32), second.astype(np.float32)), atol=1e-5)


def test_wing_is_steep_for_small_errors_and_straight_for_large_ones() -> None:
    off = torch.tensor([0.0, 1.0, 10.0, 20.0, 30.0])
    given = wing(off)
    assert given[0] == 0 and torch.allclose(given, wing(-off))
    assert given[2] == pytest.approx(10 * np.log(6), rel=1e-5)  # both branches meet at the width
    assert float(given[4] - given[3]) == pytest.approx(10) and float(given[1]) > 4


def test_giou_agrees_with_iou_where_boxes_fill_their_hull() -> None:
    first = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 4, 4]])
    second = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [8, 0, 12, 4]])
    generalised, iou = giou(first, second)
    assert torch.allclose(iou, torch.from_numpy(iou_matrix(first.numpy(), second.numpy()).diagonal().copy()))
    assert torch.allclose(generalised, torch.tensor([1.0, 1 / 3, -1 / 3]), atol=1e-5)


def test_scenes_without_faces_give_finite_losses(net: DetectionModel) -> None:
    empty = Scene(
        np.zeros((128, 128, 3), np.uint8),
        np.zeros((0, 4), np.float32),
        np.zeros((0, 5, 2), np.float32),
        np.zeros(0, bool),
    )
    losses = losses_of(net(torch.zeros(1, 3, 128, 128)), [empty], 128)
    assert all(bool(torch.isfinite(v)) for v in losses.values()) and not losses["box"].detach().any()


def test_a_face_without_landmarks_teaches_its_box_only(net: DetectionModel) -> None:
    box, nowhere = np.array([[30, 30, 90, 95]], np.float32), np.full((1, 5, 2), np.nan, np.float32)
    scene = Scene(np.zeros((128, 128, 3), np.uint8), box, nowhere, np.ones(1, bool))
    losses = losses_of(net(torch.zeros(1, 3, 128, 128)), [scene], 128)
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert float(losses["points"].detach()) == float(losses["nose"].detach()) == 0 and float(losses["box"].detach()) > 0


def test_the_nose_counts_against_the_other_landmarks_wherever_they_all_lie(net: DetectionModel) -> None:
    outputs = {name: value.detach() for name, value in net(torch.zeros(1, 3, 128, 128)).items()}
    outputs["landmarks"].zero_()  # every cell says: all five lie at my centre
    box, image = np.array([[30, 30, 90, 95]], np.float32), np.zeros((128, 128, 3), np.uint8)

    def nose(*points: tuple[int, int]) -> float:
        scene = Scene(image, box, np.array([points], np.float32), np.ones(1, bool))
        return float(losses_of(outputs, [scene], 128)["nose"])

    together, elsewhere = nose(*[(60, 60)] * 5), nose(*[(50, 70)] * 5)
    assert together == elsewhere == 0
    assert nose((60, 60), (60, 60), (60, 66), (60, 60), (60, 60)) == pytest.approx(
        0.5 * (6 / 62.5 * 10 - 0.05), rel=1e-3
    )


@pytest.mark.parametrize(
    ("choices", "left"), [(Choices(), 0.35), (Choices(assignment="aligned", landmarks="wing"), 0.5)]
)
def test_eight_scenes_can_be_learned_by_heart(choices: Choices, left: float) -> None:
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    net, scenes = DetectionModel(), []
    for _ in range(8):
        image = random.integers(0, 60, (96, 96, 3), dtype=np.uint8)
        x, y = random.integers(4, 50, 2)
        image[y : y + 40, x : x + 40] = random.integers(150, 255, (40, 40, 3), dtype=np.uint8)
        points = np.array([[12, 12], [28, 12], [20, 20], [14, 30], [26, 30]], np.float32) + np.array([x, y])
        box = np.array([[x, y, x + 40, y + 40]], np.float32)
        scenes.append(Scene(image, box, points[None].astype(np.float32), np.ones(1, bool)))
    images = torch.from_numpy(np.stack([s.image for s in scenes]).transpose(0, 3, 1, 2).copy()).float()
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    first = last = 0.0
    for step in range(30):
        loss = losses_of(net(images), scenes, 96, choices)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        last = float(loss.detach())
        first = last if step == 0 else first
    assert last < left * first


@pytest.mark.parametrize("kind", ["detector", "recogniser"])
def test_an_exported_graph_answers_as_pytorch_and_stores_no_number_twice(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(5)
    net = DetectionModel() if kind == "detector" else RecognitionModel()
    net.save_weights(tmp_path / "w.safetensors")
    assert export(tmp_path / "w.safetensors", tmp_path / "out", "m", 64) < 1e-4
    assert (tmp_path / "out" / "m.onnx").stat().st_size < 500_000
    assert (tmp_path / "out" / "m.safetensors").read_bytes() == (tmp_path / "w.safetensors").read_bytes()
