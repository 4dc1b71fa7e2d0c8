"""The products are exact, also of the largest values: nothing saturates."""

from __future__ import annotations

import numpy as np
import pytest

from attendance.vision.int8_product import int8_product


@pytest.mark.parametrize("number", [1, 3, 1000])
def test_the_products_are_those_of_whole_numbers(number: int) -> None:
    random = np.random.default_rng(number)
    rows = random.integers(-63, 64, (number, 384), np.int8)
    rows[0] = 63
    product = int8_product(rows)
    for face in (random.integers(-127, 128, 384, np.int8), np.full(384, 127, np.int8), np.full(384, -127, np.int8)):
        wanted = rows.astype(np.int32) @ face.astype(np.int32)
        assert product(face).tolist() == wanted.tolist()
