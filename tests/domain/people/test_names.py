"""Names in order, and found by what a keyboard has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import attendance
from attendance.domain.people.names import folded, matches, sort_key


def test_letters_with_marks_are_in_order_beside_the_plain_ones() -> None:
    names = ["Zoe", "Łukasz", "Ärmel", "Arnold", "Arm", "Armel", "Éva", "Eva", "Øystein", "Otto", "luca", "Mia", "Ümit"]

    assert sorted(names, key=sort_key) == [
        "Arm", "Armel", "Ärmel", "Arnold", "Eva", "Éva", "luca", "Łukasz", "Mia", "Otto", "Øystein", "Ümit", "Zoe",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("yildiz", "Ayşe Yıldız"), ("YILDIZ", "Ayşe Yıldız"), ("ISIK", "Işık"), ("istanbul", "İstanbul"),
        ("lukasz", "Łukasz"), ("strasse", "Straße"), ("Straße", "STRASSE"), ("aero", "Ærø"), ("zoe berg", "Berg, Zoë"),
        ("", "anybody"), ("Nguyen", "Nguyễn"), ("obrien", "O’Brien"), ("o'brien", "O’Brien"), ("O’Brien", "OBrien"),
    ],
)  # fmt: skip
def test_a_name_is_found_without_its_marks(wanted: str, name: str) -> None:
    assert matches(wanted, name)


def test_every_word_must_be_in_one_of_the_texts() -> None:
    assert matches("berg 1040", "Anna Berg", "1040")
    assert not matches("berg 1041", "Anna Berg", "1040")
    assert not matches("g1", "Berg", "1")  # no word spans two texts
    assert folded("한국") == folded("한국")


def test_names_are_sorted_in_one_way_everywhere() -> None:
    """Databases and `lower()` put Ä, Ł and Ø behind z: whoever sorts by a name asks `sort_key`."""
    otherwise = re.compile(r"order_by\([^\n]*\b(name|username)\b|key=lambda [^\n]*\bname\b(?!\))")
    package = Path(attendance.__file__).parent
    found = [
        f"{path.relative_to(package)}: {line.strip()}"
        for layer in ("store", "service", "web", "cli")
        for path in sorted((package / layer).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if otherwise.search(line)
    ]

    # The technical names of cameras are ASCII (config.CameraSettings).
    assert [line for line in found if "Camera.name" not in line] == []
