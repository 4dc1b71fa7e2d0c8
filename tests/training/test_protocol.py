"""What may be learned from: the one place where a slip would spoil every number."""

from __future__ import annotations

from pathlib import Path

import pytest

from attendance.training import protocol


def test_lfw_is_never_learned_from() -> None:
    assert protocol.is_measured("lfw", "lfw/A/A_0001.jpg", "lfw:A")
    assert "lfw" not in protocol.RECOGNISER_SETS and "lfw" not in protocol.DETECTOR_SETS


@pytest.mark.parametrize(("person", "measured"), [("5", True), ("10177", False), ("4440", True), ("1", False)])
def test_every_fifth_person_of_celeba_is_kept_for_measuring(person: str, measured: bool) -> None:
    assert protocol.is_measured("celeba_wild", "celeba_wild/_/1.jpg", f"celeba:{person}") is measured


def test_an_image_of_celeba_without_a_known_person_is_kept_out() -> None:
    assert protocol.is_measured("celeba_crops", "celeba_crops/_/1.jpg", "")


def test_people_of_glint_who_are_in_lfw_are_kept_out() -> None:
    assert protocol.is_measured("glint", "glint/George Clooney/1.png", "glint:George Clooney")
    assert not protocol.is_measured("glint", "glint/Hugh Laurie/1.png", "glint:Hugh Laurie")


@pytest.mark.parametrize(("name", "measured"), [("maksssksksss8.png", True), ("maksssksksss9.png", False)])
def test_every_fourth_crowd_is_kept_for_measuring(name: str, measured: bool) -> None:
    assert protocol.is_measured("facemask853", f"facemask853/_/{name}", "") is measured


def test_identities_are_read_past_the_header_and_windows_line_ends(tmp_path: Path) -> None:
    folder = tmp_path / "celeba_identities" / "_"
    folder.mkdir(parents=True)
    (folder / "identity_CelebA.txt").write_bytes(b"image identity\r\n000001.jpg 2880\r\n000002.jpg 2937\r\n")
    assert protocol.celeba_identities(tmp_path) == {"000001.jpg": 2880, "000002.jpg": 2937}
    assert protocol.celeba_identities(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("set_name", "path", "group"),
    [
        ("utkface", "utkface/_/26_1_2_20170112213500903.jpg.chip.jpg", "asian"),
        ("utkface", "utkface/_/61_1_20170109.jpg", ""),  # three of the set lack the field
        ("generated_a", "generated_a/female_latino/a.jpg", "latino"),
        ("mebeauty", "mebeauty/male/caucasian/13.jpg", "white"),
        ("omi_real", "omi_real/CFD-BF-006/outgoing_2.jpg", "black"),
        ("glint", "glint/Hugh Laurie/3538.png", ""),
    ],
)
def test_a_sets_own_labels_name_the_origin(set_name: str, path: str, group: str) -> None:
    assert protocol.group_of(set_name, path) == group
