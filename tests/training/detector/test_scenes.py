"""What people drew corrects what a machine labelled; masks lie where masks are worn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attendance.errors import UserError
from attendance.training.detector.scenes import NOBODY, Composer, Parts, Scene, _nodded, with_drawn
from attendance.training.labels import drawn_boxes

HEADER = "image\twidth\theight\tlabelled\tboxes\n"


def _data(folder: Path, rows: str) -> Path:
    (folder / "labels").mkdir()
    (folder / "labels" / "true_boxes.tsv").write_text(HEADER + rows)
    return folder


def test_rows_of_a_set_with_every_face_or_only_the_main_one(tmp_path: Path) -> None:
    rows = "crowd/a.png\t9\t9\tall\t0,0,3,4;1.5,2,5,6\ncrowd/b.png\t9\t9\tmain\t0,0,3,4\nother/c.png\t9\t9\tall\t\n"
    first, second = drawn_boxes(_data(tmp_path, rows), "crowd")
    assert first.path == "crowd/a.png" and first.complete and not second.complete
    assert first.boxes.tolist() == [[0, 0, 3, 4], [1.5, 2, 5, 6]]


def test_no_file_is_no_boxes_and_a_broken_line_is_named(tmp_path: Path) -> None:
    assert list(drawn_boxes(tmp_path, "crowd")) == []
    with pytest.raises(UserError, match=r"line 2: the boxes cannot be read"):
        list(drawn_boxes(_data(tmp_path, "crowd/a.png\t9\t9\tall\t0,0,3\n"), "crowd"))


def test_a_face_the_machine_missed_is_added_and_one_nobody_drew_is_unsure() -> None:
    drawn = np.array([[0, 0, 20, 20], [50, 50, 70, 70]], np.float32)
    machine = np.array([[1, 0, 20, 22], [80, 80, 95, 95]], np.float32)
    boxes, points, sure = with_drawn(drawn, machine, np.ones((2, 5, 2), np.float32))

    assert sure.tolist() == [True, False, True]
    assert np.allclose(boxes[:2], machine)  # the machine's shape of a box is kept
    assert np.allclose(boxes[2, [0, 2]], [50, 70]) and boxes[2, 3] - boxes[2, 1] == pytest.approx(20 / 0.91, rel=1e-4)
    assert np.isfinite(points[:2]).all() and np.isnan(points[2]).all()


@pytest.mark.parametrize("machine", [0, 1])
def test_images_where_one_side_saw_nobody(machine: int) -> None:
    box = np.array([[0, 0, 20, 20]], np.float32)
    none = np.zeros((0, 4), np.float32)
    boxes, points, sure = with_drawn(
        none if machine else box, box if machine else none, np.zeros((machine, 5, 2), np.float32)
    )
    assert boxes.shape == (1, 4) and points.shape == (1, 5, 2) and sure.tolist() == [not machine]


def test_a_mask_hides_the_mouth_and_not_the_eyes() -> None:
    image = np.full((200, 200, 3), 120, np.uint8)
    face = np.array([[[80, 80], [120, 80], [100, 100], [85, 120], [115, 120]]], np.float32)
    scene = Scene(image, np.array([[60, 50, 140, 150]], np.float32), face, np.ones(1, bool))
    parts = Parts(paste=False, negatives=False, photometric=False, cover=0.0, masks=1.0)
    composer, random = (
        Composer([scene], [Scene(image, *NOBODY)], low=60, high=90, parts=parts),
        np.random.default_rng(0),
    )
    covered = 0
    for _ in range(20):
        shown = composer.compose(256, random)
        eyes, mouth = shown.points[0, :2].round().astype(int), shown.points[0, 3:].mean(0).round().astype(int)
        if not shown.sure.all() or not (shown.points[0] > 5).all() or not (shown.points[0] < 250).all():
            continue
        assert all((shown.image[y, x] == 120).all() for x, y in eyes)
        covered += int((shown.image[mouth[1], mouth[0]] != 120).any())
    assert covered > 3


UPRIGHT = np.array([[80, 80], [120, 80], [100, 100], [85, 120], [115, 120]], np.float32)  # a face's landmarks


COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]


def _scenes(parts: Parts, number: int = 40) -> list[Scene]:
    """Compositions of one photograph on which each landmark has its colour."""
    face = UPRIGHT[None]
    image = np.zeros((200, 200, 3), np.uint8)
    for (x, y), colour in zip(UPRIGHT.astype(int), COLOURS, strict=True):
        image[y - 4 : y + 5, x - 4 : x + 5] = colour
    box = np.array([[70, 60, 130, 140]], np.float32)
    composer = Composer([Scene(image, box, face, np.ones(1, bool))], [], low=60, high=90, parts=parts)
    random = np.random.default_rng(0)
    return [composer.compose(256, random) for _ in range(number)]


def _assert_points_lie_on_their_colours(shown: Scene) -> None:
    if not (shown.points > 4).all() or not (shown.points < 250).all():
        return
    mirrored = [1, 0, 2, 4, 3]  # which of the five has which colour, where the scene was mirrored
    found = [tuple(shown.image[int(y), int(x)]) for x, y in shown.points[0]]
    assert found in (COLOURS, [COLOURS[n] for n in mirrored])


ALONE = Parts(paste=False, negatives=False, photometric=False, cover=0.0, masks=0.0, turned=0.0, nodded=0.0)


def test_a_turned_photograph_takes_its_landmarks_and_boxes_along() -> None:
    rolls = []
    for shown in _scenes(replace(ALONE, turned=1.0)):
        eyes = shown.points[0, 1] - shown.points[0, 0]
        rolls.append(np.arctan2(eyes[1], eyes[0]))
        _assert_points_lie_on_their_colours(shown)
        centre = (shown.boxes[0, :2] + shown.boxes[0, 2:]) / 2
        assert np.linalg.norm(centre - shown.points[0].mean(0)) < 2
    assert 0.15 < np.std(rolls) < 0.3 and max(np.abs(rolls)) <= 0.4 + 1e-3


def test_a_nod_moves_the_nose_between_eyes_and_mouth_and_the_landmarks_with_it() -> None:
    heights, sides = [], []
    for shown in _scenes(replace(ALONE, nodded=1.0)):
        eyes, nose, mouth = shown.points[0, :2].mean(0), shown.points[0, 2], shown.points[0, 3:].mean(0)
        heights.append((nose[1] - eyes[1]) / (mouth[1] - eyes[1]))
        sides.append((nose[0] - eyes[0]) / (shown.points[0, 1, 0] - shown.points[0, 0, 0]))
        _assert_points_lie_on_their_colours(shown)
        assert (shown.boxes[0, :2] < shown.points[0].min(0)).all() and (
            shown.boxes[0, 2:] > shown.points[0].max(0)
        ).all()
    assert 0.03 < np.std(heights) < 0.15 and np.std(sides) < 1e-3


@pytest.mark.parametrize(
    "face",
    [np.full((5, 2), np.nan, np.float32), UPRIGHT[:, ::-1], 200 - UPRIGHT, UPRIGHT / 20],
    ids=["nobody said where", "lying", "upside down", "tiny"],
)
def test_a_face_of_which_nobody_knows_where_down_is_does_not_nod(face: np.ndarray) -> None:  # type: ignore[type-arg]
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    points = np.ascontiguousarray(face)[None]
    scene = Scene(image, np.array([[70, 60, 130, 140]], np.float32), points, np.ones(1, bool))
    composer = Composer([scene], [], low=60, high=90, parts=replace(ALONE, nodded=1.0))
    assert len(composer.compose(256, np.random.default_rng(1)).boxes) == 1
    assert _nodded(scene, 0, np.random.default_rng(1)) is scene


def test_an_upright_face_nods() -> None:
    scene = Scene(
        np.zeros((200, 200, 3), np.uint8), np.array([[70, 60, 130, 140]], np.float32), UPRIGHT[None], np.ones(1, bool)
    )
    nods = _nodded(scene, 0, np.random.default_rng(1))
    assert not np.allclose(nods.points, scene.points) and np.array_equal(scene.points[0], UPRIGHT)


def test_poor_scenes_are_darker_and_softer() -> None:
    def edges(image: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(np.abs(np.diff(image.astype(np.float32), axis=1)).max())

    lit = replace(ALONE, photometric=True)
    good, poor = (_scenes(replace(lit, poor=share), 30) for share in (0.0, 1.0))
    assert np.mean([s.image.mean() for s in poor]) < 0.6 * np.mean([s.image.mean() for s in good])
    assert np.median([edges(s.image) for s in poor]) < 0.6 * np.median([edges(s.image) for s in good])


def test_composed_scenes_keep_boxes_on_what_they_show() -> None:
    image = np.full((100, 120, 3), 40, np.uint8)
    image[30:70, 40:80] = (250, 250, 250)
    box, points = np.array([[40, 30, 80, 70]], np.float32), np.full((1, 5, 2), 50, np.float32)
    composer = Composer([Scene(image, box, points, np.ones(1, bool))], [Scene(image[:20, :20], *NOBODY)], high=60)
    random = np.random.default_rng(1)
    seen = 0
    for _ in range(60):
        scene = composer.compose(96, random)
        assert scene.image.shape == (96, 96, 3)
        for (x1, y1, x2, y2), sure in zip(scene.boxes, scene.sure, strict=True):
            inside = (x1 >= 0) & (y1 >= 0) & (x2 <= 96) & (y2 <= 96)
            if not (sure and inside and len(scene.boxes) == 1 and x2 - x1 > 10):
                continue
            seen += 1
            middle = scene.image[
                int(y1 * 0.7 + y2 * 0.3) : int(y1 * 0.3 + y2 * 0.7), int(x1 * 0.7 + x2 * 0.3) : int(x1 * 0.3 + x2 * 0.7)
            ]
            assert middle.mean() > scene.image.mean()
    assert seen > 5


def test_a_picture_of_many_is_shown_from_afar() -> None:
    image = np.full((300, 300, 3), 120, np.uint8)
    boxes = np.array([[20, 20, 80, 100], [120, 20, 180, 100], [220, 20, 280, 100], [20, 180, 80, 260]], np.float32)
    points = np.full((4, 5, 2), np.nan, np.float32)

    def tallest(many: int) -> float:
        scene = Scene(image, boxes[:many], points[:many], np.ones(many, bool))
        composer, random = Composer([scene], [], high=200, parts=ALONE), np.random.default_rng(3)
        heights = [np.diff(composer.compose(256, random).boxes[:, 1::2]) for _ in range(60)]
        return float(max(high.max(initial=0) for high in heights))

    assert tallest(1) > 150 and tallest(4) <= 200 / 5 + 1


def test_near_faces_are_shown_often() -> None:
    image = np.full((300, 300, 3), 120, np.uint8)
    box, points = np.array([[50, 50, 200, 250]], np.float32), np.full((1, 5, 2), np.nan, np.float32)
    composer = Composer([Scene(image, box, points, np.ones(1, bool))], [], high=200, parts=ALONE)
    random = np.random.default_rng(3)
    heights = np.array([np.diff(composer.compose(256, random).boxes[:, 1::2])[0, 0] for _ in range(400)])
    # Of 8 to 200 px, a fifth of the octaves lies above 100 px, and half of the px do.
    assert float((heights > 100).mean()) == pytest.approx((0.22 + 0.52) / 2, abs=0.07)
