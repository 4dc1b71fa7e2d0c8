"""What calibration stated and what came out, split by split: a picture.

In: `Trials`.  Out: PNG and SVG in a folder.
Does not know: how anything was measured.  Needs matplotlib (extra `train`); no display, no pyplot.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from attendance.evaluation.calibration.run import Trials


def draw(trials: Sequence[Trials], folder: Path) -> list[Path]:
    """A row for each protocol and risk, a column for each gallery size."""
    rows = list(dict.fromkeys((one.protocol, one.risk) for one in trials))
    columns = sorted({one.people for one in trials})
    figure = Figure(figsize=(4 * len(columns), 2.6 * len(rows)), layout="constrained")
    for one in trials:
        place = rows.index((one.protocol, one.risk)) * len(columns) + columns.index(one.people)
        _splits(figure.add_subplot(len(rows), len(columns), place + 1), one)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"calibration.{end}" for end in ("png", "svg")]
    for file in files:
        figure.savefig(file, dpi=110)
    return files


def _splits(axes: Axes, trials: Trials) -> None:
    """Grey bars: where a trial was said to come out; dots: where it did, red outside."""
    usable = [
        (one.trial, found)
        for one, found in zip(trials.stated, trials.measured, strict=True)
        if one.trial is not None and np.isfinite(found)
    ]
    usable.sort(key=lambda pair: pair[1])
    for place, ((low, high), found) in enumerate(usable):
        inside = low <= found <= high
        axes.vlines(place, low, high, color="0.75", linewidth=2)
        axes.plot(place, found, ".", color="tab:blue" if inside else "tab:red", markersize=4)
    axes.axhline(1 / trials.risk, color="0.4", linestyle="--", linewidth=0.8)
    axes.set_title(f"{trials.protocol}, 1 in {trials.risk:,}, N = {trials.people:,}", fontsize=9)
    axes.set_xticks([])
    axes.set_ylim(0, None)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.2%}")
    axes.tick_params(labelsize=7)
