"""Which cell learns which face."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from attendance.training.detector.assignment import CHOSEN, REACH, by_alignment, by_bands, iou_of_all
from attendance.vision.boxes import cell_centres, decode, iou_matrix


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
        given = by_alignment(
            boxes, torch.ones(3, dtype=torch.bool), centres, strides, predicted, torch.rand(len(centres))
        )
        assert given.quality is not None and (given.quality >= 0).all() and (given.quality <= 1).all()
        for face in range(3):
            cells = torch.nonzero(given.matched == face)[:, 0]
            assert 1 <= len(cells) <= CHOSEN
    # Of all cells that could learn it, the one whose box is right is chosen, with full quality.
    box = torch.tensor([[40.0, 40.0, 80.0, 80.0]])
    predicted = torch.zeros(len(centres), 4)
    right = int(((centres - 60).abs().amax(1) + 1000 * (strides != 16)).argmin())
    predicted[right] = box[0]
    given = by_alignment(
        box, torch.ones(1, dtype=torch.bool), centres, strides, predicted, torch.full((len(centres),), 0.5)
    )
    assert given.quality is not None
    assert given.matched[right] == 0 and float(given.quality[right]) == pytest.approx(1)
    assert float(given.quality.sum()) == pytest.approx(1, abs=1e-3)


def test_overlap_of_all_agrees_with_the_one_of_serving() -> None:
    random = np.random.default_rng(1)
    first, second = (np.sort(random.uniform(0, 50, (n, 2, 2)), axis=1).reshape(n, 4) for n in (7, 5))
    given = iou_of_all(torch.from_numpy(first), torch.from_numpy(second)).numpy()
    assert np.allclose(given, iou_matrix(first.astype(np.float32), second.astype(np.float32)), atol=1e-5)


def test_a_near_face_is_learned_by_two_strides() -> None:
    centres, strides = (torch.from_numpy(a) for a in cell_centres(256, 256))
    for side in (115, 133, 160):  # what a person's face has at arm's length, and LFW's in 256 px
        box = torch.tensor([[40.0, 40.0, 40.0 + side, 40.0 + side]])
        matched = by_bands(box, torch.ones(1, dtype=torch.bool), centres, strides).matched
        assert {int(stride) for stride in strides[matched == 0]} == {16, 32}
