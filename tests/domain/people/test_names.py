"""Names in order, and found by what a keyboard has."""

from __future__ import annotations

import pytest

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
        ("", "anybody"), ("Nguyen", "Nguyễn"),
    ],
)  # fmt: skip
def test_a_name_is_found_without_its_marks(wanted: str, name: str) -> None:
    assert matches(wanted, name)


def test_every_word_must_be_in_one_of_the_texts() -> None:
    assert matches("berg 1040", "Anna Berg", "1040")
    assert not matches("berg 1041", "Anna Berg", "1040")
    assert not matches("g1", "Berg", "1")  # no word spans two texts
    assert folded("한국") == folded("한국")
