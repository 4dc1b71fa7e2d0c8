"""The threshold with its margins: one that would let strangers in cannot be made."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.operating_point import OperatingPoint, look_alike_margin
from tests.factories import MODEL, NOON

POINT = OperatingPoint(threshold=0.5, margin=0.1, model_id=MODEL, source="administrator", created_at=NOON)


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 0},
        {"threshold": -0.2},
        {"threshold": 1.1},
        {"threshold": math.nan},
        {"margin": -0.1},
        {"margin": math.nan},
        {"margin": 2},
        {"model_id": ""},
    ],
)
def test_an_operating_point_that_would_let_strangers_in_cannot_be_made(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"threshold|margin|model"):
        replace(POINT, **change)  # type: ignore[arg-type]


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_margin_of_look_alikes_is_never_smaller_and_grows_with_the_margin(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert low <= look_alike_margin(low) <= look_alike_margin(high) <= 1
    assert look_alike_margin(low) > 0
