"""Geometry by its properties, and against slow references written without numpy's tricks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from attendance.vision.boxes import (
    COARSE,
    MAX_CANDIDATES,
    PAD_GREY,
    STRIDES,
    cell_centres,
    clip_boxes,
    decode,
    iou_matrix,
    letterbox,
    nms,
    unletterbox,
)

sides = st.integers(1, 700)
sizes = st.sampled_from([64, 256, 320])


def random_boxes(seed: int, count: int, extent: float = 100) -> NDArray[np.float32]:
    corners = np.random.default_rng(seed).uniform(0, extent, (count, 2, 2))
    return np.concatenate([corners.min(1), corners.max(1) + 1], axis=1).astype(np.float32)


@given(sides, sides, sizes)
def test_there_and_back_again_is_the_same_place(height: int, width: int, size: int) -> None:
    _, scale, pad = letterbox(np.zeros((height, width, 3), np.uint8), size)
    points = np.array([[0, 0], [width, height], [width / 3, height / 7]], np.float32)
    there = points * scale + np.array(pad, np.float32)
    assert unletterbox(there, scale, pad) == pytest.approx(points, abs=max(height, width) * 1e-5)
    boxes = np.array([[0, 0, width, height]], np.float32)
    assert unletterbox(boxes * scale + np.tile(pad, 2).astype(np.float32), scale, pad) == pytest.approx(
        boxes, abs=max(height, width) * 1e-5
    )
    landmarks = np.tile(there[:1], (2, 5, 1))
    assert unletterbox(landmarks, scale, pad).shape == (2, 5, 2)


@given(sides, sides, sizes)
def test_the_picture_lies_where_the_numbers_say(height: int, width: int, size: int) -> None:
    canvas, scale, pad = letterbox(np.full((height, width, 3), 255, np.uint8), size)
    assert canvas.shape == (size, size, 3)
    assert canvas.dtype == np.uint8
    ys, xs = np.nonzero(canvas[..., 0] != PAD_GREY)
    edges = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    told = np.array([0, 0, width * scale, height * scale]) + np.tile(pad, 2)
    assert np.abs(edges - told).max() <= 0.5
    if min(height, width) * scale >= 1:
        assert np.abs(edges - told).max() <= 0.25 + 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (1, 8000), (6000, 1), (480, 640)])
def test_pictures_of_any_shape_fit(shape: tuple[int, int]) -> None:
    canvas, scale, _ = letterbox(np.zeros((*shape, 3), np.uint8), 256)
    assert canvas.shape == (256, 256, 3)
    assert scale == 256 / max(shape)


def test_a_picture_without_pixels_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no pixels"):
        letterbox(np.zeros((0, 5, 3), np.uint8), 256)


def test_a_picture_that_already_fits_is_not_touched() -> None:
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    canvas, scale, pad = letterbox(image, 256)
    assert (canvas == image).all()
    assert (scale, pad) == (1, (0, 0))


def test_a_mirrored_view_of_an_image_is_taken_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (100, 80, 3), dtype=np.uint8)
    assert (letterbox(image[:, ::-1, ::-1], 64)[0] == letterbox(image[:, ::-1, ::-1].copy(), 64)[0]).all()


def slow_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(across, 0) * max(down, 0)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))


@given(st.integers(0, 10_000), st.integers(0, 8), st.integers(0, 8))
def test_overlaps_agree_with_comparing_one_by_one(seed: int, rows: int, columns: int) -> None:
    first, second = random_boxes(seed, rows), random_boxes(seed + 1, columns)
    found = iou_matrix(first, second)
    assert found.shape == (rows, columns)
    for row in range(rows):
        for column in range(columns):
            assert found[row, column] == pytest.approx(slow_iou(first[row], second[column]), abs=1e-5)


def test_boxes_without_area_overlap_nothing() -> None:
    point = np.array([[5, 5, 5, 5]], np.float32)
    assert iou_matrix(point, point) == 0


def slow_nms(boxes: NDArray[np.float32], scores: NDArray[np.float32], iou: float) -> list[int]:
    left = sorted(range(len(boxes)), key=lambda index: (-scores[index], index))
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [index for index in left if slow_iou(boxes[best], boxes[index]) <= iou]
    return kept


@given(st.integers(0, 10_000), st.integers(0, 25), st.sampled_from([0.1, 0.45, 0.9]))
def test_suppression_agrees_with_the_textbook(seed: int, count: int, iou: float) -> None:
    boxes = random_boxes(seed, count)
    scores = np.random.default_rng(seed).permutation(count).astype(np.float32)
    kept = nms(boxes, scores, iou)
    assert kept.tolist() == slow_nms(boxes, scores, iou)
    shuffle = np.random.default_rng(seed + 1).permutation(count)
    assert shuffle[nms(boxes[shuffle], scores[shuffle], iou)].tolist() == kept.tolist()


def test_of_equal_boxes_the_first_is_kept() -> None:
    boxes = np.tile(random_boxes(0, 1), (4, 1))
    assert nms(boxes, np.ones(4, np.float32), 0.45).tolist() == [0]


def test_cells_stand_row_by_row_and_stride_by_stride() -> None:
    centres, strides = cell_centres(64, 96)
    expected = [
        ((x + 0.5) * stride, (y + 0.5) * stride, stride)
        for stride in STRIDES
        for y in range(64 // stride)
        for x in range(96 // stride)
    ]
    assert np.column_stack([centres, strides]).tolist() == [list(one) for one in expected]


@pytest.mark.parametrize("shape", [(100, 64), (64, 0), (-32, 32)])
def test_an_input_that_is_no_multiple_of_32_is_an_error(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        cell_centres(*shape)


Heads = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def random_heads(seed: int, height: int, width: int, strides: tuple[int, ...] = STRIDES) -> Heads:
    random = np.random.default_rng(seed)
    cells = sum((height // stride) * (width // stride) for stride in strides)
    bbox = random.uniform(-0.2, 3, (cells, 4)).astype(np.float32)
    return bbox, random.normal(-1, 2, cells).astype(np.float32), random.normal(0, 1, (cells, 10)).astype(np.float32)


def slow_decode(
    heads: Heads, shape: tuple[int, int], strides: tuple[int, ...], threshold: float, iou: float
) -> list[tuple[float, ...]]:
    """(score, box, points) of each face by plain loops."""
    height, width = shape
    bbox, obj, landmarks = heads
    found: list[tuple[float, ...]] = []
    cell = 0
    for stride in strides:
        for row in range(height // stride):
            for column in range(width // stride):
                x, y = (column + 0.5) * stride, (row + 0.5) * stride
                left, top, right, bottom = (max(float(value), 0) * stride for value in bbox[cell])
                score = 1 / (1 + math.exp(-float(obj[cell])))
                points = [
                    base + float(offset) * stride for base, offset in zip([x, y] * 5, landmarks[cell], strict=True)
                ]
                if score >= threshold and left + right > 0 and top + bottom > 0:
                    found.append((score, x - left, y - top, x + right, y + bottom, *points))
                cell += 1
    found.sort(key=lambda face: -face[0])
    kept: list[tuple[float, ...]] = []
    for face in found:
        box = np.array(face[1:5], np.float32)
        if all(slow_iou(np.array(other[1:5], np.float32), box) <= iou for other in kept):
            kept.append(face)
    return kept


@given(
    st.integers(0, 10_000),
    st.sampled_from([(32, 32), (64, 32), (64, 96)]),
    st.sampled_from([STRIDES, COARSE]),
    st.sampled_from([0.3, 0.5, 0.9]),
)
def test_decoding_agrees_with_plain_loops(
    seed: int, shape: tuple[int, int], strides: tuple[int, ...], threshold: float
) -> None:
    heads = random_heads(seed, *shape, strides)
    boxes, scores, points = decode(*heads, shape, threshold, 0.45)
    expected = slow_decode(heads, shape, strides, threshold, 0.45)
    assert (boxes.dtype, scores.dtype, points.dtype) == (np.float32,) * 3
    assert boxes.shape == (len(expected), 4)
    assert points.shape == (len(expected), 5, 2)
    found = np.column_stack([scores, boxes, points.reshape(-1, 10)])
    assert found == pytest.approx(np.array(expected).reshape(-1, 15), abs=1e-3)


def heads_with_one_face() -> Heads:
    bbox, obj, landmarks = (np.zeros_like(head) for head in random_heads(0, 64, 64))
    obj -= 20
    bbox[5], obj[5] = 1.5, 4
    return bbox, obj, landmarks


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("head", [0, 1, 2])
def test_values_that_are_no_numbers_are_no_faces(value: float, head: int) -> None:
    heads = heads_with_one_face()
    assert len(decode(*heads, (64, 64), 0.5)[0]) == 1
    heads[head][5] = value
    assert len(decode(*heads, (64, 64), 0.5)[0]) == 0


def test_a_network_of_nothing_but_nan_finds_nothing() -> None:
    heads = tuple(np.full_like(head, np.nan) for head in heads_with_one_face())
    assert [len(part) for part in decode(*heads, (64, 64), 0.5)] == [0, 0, 0]


def test_very_sure_and_very_unsure_cells_cause_no_overflow() -> None:
    bbox, obj, landmarks = heads_with_one_face()
    obj[:] = -1e4
    obj[5] = 1e4
    assert decode(bbox, obj, landmarks, (64, 64), 0.5)[1].tolist() == [1]


def test_a_frame_of_noise_is_cut_at_the_most_candidates() -> None:
    bbox, obj, landmarks = random_heads(0, 512, 512)
    obj[:] = 5
    assert len(decode(bbox, obj, landmarks, (512, 512), 0.5, nms_iou=1)[0]) <= MAX_CANDIDATES


def test_heads_of_another_input_size_are_an_error() -> None:
    with pytest.raises(ValueError, match="340 cells"):
        decode(*random_heads(0, 32, 32), (64, 64), 0.5)


def test_clipping_ends_boxes_at_the_frame() -> None:
    boxes = np.array([[-5, -5, 50, 20], [90, 0, 120, 10], [200, 200, 300, 300]], np.float32)
    assert clip_boxes(boxes, 40, 100).tolist() == [[0, 0, 50, 20], [90, 0, 100, 10], [100, 40, 100, 40]]
