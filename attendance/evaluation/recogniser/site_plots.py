"""The plot of `evaluate site`: own people refused, by how they are compared.

In: the numbers of `site_run`.  Out: PNG and SVG in a folder.
Does not know: how anything was measured.  Needs matplotlib (extra `train`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from attendance.evaluation.recogniser.plots import picture


def draw(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw a bar for each way and network, with its interval over people; return the files."""
    return picture(folder, "site", [partial(bars, networks=result["networks"])], width=8)


def bars(axes: Axes, networks: Mapping[str, Mapping[str, Any]]) -> None:
    """Own people refused, a group of bars for each way."""
    high = 0.8 / max(1, len(networks))
    for number, (name, values) in enumerate(networks.items()):
        rows = values["all"]
        rates = np.array([100 * row["fnir"] for row in rows])
        low, top = (np.array([100 * row["interval95_people"][side] for row in rows]) for side in (0, 1))
        spread = np.stack([np.maximum(rates - low, 0), np.maximum(top - rates, 0)])
        at = np.arange(len(rows)) + number * high
        axes.barh(at, rates, high, xerr=spread, label=name, capsize=2)
        axes.set_yticks(np.arange(len(rows)) + 0.4 - high / 2, [row["way"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("own people refused, % (95 % over people)")
    axes.set_title("A site: enrolled in one session, met in another")
    axes.legend(loc="lower right")
