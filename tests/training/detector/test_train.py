"""The detector's losses, as properties; and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from attendance.models import DetectionModel
from attendance.training.detector.scenes import Scene
from attendance.training.detector.train import Choices, giou, losses_of, wing
from attendance.vision.boxes import iou_matrix


@pytest.fixture(scope="module")
def net() -> DetectionModel:
    torch.manual_seed(0)
    return DetectionModel(input_size=128).eval()


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
    ("choices", "left"),
    [
        pytest.param(Choices(), 0.35, marks=pytest.mark.long),
        pytest.param(Choices(assignment="aligned", landmarks="wing"), 0.5, marks=pytest.mark.long),
    ],
)
def test_four_scenes_can_be_learned_by_heart(choices: Choices, left: float) -> None:
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    net, scenes = DetectionModel(), []
    for _ in range(4):
        image = random.integers(0, 60, (64, 64, 3), dtype=np.uint8)
        x, y = random.integers(2, 22, 2)
        image[y : y + 40, x : x + 40] = random.integers(150, 255, (40, 40, 3), dtype=np.uint8)
        points = np.array([[12, 12], [28, 12], [20, 20], [14, 30], [26, 30]], np.float32) + np.array([x, y])
        box = np.array([[x, y, x + 40, y + 40]], np.float32)
        scenes.append(Scene(image, box, points[None].astype(np.float32), np.ones(1, bool)))
    images = torch.from_numpy(np.stack([s.image for s in scenes]).transpose(0, 3, 1, 2).copy()).float()
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    first = last = 0.0
    for step in range(30):
        loss = losses_of(net(images), scenes, 64, choices)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        last = float(loss.detach())
        first = last if step == 0 else first
    assert last < left * first
