"""Every wrong field of a camera's settings has its words, in the language of whoever reads them."""

from __future__ import annotations

from typing import Any

import pytest

from attendance.config import CameraSettings
from attendance.errors import WrongFields
from attendance.service.cameras.checking import OPTIONS, checked


def wrong(options: dict[str, Any], name: str = "front", source: str = "0", direction: str = "in") -> dict[str, str]:
    with pytest.raises(WrongFields) as found:
        checked(name, source, direction, options)
    return {key: words.text for key, words in found.value.fields.items()}


def test_all_wrong_fields_are_told_at_once() -> None:
    options = {"rotate": 45, "max_fps": "many", "read_timeout_s": 0, "open_timeout_s": 301}
    assert wrong(options, "", " ", "up").keys() == {"name", "source", "direction", *options}


@pytest.mark.parametrize("key", [key for key in OPTIONS if key != "rotate"])
def test_each_number_names_its_bounds(key: str) -> None:
    assert wrong({key: 10**6})[key] == "enter a number above %(least)s, %(most)s at most"


def test_a_longest_wait_below_the_first_one_is_told_at_its_field() -> None:
    assert wrong({"reconnect_min_s": 9, "reconnect_max_s": 3}).keys() == {"reconnect_max_s"}


def test_what_is_left_out_is_as_usual() -> None:
    assert checked("front", " 0 ", "in", {"max_fps": None}) == CameraSettings(name="front", source="0")
