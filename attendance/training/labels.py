"""Boxes that people drew.

In: a data folder with `labels/true_boxes.tsv`.  Out: boxes by image, and whether every face has one.
Does not know: which images training may use (`protocol`), pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from attendance.errors import UserError


class Drawn(NamedTuple):
    """`path` relative to the data folder · `boxes` [G,4] xyxy px · `complete`: no face is without a box."""

    path: str
    boxes: NDArray[np.float32]
    complete: bool


def drawn_boxes(data: Path, set_name: str) -> Iterator[Drawn]:
    """Yield the rows of one set, none without the file; raise UserError for a line that cannot be read."""
    source = data / "labels" / "true_boxes.tsv"
    if not source.is_file():
        return
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines()):
        if not number:  # the header
            continue
        try:
            path, _, _, labelled, text = line.split("\t")
            boxes = np.array([b.split(",") for b in text.split(";") if b], np.float32).reshape(-1, 4)
        except ValueError:
            raise UserError(f"{source}, line {number + 1}: the boxes cannot be read") from None
        if path.startswith(f"{set_name}/"):
            yield Drawn(path, boxes, labelled == "all")
