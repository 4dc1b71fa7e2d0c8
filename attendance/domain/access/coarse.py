"""The first step of a search among very many rows: in whole numbers, with a bound that loses nobody.

In: unit rows [M,D] and a way to multiply 8-bit matrices.  Out: the rows that can be among the nearest people.
Does not know: people's names, thresholds, what multiplies.
Main choice: rows are rounded to 7 bits and a face to 8, a quarter of the bytes to read.  By how much rounding can
change a score follows from the rounding errors' lengths (Cauchy and Schwarz), so every row that could reach the last
place is compared anew in float32, and the result is that of comparing all.  Trade-off: a second copy of the gallery,
a quarter as large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# The dot products int32 [M] of the rows that it was made of with an int8 face [D] of values from -127 to 127.
Product: TypeAlias = Callable[[NDArray[np.int8]], NDArray[np.int32]]
# Makes the product of int8 rows [M,D] of values from -63 to 63.
MakeProduct: TypeAlias = Callable[[NDArray[np.int8]], Product]

# From so many rows on, reading a quarter of the bytes is worth the second step.
WORTH_IT = 16_384
# Of 7 bits: the sum of two products of such a row with a byte fits into 16 bits, where many processors add them.
_ROW_LEVELS, _FACE_LEVELS = 63, 127
_STEP = 8_192  # rows rounded at once, so that building needs little memory


class CoarseRows:
    """Immutable; safe to share between threads if the product is."""

    __slots__ = ("_error", "_product", "_scales")

    def __init__(self, matrix: NDArray[np.float32], make: MakeProduct) -> None:
        """`matrix` [M,D]: unit rows, at least one."""
        rounded = np.empty(matrix.shape, np.int8)
        self._scales = np.empty(len(matrix), np.float32)
        self._error = 0.0
        for start in range(0, len(matrix), _STEP):
            part = matrix[start : start + _STEP]
            whole, scales = _rounded(part, _ROW_LEVELS)
            rounded[start : start + _STEP], self._scales[start : start + _STEP] = whole, scales
            errors = np.linalg.norm(part - whole * scales[:, None], axis=1)
            self._error = max(self._error, float(errors.max()))
        self._product = make(rounded)

    def near(self, face: NDArray[np.float32], starts: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
        """Return the rows, ascending, that can be the best row of one of the `limit` nearest people, ties included.

        `face` [D]: a unit row.  `starts` [P]: each person's first row; there are at least `limit` people.
        """
        whole, scale = _rounded(face[None], _FACE_LEVELS)
        rough = self._product(whole[0]) * (self._scales * scale[0])
        lost = float(np.linalg.norm(face - whole[0] * scale[0]))
        # |p·x - p'·x'| <= |p||x - x'| + |p - p'||x'|, where |x'| <= 1 + |x - x'|; and float32's own rounding.
        error = self._error + lost * (1 + self._error) + 1e-5
        people = rough if len(starts) == len(rough) else np.maximum.reduceat(rough, starts)
        last = np.partition(people, len(people) - limit)[len(people) - limit]
        return np.flatnonzero(rough >= last - 2 * error)


def _rounded(rows: NDArray[np.float32], levels: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return whole numbers [N,D] from -levels to levels, and what each row's are multiples of [N]."""
    scales = np.abs(rows).max(axis=1) / np.float32(levels)
    scales = np.maximum(scales, np.float32(1e-12))
    return np.rint(rows / scales[:, None]).astype(np.int8), scales
