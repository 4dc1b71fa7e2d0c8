"""Folders in WIDER FACE's layout, whole and broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attendance.errors import UserError
from attendance.evaluation.detector import wider
from tests.evaluation.detector import wider_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    wider_folder.write_images(tmp_path)
    return tmp_path


def boxes(folder: Path) -> dict[str, list[tuple[float, ...]]]:
    """Image → x1, y1, x2, y2, ignored."""
    return {
        one.path.name: [(*map(float, box), float(flag)) for box, flag in zip(one.boxes, one.ignored, strict=True)]
        for one in wider.read(folder)
    }


EXPECTED = {
    "0_Parade_a.jpg": [(58, 58, 78, 78, 0), (154, 154, 174, 174, 0), (200, 20, 230, 26, 1)],
    "0_Parade_b.jpg": [],
    "1_Handshaking_c.jpg": [(90, 90, 110, 110, 0), (0, 0, 40, 40, 1)],
}


@pytest.mark.parametrize("zeros", [True, False])
def test_the_text_form_gives_boxes_and_ignores_what_is_invalid_or_too_small(folder: Path, zeros: bool) -> None:
    wider_folder.write_text(folder, zeros)

    assert boxes(folder) == EXPECTED
    assert all(one.read() is not None for one in wider.read(folder))


def test_the_voc_form_gives_the_same(folder: Path) -> None:
    wider_folder.write_voc(folder)

    assert boxes(folder) == EXPECTED
    assert all(one.read() is not None for one in wider.read(folder))


def test_the_layout_of_the_original_archives_is_found(folder: Path) -> None:
    (folder / "WIDER_val").mkdir()
    (folder / "images").rename(folder / "WIDER_val" / "images")
    (folder / "wider_face_split").mkdir()
    wider_folder.write_text(folder / "wider_face_split")

    assert boxes(folder) == EXPECTED


def test_the_lists_of_the_levels_say_what_counts(folder: Path) -> None:
    wider_folder.write_text(folder)
    first = "0--Parade/0_Parade_a"
    kept = {"easy": {first: [2]}, "medium": {first: [1, 2]}, "hard": {first: [1, 2, 3]}}
    wider_folder.write_levels(folder, kept)

    picture = wider.read(folder)[0]

    assert {level: np.flatnonzero(mask).tolist() for level, mask in picture.levels.items()} == {
        "easy": [1],
        "medium": [0, 1],
        "hard": [0, 1, 2],
    }


def test_a_level_that_names_a_face_too_many_is_refused(folder: Path) -> None:
    wider_folder.write_text(folder)
    wider_folder.write_levels(folder, {level: {"0--Parade/0_Parade_a": [4]} for level in wider.LEVELS})
    with pytest.raises(UserError, match="does not have"):
        wider.read(folder)


def test_lists_that_are_not_complete_are_refused(folder: Path) -> None:
    wider_folder.write_text(folder)
    wider_folder.write_levels(folder, {"easy": {}})
    with pytest.raises(UserError, match="all four lists are needed"):
        wider.read(folder)


def test_a_list_that_is_no_mat_file_is_refused(folder: Path) -> None:
    wider_folder.write_text(folder)
    wider_folder.write_levels(folder, {level: {} for level in wider.LEVELS})
    (folder / "wider_hard_val.mat").write_bytes(b"nothing of the kind" * 20)
    with pytest.raises(UserError, match="cannot read"):
        wider.read(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0--Parade/0_Parade_a.jpg\nmany\n", "the number of its faces must follow"),
        ("0--Parade/0_Parade_a.jpg\n", "the number of its faces must follow"),
        ("0--Parade/0_Parade_a.jpg\n2\n1 2 3 4\n", "should have 2 lines"),
        ("0--Parade/0_Parade_a.jpg\n1\n1 2 3\n", "should have 1 lines"),
        ("0--Parade/0_Parade_a.jpg\n1\n1 2 three 4\n", "should have 1 lines"),
        ("0--Parade/0_Parade_a.jpg\n-1\n1 2 3 4\n", "the number of its faces must follow"),
        ("0--Parade/0_Parade_a.jpg\n1\n1 2 nan 4\n", "should have 1 lines"),
        ("/etc/passwd\n0\n", "leads out"),
        ("../a.jpg\n0\n", "leads out"),
        ("0--Parade/nobody.jpg\n0\n", "none of the 1 named images"),
        ("", "do not name any image"),
    ],
)
def test_annotations_that_make_no_sense_are_refused_in_one_line(folder: Path, text: str, words: str) -> None:
    (folder / "wider_face_val_bbx_gt.txt").write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        wider.read(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "<annotation>",
        "<annotation><object><name>face</name></object></annotation>",
        "<annotation><object><bndbox><xmin>1</xmin></bndbox></object></annotation>",
        '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>',
    ],
)
def test_a_sheet_that_is_no_voc_annotation_is_refused(folder: Path, text: str) -> None:
    (folder / "a.xml").write_text(text)
    with pytest.raises(UserError, match=r"a\.xml"):
        wider.read(folder)


def test_a_folder_without_annotations_or_images_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds neither"):
        wider.read(folder)
    with pytest.raises(UserError, match="no folder images"):
        wider.read(folder / "images" / "0--Parade")
    with pytest.raises(UserError, match="there is no folder"):
        wider.read(tmp_path / "nowhere")
