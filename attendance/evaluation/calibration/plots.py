"""A plot of the stated and the measured rates, split by split.

In: `Trials`.  Out: PNG and SVG in a folder.
Does not know: how anything was measured.  Needs matplotlib (extra `train`); no display, no pyplot.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attendance.evaluation.calibration.protocols import Trials


def draw_all(trials: Sequence[Trials], folder: Path) -> list[Path]:
    """Draw a row for each protocol and risk, a column for each gallery size; return the files."""
    rows = list(dict.fromkeys((series.protocol, series.risk) for series in trials))
    columns = sorted({series.people for series in trials})
    figure = Figure(figsize=(4 * len(columns), 2.6 * len(rows)), layout="constrained")
    for series in trials:
        place = rows.index((series.protocol, series.risk)) * len(columns) + columns.index(series.people)
        _splits(figure.add_subplot(len(rows), len(columns), place + 1), series)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"calibration.{end}" for end in ("png", "svg")]
    for file in files:
        figure.savefig(file, dpi=110)
    return files


def _splits(axes: Axes, trials: Trials) -> None:
    """Draw grey bars for the stated interval of a trial, and dots for the measured rate: red if outside."""
    usable = [
        (stated.trial, measured)
        for stated, measured in zip(trials.stated, trials.measured, strict=True)
        if stated.trial is not None and np.isfinite(measured)
    ]
    usable.sort(key=lambda pair: pair[1])
    for place, ((low, high), measured) in enumerate(usable):
        inside = low <= measured <= high
        axes.vlines(place, low, high, color="0.75", linewidth=2)
        axes.plot(place, measured, ".", color="tab:blue" if inside else "tab:red", markersize=4)
    axes.axhline(1 / trials.risk, color="0.4", linestyle="--", linewidth=0.8)
    axes.set_title(f"{trials.protocol}, 1 in {trials.risk:,}, N = {trials.people:,}", fontsize=9)
    axes.set_xticks([])
    axes.set_ylim(0, None)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.2%}")
    axes.tick_params(labelsize=7)
